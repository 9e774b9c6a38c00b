"""Client of the carrier, the only code that opens a socket to it: `docs/upstreams/webcom.md`."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

from django.conf import settings
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from core.lib import odd_json
from core.lib.http import HttpClient, HttpError, retry_after_s
from core.lib.upstream import UpstreamError
from webcom.types import CallPage, CursorExpired, NotFound, PushMessage, push_message

logger = logging.getLogger(__name__)

MAX_PAGES: Final = 100
PAGE_SIZE: Final = 500
MAX_CURSOR: Final = 200  # characters, as in the database
MAX_FRAME_BYTES: Final = 1024 * 1024
SILENCE_S: Final = 45.0  # three of the carrier's pings


class HttpWebcomTlc:
    """The carrier over REST and WebSocket, as `webcom.types.WebcomTlc`; threads may share it.

    Every method raises UpstreamError, whose message names the request, never the token or a number.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        push_url: str = "",
        timeout_s: float = 10,
        silence_s: float = SILENCE_S,
    ) -> None:
        """`timeout_s` bounds a whole response, `silence_s` the push's silence.

        Raises ValueError when there is no http(s) URL.
        """
        self._http = HttpClient(url, headers=_bearer(token), loads=odd_json.loads)
        self._token = token
        self._push_url = push_url
        self._timeout_s = timeout_s
        self._silence_s = silence_s

    def active_calls(self) -> list[Any]:
        """Every call in progress now, raw; empty when there are none."""
        return self._pages("/calls/active", "calls")

    def lines(self) -> list[Any]:
        """All our lines, raw."""
        return self._pages("/lines", "lines")

    def call(self, call_id: str) -> Any:
        """One call, raw. NotFound when the carrier itself does not know it."""
        path = f"/calls/{quote(call_id, safe='')}"
        try:
            return self._object(path)
        except HttpError as exc:
            # A 404 without the contract's code (a proxy, a wrong URL) says nothing about the call.
            if exc.status == 404 and _code(exc.body) == "not_found":
                raise NotFound("webcom does not know this call") from exc
            raise _upstream_error(exc) from exc

    def calls_since(self, cursor: str, *, since: int) -> CallPage:
        """The next page of the change feed after `cursor`, or from `since` (epoch s) without one.

        Raises CursorExpired when the carrier no longer knows the cursor.
        """
        place: dict[str, str | int] = {"cursor": cursor} if cursor else {"since": since}
        try:
            body = self._object("/calls", {**place, "limit": PAGE_SIZE})
        except HttpError as exc:
            if exc.status == 410 and cursor:
                raise CursorExpired("webcom no longer knows our cursor") from exc
            raise _upstream_error(exc) from exc
        return _call_page(body, cursor)

    def rebates(self, month: str) -> Any:
        """The rebates of a month (YYYY-MM), raw. NotFound for a month that has not begun."""
        try:
            return self._object("/rebates", {"month": month})
        except HttpError as exc:
            if exc.status == 404 and _code(exc.body) == "not_found":
                raise NotFound(f"webcom has no rebates of {month}") from exc
            raise _upstream_error(exc) from exc

    def pushes(self, *, idle_s: float) -> Generator[PushMessage | None, None, None]:
        """What the carrier pushes from now on; None at least every `idle_s`.

        Never ends by itself: raises UpstreamError when there is no push URL, on any drop (a clean
        close included) and when nothing, not even a ping, came for `silence_s`. Frames that are
        not JSON are skipped and counted; those that are no message of ours come as `message`.
        """
        with self._stream() as stream, _bad_frames() as bad:
            received_at = time.monotonic()
            while True:
                frame = _frame(stream, min(idle_s, self._silence_s))
                if frame is not None:
                    received_at = time.monotonic()
                elif time.monotonic() - received_at >= self._silence_s:
                    raise UpstreamError(f"webcom push: silent for {self._silence_s:g} s")
                yield _message(frame, bad) if frame is not None else None

    def _object(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> dict[str, Any]:
        body = self._http.get_json(path, params, timeout_s=timeout_s or self._timeout_s)
        if not isinstance(body, dict):
            raise HttpError(200, f"GET {path}: the response is not a JSON object")
        return body

    def _pages(self, path: str, name: str) -> list[Any]:
        """All pages of a list, within one timeout."""
        until = time.monotonic() + self._timeout_s
        items: list[Any] = []
        token = None
        try:
            for _ in range(MAX_PAGES):
                left_s = max(until - time.monotonic(), 0.001)
                body = self._object(path, {"page": token} if token else None, timeout_s=left_s)
                items += _list(body, name)
                token = body.get("next")
                if token is None:
                    return items
                if not isinstance(token, str) or not token:
                    raise UpstreamError(f"webcom GET {path}: `next` is neither a token nor null")
        except HttpError as exc:
            raise _upstream_error(exc) from exc
        raise UpstreamError(f"webcom GET {path}: more than {MAX_PAGES} pages")

    @contextmanager
    def _stream(self) -> Iterator[ClientConnection]:
        try:
            stream = self._connected()
        except InvalidStatus as exc:
            response = exc.response
            wait_s = retry_after_s(response.headers.get("Retry-After"))
            raise UpstreamError(
                f"webcom push: HTTP {response.status_code}", retry_after_s=wait_s
            ) from exc
        except TimeoutError as exc:
            raise UpstreamError(f"webcom push: no connection within {self._timeout_s:g} s") from exc
        except (OSError, WebSocketException, ValueError) as exc:  # ValueError: no URL or redirect
            raise UpstreamError(f"webcom push: no connection ({type(exc).__name__})") from None
        try:
            yield stream
        except ConnectionClosed as exc:
            raise UpstreamError(f"webcom push: closed ({_close_code(exc)})") from exc
        finally:
            stream.close()

    def _connected(self) -> ClientConnection:
        url = urlsplit(self._push_url)
        if url.scheme not in {"ws", "wss"} or not url.hostname:
            raise UpstreamError("webcom push: WEBCOM_PUSH_URL must be ws://... or wss://...")
        address = (url.hostname, url.port or (443 if url.scheme == "wss" else 80))
        return connect(
            self._push_url,
            # So redirects are not followed.
            sock=socket.create_connection(address, self._timeout_s),
            additional_headers=_bearer(self._token),
            open_timeout=self._timeout_s,
            close_timeout=1,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            legacy=True,
        )


def build_webcom_tlc() -> HttpWebcomTlc | None:
    """The carrier of the settings, one client a process; None without `WEBCOM_URL` (disabled).

    Raises UpstreamError when `WEBCOM_URL` is not an http(s) URL. Without `WEBCOM_PUSH_URL`,
    `pushes` raises.
    """
    if not settings.WEBCOM_URL:
        return None
    return _shared(
        settings.WEBCOM_URL,
        settings.WEBCOM_TOKEN,
        settings.WEBCOM_PUSH_URL,
        settings.WEBCOM_TIMEOUT_S,
    )


@lru_cache(maxsize=1)
def _shared(url: str, token: str, push_url: str, timeout_s: float) -> HttpWebcomTlc:
    try:
        return HttpWebcomTlc(url=url, token=token, push_url=push_url, timeout_s=timeout_s)
    except ValueError as exc:
        raise UpstreamError(f"WEBCOM_URL: {exc}") from None


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _upstream_error(exc: HttpError) -> UpstreamError:
    code = _code(exc.body)
    return UpstreamError(
        f"webcom {exc}" + (f" ({code})" if code else ""), retry_after_s=exc.retry_after_s
    )


def _code(body: Any) -> str:
    """The contract's `error.code`, or "" when the body is not the contract's."""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and code.isidentifier() and len(code) <= 32 else ""


def _call_page(body: dict[str, Any], requested: str) -> CallPage:
    calls, cursor, more = _list(body, "calls"), body.get("cursor"), body.get("more")
    if (
        not isinstance(cursor, str)
        or not 0 < len(cursor) <= MAX_CURSOR
        or not isinstance(more, bool)
    ):
        raise UpstreamError("webcom GET /calls: the response has no usable `cursor` or `more`")
    if more and cursor == requested:
        raise UpstreamError("webcom GET /calls: the cursor does not move")
    return CallPage(calls, cursor, more)


def _list(body: dict[str, Any], name: str) -> list[Any]:
    items = body.get(name)
    if not isinstance(items, list):
        raise UpstreamError(f"webcom: the response has no list `{name}`")
    return items


def _frame(stream: ClientConnection, idle_s: float) -> bytes | None:
    try:
        return stream.recv(timeout=idle_s, decode=False)
    except TimeoutError:
        return None


@contextmanager
def _bad_frames() -> Iterator[list[str]]:
    """Reasons of one connection's unreadable frames; their number is logged at its end."""
    bad: list[str] = []
    try:
        yield bad
    finally:
        if len(bad) > 1:
            logger.warning("webcom.push_bad_frames count=%d", len(bad))


def _message(frame: bytes, bad: list[str]) -> PushMessage | None:
    """The message in a frame; None for a ping and for a frame that is not JSON."""
    try:
        message = push_message(odd_json.loads(frame))
    except ValueError:
        _note_bad("not JSON", bad)
        return None
    if message is not None and message.kind == "message":
        _note_bad("not a message", bad)
    return message


def _note_bad(reason: str, bad: list[str]) -> None:
    bad.append(reason)
    if len(bad) == 1:
        logger.warning("webcom.push_bad_frame reason=%s; more of them are only counted", reason)


def _close_code(exc: ConnectionClosed) -> str:
    return f"code {exc.rcvd.code}" if exc.rcvd else "without a close frame"
