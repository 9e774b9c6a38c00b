"""Pages of the streaming servers over HTTP: the only code that opens a socket to them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import (
    AbstractDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    Request,
    parse_http_list,
    parse_keqv_list,
)

from core.lib.http import HttpClient, HttpError
from core.lib.upstream import UpstreamError
from webtv.types import PageRequest

MAX_BYTES: Final = 2 * 1024 * 1024
MAX_CLIENTS: Final = 500  # open at a time, each with its connection


UNAUTHORIZED: Final = 401


class DigestLogin:
    """Answers a server's Digest challenges (RFC 7616, MD5), the last one again until it is old.

    Threads may share it.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        passwords = HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, user, password)  # for any realm
        self._answers = AbstractDigestAuthHandler(passwords)
        self._challenge: dict[str, str] = {}
        self._lock = threading.Lock()  # no count of a nonce is used twice

    def take(self, challenge: str) -> bool:
        """Keep the challenge of a `WWW-Authenticate` header; False when it is another scheme's."""
        scheme, _, parameters = challenge.partition(" ")
        if scheme.lower() != "digest":
            return False
        self._challenge = parse_keqv_list([part for part in parse_http_list(parameters) if part])
        return True

    def headers(self, url: str) -> dict[str, str]:
        """What a GET of `url` presents; {} before a challenge.

        Raises UpstreamError when the challenge wants something else than MD5 and `auth`.
        """
        if not self._challenge:
            return {}
        try:
            with self._lock:
                answer = self._answers.get_authorization(Request(url), self._challenge)
        except (ValueError, URLError):
            answer = None
        if answer is None:
            raise UpstreamError("the server wants a kind of Digest that is not supported")
        return {"Authorization": f"Digest {answer}"}


class HttpPages:
    """The pages as `webtv.types.Pages`; connections stay open from tick to tick."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: OrderedDict[tuple[str, tuple[tuple[str, str], ...]], HttpClient]
        self._clients = OrderedDict()
        self._logins: dict[tuple[str, tuple[str, str]], DigestLogin] = {}  # by origin, pair

    def fetch(self, request: PageRequest, *, timeout_s: float) -> bytes:
        """The whole body of a 2xx response, at most 2 MB.

        `timeout_s` bounds everything except the name lookup. Redirects are refused, so that a
        server cannot choose what is requested. Raises UpstreamError.
        """
        parts = urlsplit(request.url)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        try:
            origin = f"{parts.scheme}://{parts.netloc}"
            client, login = self._client(origin, request.headers), self._login(origin, request)
            headers = login.headers(request.url) if login else {}
            try:
                return client.get_body(target, timeout_s=timeout_s, headers=headers)
            except HttpError as exc:
                if login is None or exc.status != UNAUTHORIZED or not login.take(exc.challenge):
                    raise
            headers = login.headers(request.url)
            return client.get_body(target, timeout_s=timeout_s, headers=headers)
        except ValueError:
            raise UpstreamError("the address is invalid") from None

    def _login(self, origin: str, request: PageRequest) -> DigestLogin | None:
        if request.login is None:
            return None
        with self._lock:
            key = (origin, request.login)
            if key not in self._logins:
                self._logins[key] = DigestLogin(origin, *request.login)
            return self._logins[key]

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
