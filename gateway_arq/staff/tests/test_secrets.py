"""Secrets of the environment stay with their host, whoever edits the address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from centralino.models import PbxServer
from webtv.models import Stream

pytestmark = pytest.mark.django_db

TOKEN, AMI, SSH, ARI = "stream-token", "ami-secret", "ssh-password", "ari-password"
HOME = "https://cdn.example:8443/live"
STREAM: dict[str, Any] = {
    "name": "main", "title": "Main", "preset": "owncast", "body_format": "json", "headers": "{}",
    "alert_rules-TOTAL_FORMS": "0", "alert_rules-INITIAL_FORMS": "0",
}  # fmt: skip
SERVER: dict[str, Any] = {
    "enabled": "on", "host": "127.0.0.1", "ami_port": 5038, "ami_user": "gateway",
    "ssh_host": "pbx.example", "ssh_port": 22, "ssh_user": "arq", "ssh_fingerprint": "SHA256:abc",
    "local_port": 0, "ari_url": "http://pbx.example:8088/ari", "ari_user": "arq", "ari_app": "arq",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _secrets(settings: Any) -> None:
    settings.WEBTV_STREAMS = {"1": {"NAME": "main", "URL": HOME, "TOKEN": TOKEN}}
    settings.ASTERISK_SERVERS = {
        "one": {"AMI_SECRET": AMI, "SSH_PASSWORD": SSH, "ARI_PASSWORD": ARI}
    }


def stream_saved(client: Client, stream: Stream, **changed: Any) -> bool:
    address = reverse("admin:webtv_stream_change", args=[stream.pk])
    return client.post(address, {**STREAM, "url": stream.url, **changed}).status_code == 302


def server_saved(client: Client, server: PbxServer, **changed: Any) -> bool:
    address = reverse("admin:centralino_pbxserver_change", args=[server.pk])
    return client.post(address, {**SERVER, **changed}).status_code == 302


@pytest.mark.parametrize(
    ("url", "token", "saved"),
    [
        ("https://evil.example/live", "", False),
        ("https://evil.example/live", "guess", False),
        ("https://evil.example/live", TOKEN, True),
        pytest.param("http://cdn.example:8443/live", "", False, id="in the clear"),
        pytest.param("http://[cdn.example/live", "", False, id="half an address"),
        pytest.param("https://cdn.example/live", "", False, id="another port"),
        pytest.param("https://cdn.example:8443/other", "", True, id="another page of it"),
        pytest.param("HTTPS://CDN.example:8443/live", "", True, id="the same host"),
    ],
)
def test_a_stream_that_moves_needs_its_token_again(
    logged_in: Callable[..., Client], url: str, token: str, saved: bool
) -> None:
    stream = Stream.objects.create(name="main", preset="owncast", url=HOME)
    assert stream_saved(logged_in("supervisor"), stream, url=url, TOKEN=token) is saved
    stream.refresh_from_db()
    assert stream.url == (url if saved else HOME)


def test_a_stream_without_secrets_moves_freely(logged_in: Callable[..., Client]) -> None:
    stream = Stream.objects.create(name="second", preset="owncast", url=HOME)
    assert stream_saved(logged_in("supervisor"), stream, url="https://other.example")


def test_an_administrator_moves_a_stream(logged_in: Callable[..., Client]) -> None:
    stream = Stream.objects.create(name="main", preset="owncast", url=HOME)
    client = logged_in("admin")
    page = client.get(reverse("admin:webtv_stream_change", args=[stream.pk])).content.decode()
    assert 'name="TOKEN"' not in page
    assert stream_saved(client, stream, url="https://other.example")


@pytest.mark.parametrize(
    ("url", "saved"), [("https://evil.example", False), ("https://cdn.example:8443/x", True)]
)
def test_a_stream_made_anew_under_its_name_gets_its_secret_at_its_host_only(
    logged_in: Callable[..., Client], url: str, saved: bool
) -> None:
    client = logged_in("supervisor")
    client.post(reverse("admin:webtv_stream_add"), {**STREAM, "url": url})
    assert Stream.objects.filter(name="main").exists() is saved


@pytest.mark.parametrize("group", ["operator", "supervisor"])
def test_a_secret_is_asked_of_those_who_may_change_the_address(
    logged_in: Callable[..., Client], group: str
) -> None:
    server = PbxServer.objects.create(name="one", host="127.0.0.1")
    page = logged_in(group).get(reverse("admin:centralino_pbxserver_change", args=[server.pk]))
    assert ('name="AMI_SECRET"' in page.content.decode()) is (group == "supervisor")
    assert AMI not in page.content.decode()


@pytest.mark.parametrize(
    ("changed", "secrets"),
    [
        ({"host": "evil.example"}, {"AMI_SECRET": AMI}),
        ({"ami_port": 5039}, {"AMI_SECRET": AMI}),
        ({"ssh_host": ""}, {"AMI_SECRET": AMI, "SSH_PASSWORD": SSH}),
        ({"ssh_host": "evil.example"}, {"AMI_SECRET": AMI, "SSH_PASSWORD": SSH}),
        ({"ssh_fingerprint": "SHA256:xyz"}, {"AMI_SECRET": AMI, "SSH_PASSWORD": SSH}),
        ({"ari_url": "http://evil.example:8088/ari"}, {"ARI_PASSWORD": ARI}),
        ({"ari_url": "http://pbx.example:8088@evil.example/ari"}, {"ARI_PASSWORD": ARI}),
    ],
)
def test_a_switchboard_that_moves_needs_each_secret_that_goes_there(
    logged_in: Callable[..., Client], changed: dict[str, Any], secrets: dict[str, str]
) -> None:
    kept = {name: value for name, value in SERVER.items() if name != "enabled"}
    server = PbxServer.objects.create(name="one", **kept)
    client = logged_in("supervisor")
    assert server_saved(client, server, ari_app="other")
    assert not server_saved(client, server, **changed)
    for name in secrets:
        assert not server_saved(client, server, **changed, **{**secrets, name: "guess"})
    server.refresh_from_db()
    assert {name: getattr(server, name) for name in changed} == {
        name: kept[name] for name in changed
    }
    assert server_saved(client, server, **changed, **secrets)
