"""The SSH tunnel to a manager that listens on its own loopback only, by paramiko.

Documented default: `localhost:65532 -> host:9022 -> localhost:5038`. It does not notice a frozen
peer; the AMI ping inside it does.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import paramiko
from paramiko.ssh_exception import NoValidConnectionsError

from core.lib.upstream import UpstreamError

LOOPBACK: Final = "127.0.0.1"
STEP_S: Final = 5.0  # for each of: TCP, banner, key exchange, login, channel
KEEPALIVE_S: Final = 15
CHUNK: Final = 64 * 1024  # bytes

# What paramiko logs in its thread also reaches us as an exception, which is logged once.
_quiet = logging.getLogger("centralino.ssh")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


@dataclass(frozen=True)
class SshLogin:
    """A host to tunnel through, and our login there; neither key nor password is ever shown.

    The host's key must be in the file `known_hosts`, or be the one of `fingerprint`
    (`SHA256:...`, as `ssh-keygen -l` prints it), which then alone counts.
    """

    host: str
    user: str
    port: int = 22
    key_file: str = field(default="", repr=False)
    password: str = field(default="", repr=False)  # of the user, or of the key file
    fingerprint: str = ""
    known_hosts: str = ""


class Tunnel:
    """A port on this machine's loopback that leads to `host:port` as seen from the SSH host.

    Ends when SSH ends: then its port and every connection through it are closed.
    """

    def __init__(
        self, login: SshLogin, *, host: str, port: int, local_port: int = 0, step_s: float = STEP_S
    ) -> None:
        """Log in and listen on `local_port` (0: a free one). Raises UpstreamError, in time."""
        self._target = (host, port)
        self._step_s = step_s
        self._client = _logged_in(login, step_s)
        self._transport = self._client.get_transport()
        try:
            self._listener = socket.create_server((LOOPBACK, local_port))
        except (OSError, OverflowError) as exc:
            self._client.close()
            raise UpstreamError(f"ssh tunnel: port {local_port} here: {exc}") from None
        self._listener.settimeout(0.5)
        self.port: int = self._listener.getsockname()[1]
        self._open = threading.Event()
        self._open.set()
        threading.Thread(target=self._accept, name=f"tunnel:{self.port}", daemon=True).start()

    def __enter__(self) -> Tunnel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """False when SSH is gone, as far as it was noticed."""
        return self._open.is_set() and self._transport is not None and self._transport.is_active()

    def close(self) -> None:
        """Close the port and every connection through it; never raises."""
        self._open.clear()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread; frees the port
        self._listener.close()
        self._client.close()

    def _accept(self) -> None:
        """Forward every connection through the tunnel, until SSH is gone."""
        while self.alive:
            try:
                client, address = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # closed
                break
            threading.Thread(
                target=self._forward, args=(client, address), name="tunnel:open", daemon=True
            ).start()
        self.close()

    def _forward(self, client: socket.socket, address: tuple[str, int]) -> None:
        try:
            assert self._transport is not None
            channel = self._transport.open_channel(
                "direct-tcpip", self._target, address, timeout=self._step_s
            )
        except (paramiko.SSHException, OSError, EOFError):
            client.close()  # nothing listens behind the tunnel, or it broke
            return
        inward = threading.Thread(
            target=_pump, args=(client, channel), name="tunnel:in", daemon=True
        )
        inward.start()
        _pump(channel, client)


def fingerprint(key: paramiko.PKey) -> str:
    """`SHA256:...` of a host key, as `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


class _PinnedKeyPolicy(paramiko.MissingHostKeyPolicy):
    """Accepts the key with the pinned fingerprint, and no other one."""

    def __init__(self, pinned: str) -> None:
        self._pinned = pinned

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        found = fingerprint(key)
        if self._pinned and found == self._pinned:
            return
        what = "is not the pinned one" if self._pinned else "is unknown"
        raise UpstreamError(
            f"ssh {hostname}: its key {key.get_name()} {found} {what}; if it is right, put it into "
            "SSH_KNOWN_HOSTS, or that fingerprint into the server's SSH_FINGERPRINT"
        )


def _logged_in(login: SshLogin, step_s: float) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_log_channel(_quiet.name)
    client.set_missing_host_key_policy(_PinnedKeyPolicy(login.fingerprint))
    known = Path(login.known_hosts).expanduser()
    try:
        if login.known_hosts and not login.fingerprint and known.is_file():
            client.load_host_keys(str(known))
        client.connect(
            login.host,
            login.port,
            username=login.user,
            password=None if login.key_file else login.password,
            pkey=_private_key(login) if login.key_file else None,
            timeout=step_s,
            banner_timeout=step_s,
            auth_timeout=step_s,
            channel_timeout=step_s,
            allow_agent=False,
            look_for_keys=False,
        )
        transport = client.get_transport()
        assert transport is not None
        transport.set_keepalive(KEEPALIVE_S)
    except BaseException as exc:
        client.close()
        if isinstance(exc, UpstreamError) or not isinstance(exc, Exception):
            raise
        raise UpstreamError(f"ssh {login.host}:{login.port}: {_reason(exc, login)}") from None
    return client


def _private_key(login: SshLogin) -> paramiko.PKey:
    path = str(Path(login.key_file).expanduser())
    for kind in (paramiko.Ed25519Key, paramiko.RSAKey, paramiko.ECDSAKey):
        try:
            return kind.from_private_key_file(path, login.password or None)
        except paramiko.PasswordRequiredException:
            raise UpstreamError("ssh: the key file needs a password") from None
        except OSError:
            raise UpstreamError("ssh: the key file cannot be read") from None
        except paramiko.SSHException:
            continue  # a key of another kind
    raise UpstreamError("ssh: the key file is no private key, or its password is another one")


def _reason(exc: Exception, login: SshLogin) -> str:
    """The reason of the failure, without keys or passwords."""
    if isinstance(exc, paramiko.BadHostKeyException):
        return (
            f"its key has changed to {fingerprint(exc.key)}: somebody may be in between; "
            "if it is right, correct SSH_KNOWN_HOSTS"
        )
    if isinstance(exc, paramiko.AuthenticationException):
        return f"it refuses the user {login.user}"
    if isinstance(exc, NoValidConnectionsError):
        return "no connection"
    if isinstance(exc, TimeoutError):
        return "no connection in time"
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror
    return type(exc).__name__


def _pump(
    source: socket.socket | paramiko.Channel, target: socket.socket | paramiko.Channel
) -> None:
    """Pass on what comes until one side is gone, and close both: AMI has no half-closed state."""
    with suppress(OSError, EOFError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    for side in (source, target):
        with suppress(OSError, EOFError):
            side.shutdown(socket.SHUT_RDWR)  # wakes the other direction's thread
        with suppress(OSError, EOFError):  # paramiko's tells the server, which may be gone
            side.close()
