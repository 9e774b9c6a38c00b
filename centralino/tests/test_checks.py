"""Odd settings of a PBX server are reported with a hint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from centralino.checks import check_servers

SECRET = "s3cret-of-the-manager"
DIRECT = {"HOST": "127.0.0.1", "AMI_SECRET": SECRET}
TUNNEL = {
    "HOST": "localhost",
    "AMI_SECRET": SECRET,
    "SSH_HOST": "pbx.example",
    "SSH_USER": "tunnel",
    "SSH_PASSWORD": SECRET,
    "SSH_FINGERPRINT": "SHA256:" + "a1+/" * 10 + "abc",
}
ARI = {**DIRECT, "ARI_URL": "http://127.0.0.1:8088/ari", "ARI_PASSWORD": SECRET}


@pytest.fixture(autouse=True)
def _no_known_hosts(settings: Any, tmp_path: Path) -> None:
    settings.SSH_KNOWN_HOSTS = str(tmp_path / "known_hosts")


def found(settings: Any, given: dict[str, str]) -> list[str]:
    settings.ASTERISK_SERVERS = {"asterisk_1": given}
    messages = check_servers()
    for message in messages:
        assert message.hint
        assert "ASTERISK_1" in message.msg
        assert SECRET not in f"{message.msg} {message.hint}"
    return [str(message.id) for message in messages]


@pytest.mark.parametrize("given", [{}, DIRECT, TUNNEL, ARI], ids=["none", "tcp", "ssh", "ari"])
def test_good_settings_are_clean(settings: Any, given: dict[str, str]):
    assert found(settings, given) == []


@pytest.mark.parametrize(
    ("given", "id_"),
    [
        (DIRECT | {"AMI_SECRETS": "x"}, "W001"),
        ({"HOST": "127.0.0.1"}, "E002"),
        ({"AMI_SECRET": SECRET}, "W003"),
        (DIRECT | {"AMI_PORT": "5o38"}, "E004"),
        (DIRECT | {"AMI_PORT": "0"}, "E004"),
        (DIRECT | {"AMI_PORT": "65536"}, "E004"),
        (DIRECT | {"AMI_PORT": "-1"}, "E004"),
        (DIRECT | {"AMI_PORT": "٥٠٣٨"}, "E004"),
        (DIRECT | {"AMI_PORT": "9" * 5_000}, "E004"),
        (TUNNEL | {"SSH_PORT": "ssh"}, "E004"),
        (TUNNEL | {"LOCAL_PORT": "1e3"}, "E004"),
        (TUNNEL | {"SSH_USER": ""}, "E005"),
        (TUNNEL | {"SSH_PASSWORD": ""}, "E006"),
        (TUNNEL | {"SSH_KEY": "/nowhere/id_ed25519"}, "E007"),
        (TUNNEL | {"SSH_FINGERPRINT": "MD5:aa:bb"}, "E008"),
        (TUNNEL | {"SSH_FINGERPRINT": "SHA256:short"}, "E008"),
        (TUNNEL | {"SSH_FINGERPRINT": ""}, "E009"),
        (ARI | {"ARI_PASSWORD": ""}, "E010"),
        (ARI | {"ARI_URL": "127.0.0.1:8088/ari"}, "E011"),
        (ARI | {"ARI_URL": "http://[half/ari"}, "E011"),
        (ARI | {"ARI_URL": "http://127.0.0.1:port/ari"}, "E011"),
        (ARI | {"ARI_URL": "ftp://127.0.0.1/ari"}, "E011"),
        (ARI | {"ARI_URL": f"http://me:{SECRET}@127.0.0.1:8088/ari"}, "E012"),
        (ARI | {"ARI_URL": f"http://127.0.0.1:8088/ari?api_key=me:{SECRET}"}, "E012"),
        (ARI | {"ARI_URL": "http://pbx.example:8088/ari"}, "W013"),
        (DIRECT | {"HOST": "192.0.2.7"}, "W014"),
    ],
)
def test_odd_setting_is_reported(settings: Any, given: dict[str, str], id_: str):
    assert found(settings, given) == [f"centralino.{id_}"]


def test_a_known_host_needs_no_fingerprint(settings: Any):
    Path(settings.SSH_KNOWN_HOSTS).touch()
    assert found(settings, TUNNEL | {"SSH_FINGERPRINT": ""}) == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1", "[::1]"])
def test_this_machine_needs_no_encryption(settings: Any, host: str):
    assert found(settings, DIRECT | {"HOST": host}) == []


def test_every_server_is_checked(settings: Any):
    settings.ASTERISK_SERVERS = {"asterisk_1": DIRECT, "asterisk_2": {"HOST": "127.0.0.1"}}
    assert [message.msg for message in check_servers()] == ["ASTERISK_2_AMI_SECRET is missing."]
