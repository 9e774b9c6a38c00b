"""Pages of the streaming servers over HTTP: the only code that opens a socket to them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from core.lib.http import HttpClient
from core.lib.upstream import UpstreamError
from webtv.types import PageRequest

MAX_BYTES: Final = 2 * 1024 * 1024
MAX_CLIENTS: Final = 500  # open at a time, each with its connection


class HttpPages:
    """The pages as `webtv.types.Pages`; connections stay open from tick to tick."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: OrderedDict[tuple[str, tuple[tuple[str, str], ...]], HttpClient]
        self._clients = OrderedDict()

    def fetch(self, request: PageRequest, *, timeout_s: float) -> bytes:
        """The whole body of a 2xx response, at most 2 MB.

        `timeout_s` bounds everything except the name lookup. Redirects are refused, so that a
        server cannot choose what is requested. Raises UpstreamError.
        """
        parts = urlsplit(request.url)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        try:
            client = self._client(f"{parts.scheme}://{parts.netloc}", request.headers)
            return client.get_body(target, timeout_s=timeout_s)
        except ValueError:
            raise UpstreamError("the address is invalid") from None

    def _client(self, origin: str, headers: tuple[tuple[str, str], ...]) -> HttpClient:
        with self._lock:
            client = self._clients.get((origin, headers))
            if client is None:
                client = HttpClient(origin, headers=dict(headers), max_bytes=MAX_BYTES)
                self._clients[origin, headers] = client
            self._clients.move_to_end((origin, headers))
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)[1].close()
            return client
