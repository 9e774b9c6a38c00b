"""Files over HTTP from addresses that others chose: bounded in bytes and time, public ones only."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import LocationParseError

from core.lib.addresses import AddressRefused, Doorman, Network
from core.lib.cookies import Cookies
from core.lib.http import HttpClient, HttpError
from core.lib.upstream import UpstreamError
from ocr.types import StreamRefused

MAX_REDIRECTS: Final = 5
MAX_SERVERS: Final = 8  # to which connections stay open
MAX_URL: Final = 4096
LOOKUP_S: Final = 2.0  # of a name, when its address is only checked
HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity"}
SHARED: Final = ("User-Agent", "Referer", "Origin")  # which other hosts of a stream see as well
NAMES: Final = ("HOST", "USER_AGENT", "REFERER", "ORIGIN", "COOKIE", "AUTHORIZATION")  # as settings

HeadersByHost = Mapping[str, Mapping[str, str]]


class Piece(NamedTuple):
    """A file, or `length` bytes of it from `first` on."""

    url: str
    first: int = 0
    length: int | None = None


class Fetched(NamedTuple):
    """A body, and the address that it came from in the end."""

    url: str
    body: bytes


class Visitor(NamedTuple):
    """As whom a stream's files are asked for, by the host of its address.

    The headers that staff set for that host go to it; the SHARED ones among them also to the other
    hosts that the stream leads to. Cookies go back to who set them.
    """

    host: str
    headers: HeadersByHost
    cookies: Cookies

    def headers_for(self, host: str) -> dict[str, str]:
        """The headers of a request to `host`."""
        at_home = self.headers.get(self.host, {})
        shared = {name: at_home[name] for name in SHARED if name in at_home}
        return {**HEADERS, **shared, **self.headers.get(host, {})}


class Fetcher:
    """Fetches files of up to `byte_limit` bytes; used by one thread at a time."""

    def __init__(self, networks: Iterable[Network], visitor: Visitor, *, byte_limit: int) -> None:
        self._doorman = Doorman(networks)
        self._visitor = visitor
        self._byte_limit = byte_limit
        self._servers: dict[str, HttpClient] = {}

    def get(self, piece: Piece, *, timeout_s: float) -> Fetched:
        """The bytes of a piece, after at most 5 redirects, all within `timeout_s`.

        Raises StreamRefused for an address that may not be fetched, UpstreamError otherwise.
        """
        until, url = time.monotonic() + timeout_s, piece.url
        for _ in range(MAX_REDIRECTS + 1):
            try:
                body = self._once(url, piece, max(until - time.monotonic(), 0.001))
                return Fetched(url, _cut(body, piece))
            except HttpError as exc:
                if not exc.location:
                    raise UpstreamError(f"{urlsplit(url).hostname}: {exc}") from exc
                url = urljoin(url, exc.location)
            except AddressRefused as exc:
                raise StreamRefused(str(exc)) from None
        raise UpstreamError(f"{urlsplit(url).hostname}: over {MAX_REDIRECTS} redirects")

    def close(self) -> None:
        """Close all connections."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def _once(self, url: str, piece: Piece, timeout_s: float) -> bytes:
        parts = urllib3.util.parse_url(well_formed(url))
        headers = self._visitor.headers_for(str(parts.host))
        if piece.length is not None:
            headers["Range"] = f"bytes={piece.first}-{piece.first + piece.length - 1}"
        server = self._server(f"{parts.scheme}://{parts.netloc}")
        return server.get_body(parts.request_uri, timeout_s=timeout_s, headers=headers)

    def _server(self, base: str) -> HttpClient:
        if base not in self._servers:
            if len(self._servers) >= MAX_SERVERS:
                self.close()
            self._servers[base] = HttpClient(
                base,
                max_bytes=self._byte_limit,
                connect=self._doorman.connect,
                cookies=self._visitor.cookies,
            )
        return self._servers[base]


def headers_by_host(hosts: Mapping[str, Mapping[str, str]]) -> HeadersByHost:
    """The headers that the setting OCR_STREAM_HOSTS gives each host.

    Raises ValueError, with a message for staff, for one without its host or that cannot be sent.
    """
    found: dict[str, dict[str, str]] = {}
    for group, given in hosts.items():
        if not (host := given.get("HOST", "").lower()):
            raise ValueError(f"{group.upper()}_HOST is missing.")
        for name, value in given.items():
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"{group.upper()}_{name} cannot be sent in a header.")
        found[host] = {
            name.replace("_", "-").title(): value for name, value in given.items() if name != "HOST"
        }
    return found


def checked_url(url: str, networks: Iterable[Network] = ()) -> str:
    """The address of a stream, once it is known that it may be fetched.

    A host name that is unknown now is accepted: it is looked up, and checked, at every connection.
    Raises StreamRefused: no http(s) address, or an internal one outside `networks`.
    """
    parts = urllib3.util.parse_url(well_formed(url))
    try:
        Doorman(networks).found(str(parts.host).strip("[]"), parts.port or 80, LOOKUP_S)
    except AddressRefused as exc:
        raise StreamRefused(str(exc)) from None
    except OSError:
        pass  # no name server, or none that knows it
    return url


def well_formed(url: str) -> str:
    """The same address. StreamRefused unless it is http or https, with a host and no password."""
    try:
        parts = urllib3.util.parse_url(url)
    except LocationParseError:
        parts = urllib3.util.Url()
    is_web = parts.scheme in ("http", "https") and parts.host and parts.port != 0
    if not is_web or len(url) > MAX_URL or not url.isprintable():
        raise StreamRefused("The address is no http:// or https:// address.")
    if parts.auth is not None:
        raise StreamRefused("The address must hold no user and no password.")
    return url


def _cut(body: bytes, piece: Piece) -> bytes:
    """The piece of a body; a server that knows no ranges sends the whole file."""
    if piece.length is None or len(body) <= piece.length:
        return body
    return body[piece.first : piece.first + piece.length]
