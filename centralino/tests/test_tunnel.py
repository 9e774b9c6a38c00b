"""The tunnel against an SSH server inside the test, and what it refuses."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from centralino.clients.build import CLIENTS
from centralino.clients.tunnel import SshLogin, Tunnel, fingerprint
from centralino.tests.managers import HANGUP, UNHURRIED, events_from, until
from centralino.tests.ssh import PASSWORD, USER, SshServer, new_key, running_ssh
from centralino.types import AmiAddress
from core.lib.upstream import UpstreamError
from sandbox.testing import AMI_SECRET, AMI_USER, RunningAmi, running_ami

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:asterisk.manager"),
]


@pytest.fixture
def ssh() -> Iterator[SshServer]:
    with running_ssh() as server:
        yield server


@pytest.fixture
def manager() -> Iterator[RunningAmi]:
    with running_ami() as running:
        yield running


def login(ssh: SshServer, **others: Any) -> SshLogin:
    """By password, to the server whose fingerprint is pinned, unless `others` say otherwise."""
    given = {"password": PASSWORD, "fingerprint": fingerprint(ssh.key), **others}
    return SshLogin(**{"host": "127.0.0.1", "port": ssh.port, "user": USER, **given})


def tunnel(ssh: SshServer, port: int = 1, *, local_port: int = 0, **others: Any) -> Tunnel:
    return Tunnel(
        login(ssh, **others), host="127.0.0.1", port=port, local_port=local_port, step_s=2
    )


def refused(ssh: SshServer, **others: Any) -> str:
    with pytest.raises(UpstreamError) as caught:
        tunnel(ssh, **others)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_manager_is_reached_through_the_tunnel(ssh, manager, client):
    with tunnel(ssh, manager.port) as way:
        there = AmiAddress("127.0.0.1", way.port, AMI_USER, AMI_SECRET)
        connect: Any = CLIENTS[client]
        with closing(connect(there, timeouts=UNHURRIED)) as ami:
            until(ami, "FullyBooted")
            assert len(events_from(ami, manager, HANGUP * 50)) == 50
            assert ami.action("Ping")["ping"] == "Pong"


def test_key_file_and_known_hosts_let_us_in(ssh, tmp_path):
    way_in = {"password": "", "fingerprint": "", "key_file": ssh.user_key_file(tmp_path)}
    with tunnel(ssh, known_hosts=ssh.known_hosts(tmp_path), **way_in) as way:
        assert way.alive


def test_documented_port_listens_on_loopback_only(ssh):
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with tunnel(ssh, local_port=port) as way:
        assert way.port == port
        assert way._listener.getsockname() == ("127.0.0.1", port)


def test_port_that_is_taken_is_an_error(ssh):
    with tunnel(ssh) as way:
        taken = refused(ssh, local_port=way.port)
        assert f"port {way.port} here: " in taken
        assert "Address already in use" in taken
    assert "port 99999 here: " in refused(ssh, local_port=99_999)


# --- Host keys --------------------------------------------------------------------------------
def test_unknown_key_is_refused_and_named(ssh, tmp_path):
    unknown = refused(ssh, fingerprint="", known_hosts=str(tmp_path / "missing"))
    assert fingerprint(ssh.key) in unknown
    assert "SSH_FINGERPRINT" in unknown


def test_other_key_than_the_pinned_one_is_refused(ssh):
    assert "is not the pinned one" in refused(ssh, fingerprint=fingerprint(new_key()))


def test_pinned_key_counts_although_known_hosts_has_the_key(ssh, tmp_path):
    known = ssh.known_hosts(tmp_path)
    assert "pinned" in refused(ssh, known_hosts=known, fingerprint=fingerprint(new_key()))


def test_changed_key_is_refused_and_named(ssh, tmp_path):
    known = ssh.known_hosts(tmp_path, new_key())
    changed = refused(ssh, fingerprint="", known_hosts=known)
    assert "has changed" in changed
    assert fingerprint(ssh.key) in changed


def test_nothing_is_sent_to_a_server_that_we_do_not_trust(ssh):
    refused(ssh, fingerprint="")
    assert not any(transport.is_authenticated() for transport in ssh.transports)
    assert all(transport.get_username() is None for transport in ssh.transports)


# --- Who we are -----------------------------------------------------------------------------------
def test_wrong_password_is_an_error_that_does_not_show_it(ssh, caplog):
    caplog.set_level(logging.DEBUG)
    assert f"refuses the user {USER}" in refused(ssh, password="not-the-password")
    assert "not-the-password" not in caplog.text
    assert "not-the-password" not in repr(login(ssh, password="not-the-password"))


def test_other_key_is_refused(ssh, tmp_path):
    path = tmp_path / "other"
    new_key().write_private_key_file(str(path))
    assert "refuses the user" in refused(ssh, password="", key_file=str(path))


def test_missing_key_file_is_an_error(ssh, tmp_path):
    missing = refused(ssh, password="", key_file=str(tmp_path / "missing"))
    assert "the key file cannot be read" in missing


def test_key_file_with_a_password_needs_it(ssh, tmp_path):
    path = tmp_path / "locked"
    ssh.user_key.write_private_key_file(str(path), password="key-password")
    locked = {"key_file": str(path), "password": ""}
    assert "needs a password" in refused(ssh, **locked)
    assert "its password is another one" in refused(ssh, **{**locked, "password": "wrong"})
    with tunnel(ssh, key_file=str(path), password="key-password") as way:
        assert way.alive


# --- What may break -------------------------------------------------------------------------------
def test_nobody_listening_is_an_error():
    with pytest.raises(UpstreamError, match=r"ssh 127\.0\.0\.1:1: no connection"):
        Tunnel(SshLogin(host="127.0.0.1", port=1, user=USER), host="127.0.0.1", port=1)


@pytest.mark.parametrize(
    "banner",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n"],
    ids=["nothing", "HTTP", "a banner only"],
)
def test_server_that_says_nothing_useful_is_an_error_in_time(banner):
    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        host, port = door.getsockname()
        began = time.monotonic()

        def response() -> None:
            visitor, _ = door.accept()
            visitor.sendall(banner)
            visitors.append(visitor)  # and then silence

        visitors: list[socket.socket] = []
        threading.Thread(target=response, daemon=True).start()
        with pytest.raises(UpstreamError):
            Tunnel(SshLogin(host=host, port=port, user=USER), host=host, port=1, step_s=0.2)
        assert time.monotonic() - began < 4
        for visitor in visitors:
            visitor.close()


def test_manager_down_behind_an_open_tunnel_is_an_error_in_time(ssh):
    with tunnel(ssh, 1) as way:
        there = AmiAddress("127.0.0.1", way.port, AMI_USER, AMI_SECRET)
        with pytest.raises(UpstreamError, match="the other side closed"):
            CLIENTS["asyncio"](there)


def test_death_of_ssh_ends_the_session_and_the_tunnel(ssh, manager):
    with tunnel(ssh, manager.port) as way:
        there = AmiAddress("127.0.0.1", way.port, AMI_USER, AMI_SECRET)
        with closing(CLIENTS["asyncio"](there)) as ami:
            until(ami, "FullyBooted")
            ssh.drop()
            with pytest.raises(UpstreamError):
                list(ami.events(idle_s=5))
        assert not way.alive


def test_close_ends_the_connections_and_frees_the_port(ssh, manager):
    way = tunnel(ssh, manager.port)
    with closing(socket.create_connection(("127.0.0.1", way.port), 5)) as through:
        assert through.recv(100).startswith(b"Asterisk Call Manager")
        way.close()
        assert through.recv(100) == b""
    with tunnel(ssh, manager.port, local_port=way.port) as again:
        assert again.port == way.port
