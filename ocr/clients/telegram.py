"""Telegram's Bot API, the only place that speaks to it: `docs/upstreams/telegram.md`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Literal

from core.lib.http import FormField, HttpClient, HttpError
from ocr.clients.telegram_split import MAX_CAPTION, MAX_TEXT, length, parts
from ocr.types import TelegramError

ParseMode = Literal["HTML", "Markdown", "MarkdownV2"]
TIMEOUT_S: Final = 20.0  # for one message, with its picture
MAX_WAIT_S: Final = 15.0  # of waiting that Telegram asks for, in one `send`
MAX_PICTURE_BYTES: Final = 10 * 1024 * 1024


class TelegramBot:
    """One bot that writes to one chat."""

    def __init__(
        self, url: str, *, token: str, chat: str, wait: Callable[[float], None] = time.sleep
    ) -> None:
        """`url` without the token. ValueError when it is no http address."""
        # As part of the base address the token is in no message of HttpError.
        self._http = HttpClient(f"{url.rstrip('/')}/bot{token}")
        self._chat = chat
        self._wait = wait

    def send(
        self, text: str, *, parse_mode: ParseMode | None = None, picture: bytes | None = None
    ) -> list[int]:
        """Write to the chat, with the picture first; returns the ids of the messages.

        A text that is too long for a message, or for the picture's caption, is split. When Telegram
        asks to wait, that is done for up to 15 s. Raises TelegramError.
        """
        html = parse_mode == "HTML"
        mode = {"parse_mode": parse_mode} if parse_mode else {}
        has_caption = picture is not None and length(text, html=html) <= MAX_CAPTION
        calls: list[Callable[[], Any]] = []
        if picture is not None:
            caption = {"caption": text, **mode} if has_caption and text else {}
            calls.append(lambda: self._photo(picture, caption))
        if not has_caption:
            for part in parts(text, MAX_TEXT, html=html):
                calls.append(lambda part=part: self._message({"text": part, **mode}))  # type: ignore[misc]
        return self._in_turn(calls)

    def _message(self, body: dict[str, str]) -> Any:
        sent = {"chat_id": self._chat, **body}
        return self._http.post_json("/sendMessage", sent, timeout_s=TIMEOUT_S)

    def _photo(self, picture: bytes, body: dict[str, str]) -> Any:
        photo: FormField = ("board.jpg", picture, "application/octet-stream")
        fields: dict[str, FormField] = {"chat_id": self._chat, "photo": photo, **body}
        return self._http.post_form("/sendPhoto", fields, timeout_s=TIMEOUT_S)

    def _in_turn(self, calls: list[Callable[[], Any]]) -> list[int]:
        ids: list[int] = []
        wait_budget_s = MAX_WAIT_S
        while len(ids) < len(calls):
            try:
                ids.append(_message_id(calls[len(ids)]()))
            except HttpError as exc:
                error = _error(exc, sent=len(ids))
                wait_s = error.retry_after_s
                if wait_s is None or wait_s > wait_budget_s:
                    raise error from None
                wait_budget_s -= wait_s
                self._wait(wait_s)
        return ids


def _message_id(response: Any) -> int:
    try:
        return int(response["result"]["message_id"])
    except (KeyError, TypeError, ValueError):
        raise HttpError(None, "the response has no message") from None


def _error(exc: HttpError, *, sent: int) -> TelegramError:
    body = exc.body if isinstance(exc.body, dict) else {}
    said = str(body.get("description") or exc)[:300]
    if exc.status == 429:
        parameters = body.get("parameters")
        wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
        wait_s = float(wait) if isinstance(wait, (int, float)) else exc.retry_after_s
        return TelegramError(f"Telegram: {said}", retry_after_s=wait_s or 1.0, sent=sent)
    is_refused = exc.status == 400 and "chat not found" not in said
    return TelegramError(f"Telegram: {said}", is_refused=is_refused, sent=sent)
