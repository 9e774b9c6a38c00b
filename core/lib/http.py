"""An HTTP client for upstreams that may be slow, lie or never stop talking: everything is bounded.

Built on urllib3. One total deadline covers connecting, headers and a body that drips in byte by
byte; redirects are refused; bodies are counted after decompression. Messages of errors hold the
path and never the query, the headers or the body, so that they are safe to log and to show.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urljoin

import orjson
import urllib3
from urllib3 import encode_multipart_formdata
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from core.lib.cookies import Cookies
from core.lib.upstream import UpstreamError

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
MAX_ERROR_BYTES: Final = 64 * 1024  # of a body that comes with an error
MAX_WAIT_S: Final = 100 * 365 * 86_400.0  # a number that times can be reckoned with
CHUNK_BYTES: Final = 64 * 1024
USER_AGENT: Final = "gateway-arq"
NOT_MODIFIED: Final = 304
FormField = str | tuple[str, bytes, str]
Connect = Callable[[str, int, float], socket.socket]  # host, port, seconds


class HttpError(UpstreamError):
    """No usable answer. The message is safe to show.

    `body` is the decoded JSON of an error answer, or None. `status` is None when there was no
    complete answer at all. `retry_after_s` is what the server asked for, `location` where a
    redirect leads, `challenge` what a 401 wants to be presented (WWW-Authenticate); "" without one.
    """

    def __init__(
        self,
        status: int | None,
        message: str,
        retry_after_s: float | None = None,
        body: Any = None,
        location: str = "",
        challenge: str = "",
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.status = status
        self.body = body
        self.location = location
        self.challenge = challenge


class FetchedFile(NamedTuple):
    """A body, and the ETag by which its server knows this version of it; "" without one."""

    body: bytes
    etag: str


class Request(NamedTuple):
    """What is sent besides the address and the headers that every request has."""

    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = {}


PLAIN: Final = Request()


class HttpClient:
    """GETs JSON or any body below one base URL, and POSTs JSON and forms.

    Threads may share it; connections are kept and reused.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BODY_BYTES,
        connect: Connect | None = None,
        loads: Callable[[bytes], Any] = orjson.loads,
        cookies: Cookies | None = None,
    ) -> None:
        """`base_url` as `https://host[:port][/prefix]`. ValueError when it is not one.

        `connect` makes the connections, if not all addresses may be reached; its OSError is "no
        connection", what else it raises is the caller's. `loads` decodes JSON (ValueError: none).
        `cookies` keeps what the server sets, with a redirect or an error too, and presents it.
        """
        url = urllib3.util.parse_url(base_url)
        if url.scheme not in _POOLS or not url.host:
            raise ValueError("the base URL must be http://... or https://...")
        self._pool = _POOLS[url.scheme](url.host, url.port, maxsize=4, connect=connect)
        self._prefix = (url.path or "").rstrip("/")
        self._max_bytes = max_bytes
        self._loads = loads
        self._base_url, self._cookies = base_url, cookies
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": USER_AGENT,
            **(headers or {}),
        }

    def get_json(
        self, path: str, params: Mapping[str, str | int] | None = None, *, timeout_s: float
    ) -> Any:
        """The decoded JSON of a 2xx answer to `GET <base><path>?<params>`.

        `timeout_s` bounds everything but the name look-up. Raises HttpError: refused, timeout, TLS,
        redirect, status >= 400 (with `retry_after_s` and `body`), a body that is cut, too large or
        no JSON.
        """
        target = path + (f"?{urlencode(params)}" if params else "")
        what = f"GET {path}"
        status, document = self._fetched(target, what, timeout_s)
        return self._decoded(status, document.body, what)

    def get_body(
        self, target: str, *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a 2xx answer to `GET <base><target>`; a query is part of `target`.

        Raises HttpError as `get_json`, but for what the body holds.
        """
        sent = Request(headers=headers or {})
        return self._fetched(target, _asked(target), timeout_s, sent)[1].body

    def post_json(self, path: str, body: Any, *, timeout_s: float) -> Any:
        """The decoded JSON of a 2xx answer to `POST <base><path>` of a JSON body.

        Sent once: what was lost on the way may have been done. Raises HttpError as `get_json`.
        """
        sent = Request("POST", orjson.dumps(body), {"Content-Type": "application/json"})
        return self._posted(path, sent, timeout_s)

    def post_form(self, path: str, fields: Mapping[str, FormField], *, timeout_s: float) -> Any:
        """As `post_json`, of a form; a file is its name, bytes and content type."""
        form, content_type = encode_multipart_formdata(dict(fields))
        return self._posted(path, Request("POST", form, {"Content-Type": content_type}), timeout_s)

    def _posted(self, path: str, sent: Request, timeout_s: float) -> Any:
        what = f"POST {path}"
        status, document = self._fetched(path, what, timeout_s, sent)
        return self._decoded(status, document.body, what)

    def _decoded(self, status: int, body: bytes, what: str) -> Any:
        try:
            return self._loads(body)
        except ValueError:
            kind = "HTML" if body.lstrip()[:1] == b"<" else "unreadable"
            raise HttpError(status, f"{what}: the answer is {kind}, not JSON") from None

    def get_if_changed(self, target: str, *, etag: str, timeout_s: float) -> FetchedFile | None:
        """The body as `get_body`, or None when the server says that it still has version `etag`."""
        conditions = Request(headers={"If-None-Match": etag} if etag else {})
        status, document = self._fetched(target, _asked(target), timeout_s, conditions)
        return None if status == NOT_MODIFIED else document

    def _fetched(
        self, target: str, what: str, timeout_s: float, sent: Request = PLAIN
    ) -> tuple[int, FetchedFile]:
        """Status and body of a 2xx answer, or of a 304 if headers ask for one."""
        until = time.monotonic() + timeout_s
        try:
            response = self._open(self._prefix + target, sent, until)
            try:
                if response.status == NOT_MODIFIED and sent.headers:
                    return NOT_MODIFIED, FetchedFile(b"", "")
                body = _whole(response, what, self._max_bytes)
                return response.status, FetchedFile(body, response.headers.get("ETag", ""))
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as exc:
            raise HttpError(None, f"{what}: {_reason(exc, timeout_s)}") from exc
        except (ValueError, UnicodeError):  # its text may quote a header, that is, the secret
            raise HttpError(None, f"{what}: the request cannot be written as HTTP") from None

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.close()

    def _open(self, target: str, sent: Request, until: float) -> urllib3.BaseHTTPResponse:
        """The answer's head. A kept connection may be closed under us: GET allows once more."""
        try:
            return self._send(target, sent, until)
        except ProtocolError as exc:
            if sent.method != "GET" or not isinstance(exc.args[-1], ConnectionError):
                raise
        return self._send(target, sent, until)

    def _send(self, target: str, sent: Request, until: float) -> urllib3.BaseHTTPResponse:
        headers = {**self._headers, **sent.headers}
        if self._cookies is None:
            return self._requested(target, sent, headers, until)
        url = urljoin(self._base_url, target)
        response = self._requested(target, sent, self._cookies.presented(url, headers), until)
        self._cookies.take(url, response.headers.getlist("Set-Cookie"))
        return response

    def _requested(
        self, target: str, sent: Request, headers: Mapping[str, str], until: float
    ) -> urllib3.BaseHTTPResponse:
        left_s = max(until - time.monotonic(), 0.001)
        return self._pool.urlopen(
            sent.method,
            target,
            body=sent.body,
            headers=headers,
            retries=False,
            redirect=False,
            preload_content=False,
            timeout=urllib3.Timeout(total=left_s),
        )


def retry_after_s(value: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds to wait by a `Retry-After` header (seconds or HTTP date), a century at most.

    None when unreadable.
    """
    if not value:
        return None
    if value.strip().isdecimal():
        return min(float(value), MAX_WAIT_S)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:  # RFC 5322's "-0000": UTC
        at = at.replace(tzinfo=UTC)
    wait_s = (at - (now or datetime.now(UTC))).total_seconds()
    return min(max(wait_s, 0.0), MAX_WAIT_S)


def _asked(target: str) -> str:
    return f"GET {target.partition('?')[0]}"


def _whole(response: urllib3.BaseHTTPResponse, what: str, max_bytes: int) -> bytes:
    status = response.status
    if 300 <= status < 400:
        location = response.headers.get("Location", "")
        message = f"{what}: HTTP {status}, redirects are not followed"
        raise HttpError(status, message, location=location)
    if status >= 400:
        wait_s = retry_after_s(response.headers.get("Retry-After"))
        challenge = response.headers.get("WWW-Authenticate", "")
        message = f"{what}: HTTP {status}"
        raise HttpError(status, message, wait_s, _error_body(response), challenge=challenge)
    body = _body(response, max_bytes)
    if body is None:
        raise HttpError(status, f"{what}: the answer is over {max_bytes} bytes")
    return body


def _body(response: urllib3.BaseHTTPResponse, max_bytes: int) -> bytes | None:
    """The whole body, decompressed; None as soon as it is over `max_bytes`."""
    body = bytearray()
    while chunk := response.read1(CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            return None
    return bytes(body)


def _error_body(response: urllib3.BaseHTTPResponse) -> Any:
    try:
        return orjson.loads(_body(response, MAX_ERROR_BYTES) or b"null")
    except (orjson.JSONDecodeError, urllib3.exceptions.HTTPError):
        return None  # the status says enough


def _reason(exc: urllib3.exceptions.HTTPError, timeout_s: float) -> str:
    match exc:
        case NameResolutionError():  # the first three are subclasses, each of the next
            return "the host name is unknown"
        case NewConnectionError():
            return "no connection (refused or unreachable)"
        case ConnectTimeoutError() | ReadTimeoutError():
            return f"no complete answer within {timeout_s:.3g} s"
        case SSLError():
            return "TLS failed, or the certificate is not trusted"
        case DecodeError():
            return "the answer's compression is broken"
        case ProtocolError():
            return "the connection was cut"
    return type(exc).__name__


# --- One deadline for headers and body ------------------------------------------------------------
# A socket timeout bounds one read only: a server that sends a byte now and then would hold us for
# hours.
class _DeadlineReader(io.RawIOBase):
    """Reads a socket's file, each read bounded by what is left until `until` (monotonic s)."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, until: float) -> None:
        self._raw, self._sock, self._until = raw, sock, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("deadline passed")
        self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, until: float, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_DeadlineReader(raw, sock, until))


class _WithDeadline:
    """Mixed into urllib3's connections: the time left at the request bounds the whole answer."""

    timeout: float
    host: str
    port: int

    def __init__(self, *args: Any, connect: Connect | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._connect = connect

    def _new_conn(self) -> socket.socket:
        if self._connect is None:
            return super()._new_conn()  # type: ignore[misc,no-any-return]
        try:
            return self._connect(self.host, self.port, self.timeout)
        except TimeoutError as exc:
            raise ConnectTimeoutError(self, "no connection in time") from exc
        except socket.gaierror as exc:
            raise NameResolutionError(self.host, self, exc) from exc  # type: ignore[arg-type]
        except OSError as exc:
            raise NewConnectionError(self, "no connection") from exc  # type: ignore[arg-type]

    def getresponse(self) -> Any:
        self.response_class = partial(_Response, until=time.monotonic() + self.timeout)
        return super().getresponse()  # type: ignore[misc]


class _HttpConnection(_WithDeadline, HTTPConnection):  # type: ignore[misc]
    pass


class _HttpsConnection(_WithDeadline, HTTPSConnection):  # type: ignore[misc]
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection  # type: ignore[assignment]  # the mixin hides the protocol


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection  # type: ignore[assignment]  # as above


_POOLS: Final[dict[str | None, type[urllib3.HTTPConnectionPool]]] = {
    "http": _HttpPool,
    "https": _HttpsPool,
}
