"""Ports of loopback, and a proxy before one that tests can cut and mend."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Proxy:
    """Forwards a loopback port to `target`; `cut` drops and refuses connections until `mend`.

    After `freeze` nothing comes through until `thaw`, and no connection ends: as on a network
    whose packets vanish.
    With `source` the target sees that address of loopback as the one of whoever connects.
    """

    def __init__(self, target: tuple[str, int], source: str = "") -> None:
        self._target = target
        self._source = source
        self._open: set[socket.socket] = set()
        self._flows = threading.Event()
        self._flows.set()
        self._listener = self._listening(0)
        self.port = self._listener.getsockname()[1]
        self.url = ""

    @classmethod
    def before(cls, url: str) -> Proxy:
        """A proxy before the service at `url`; its own `url` is the same through it."""
        parts = urlsplit(url)
        proxy = cls((parts.hostname or "127.0.0.1", parts.port or 6379))
        proxy.url = urlunsplit(parts._replace(netloc=f"127.0.0.1:{proxy.port}"))
        return proxy

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def freeze(self) -> None:
        """Forward nothing more, and keep every connection."""
        self._flows.clear()

    def thaw(self) -> None:
        """Forward again, also what has come meanwhile."""
        self._flows.set()

    def cut(self) -> None:
        """Drop every connection and accept no more."""
        self._flows.set()
        _close(self._listener)
        for connection in [*self._open]:
            _close(connection)
        self._open.clear()

    def mend(self) -> None:
        """Accept connections again, on the same port."""
        self._listener = self._listening(self.port)

    def _listening(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # cut
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target, source_address=(self._source, 0))
                self._open |= {client, server}
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # cut
            while data := source.recv(65_536):
                self._flows.wait()
                sink.sendall(data)
        _close(source)
        _close(sink)


def _close(connection: socket.socket) -> None:
    with suppress(OSError):  # already closed by the other side
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
