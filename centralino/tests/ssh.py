"""An SSH server inside a test that forwards to a port of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

USER: Final = "gateway"
PASSWORD: Final = "sandbox-ssh-password"


def new_key() -> paramiko.ECDSAKey:
    return paramiko.ECDSAKey.generate()


@dataclass
class SshServer:
    port: int
    key: paramiko.PKey
    user_key: paramiko.PKey
    transports: list[paramiko.Transport] = field(default_factory=list)

    def known_hosts(self, directory: Path, key: paramiko.PKey | None = None) -> str:
        """A file that knows this server, by `key` where it is another one."""
        key = key or self.key
        path = directory / "known_hosts"
        path.write_text(f"[127.0.0.1]:{self.port} {key.get_name()} {key.get_base64()}\n")
        return str(path)

    def user_key_file(self, directory: Path) -> str:
        path = directory / "id"
        self.user_key.write_private_key_file(str(path))
        return str(path)

    def drop(self) -> None:
        """Close all SSH connections."""
        for transport in self.transports:
            transport.close()


class _Rules(paramiko.ServerInterface):
    def __init__(self, server: SshServer) -> None:
        self._server = server
        self.targets: dict[int, tuple[str, int]] = {}

    def check_auth_password(self, username: str, password: str) -> int:
        return _verdict((username, password) == (USER, PASSWORD))

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return _verdict(username == USER and key == self._server.user_key)

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        self.targets[chanid] = destination
        return OPEN_SUCCEEDED


def _verdict(right: bool) -> int:
    return AUTH_SUCCESSFUL if right else AUTH_FAILED


@contextmanager
def running_ssh() -> Iterator[SshServer]:
    """An SSH server on a free port until the block ends, with keys of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = SshServer(listener.getsockname()[1], new_key(), new_key())
    threading.Thread(target=_accept, args=(listener, server), daemon=True).start()
    try:
        yield server
    finally:
        listener.close()
        server.drop()


def _accept(listener: socket.socket, server: SshServer) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, server), daemon=True).start()


def _serve(client: socket.socket, server: SshServer) -> None:
    transport = paramiko.Transport(client)
    transport.set_log_channel("centralino.ssh")
    server.transports.append(transport)
    transport.add_server_key(server.key)
    rules = _Rules(server)
    with suppress(paramiko.SSHException, EOFError, OSError):
        transport.start_server(server=rules)
        while transport.is_active():
            channel = transport.accept(0.2)
            if channel is not None:
                _forward(channel, rules.targets[channel.get_id()])


def _forward(channel: paramiko.Channel, target: tuple[str, int]) -> None:
    try:
        there = socket.create_connection(target, 5)
    except OSError:
        channel.close()
        return
    for source, sink in ((channel, there), (there, channel)):
        threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: Any, sink: Any) -> None:
    with suppress(OSError, EOFError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError, EOFError):
        sink.close()
        source.close()
