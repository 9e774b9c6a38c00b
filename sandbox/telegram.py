"""Telegram's Bot API: accepts what Telegram would accept, and stores it.

Protocol: `docs/upstreams/telegram.md`.
"""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any, Final

from aiohttp import web
from PIL import Image

from sandbox.app import CONTROL, Upstream, json_response

PREFIX: Final = "/telegram"
MAX_TEXT, MAX_CAPTION, MAX_PHOTO = 4096, 1024, 10 * 1024 * 1024
TAGS: Final = {"a", "b", "blockquote", "code", "del", "em", "i", "ins", "pre", "s", "span",
               "strike", "strong", "tg-emoji", "tg-spoiler", "u"}  # fmt: skip
STORED: Final = 200  # messages


class TelegramServer:
    """One bot and its chats."""

    def __init__(self, *, token: str = "", chat: str = "") -> None:
        """With an empty token or chat, any is accepted."""
        self.token, self.chat = token, chat
        self.messages: list[dict[str, Any]] = []
        self._last_id = 0

    def upstream(self) -> Upstream:
        """Telegram, for `sandbox.app.build_app`."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes(
            [
                web.post("/bot{token}/sendMessage", self._message, name="telegram.message"),
                web.post("/bot{token}/sendPhoto", self._photo, name="telegram.photo"),
            ]
        )
        return Upstream(
            "telegram",
            PREFIX,
            app,
            [web.get(f"{CONTROL}/telegram", self._listed)],
            {f"GET {CONTROL}/telegram": "what was sent, newest last"},
        )

    async def _message(self, request: web.Request) -> web.Response:
        body = await request.json() if request.content_type == "application/json" else {}
        refusal = self._refusal(request, body) or text_refusal(body, "text", MAX_TEXT)
        if not refusal and not body.get("text", "").strip():
            refusal = _error(400, "Bad Request: message text is empty")
        return refusal or self._store({"text": body["text"]})

    async def _photo(self, request: web.Request) -> web.Response:
        form = await request.post()
        refusal = self._refusal(request, form) or text_refusal(form, "caption", MAX_CAPTION)
        photo = form.get("photo")
        if refusal or not isinstance(photo, web.FileField):
            return refusal or _error(400, "Bad Request: there is no photo in the request")
        data = photo.file.read()
        if len(data) > MAX_PHOTO:
            return _error(413, "Request Entity Too Large")
        try:
            width, height = Image.open(io.BytesIO(data)).size
        except OSError:
            return _error(400, "Bad Request: IMAGE_PROCESS_FAILED")
        if width + height > 10_000 or max(width, height) > 20 * min(width, height):
            return _error(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        return self._store({"caption": form.get("caption", ""), "photo": [width, height]})

    def _refusal(self, request: web.Request, body: Any) -> web.Response | None:
        if self.token and request.match_info["token"] != self.token:
            return _error(401, "Unauthorized")
        if not body.get("chat_id") or (self.chat and str(body["chat_id"]) != self.chat):
            return _error(400, "Bad Request: chat not found")
        return None

    def _store(self, message: dict[str, Any]) -> web.Response:
        self._last_id += 1
        self.messages = [
            *self.messages[1 - STORED :],
            {"message_id": self._last_id, **message},
        ]
        return json_response({"ok": True, "result": self.messages[-1]})

    async def _listed(self, request: web.Request) -> web.Response:
        return json_response({"messages": self.messages})


def text_refusal(body: Any, field: str, maximum: int) -> web.Response | None:
    """What is wrong with a text, in Telegram's words."""
    text = str(body.get(field) or "")
    if body.get("parse_mode") == "HTML":
        wrong = html_error(text)
        if wrong:
            return _error(400, f"Bad Request: can't parse entities: {wrong}")
        text = unescape(re.sub(r"<[^>]*>", "", text))
    if len(text.encode("utf-16-le")) // 2 > maximum:
        what = "message is too long" if field == "text" else "message caption is too long"
        return _error(400, f"Bad Request: {what}")
    return None


def html_error(text: str) -> str:
    """Why Telegram would not accept this HTML; "" when it would."""
    opened: list[str] = []
    for found in re.finditer(r"<(/?)([^<>]*)(>?)", text):
        name = (found[2].split() or [""])[0].lower()
        if not found[3] or name not in TAGS:
            return f'Unsupported start tag "{name}" at byte offset {found.start()}'
        if not found[1]:
            opened.append(name)
        elif not opened or opened.pop() != name:
            return f"Unexpected end tag at byte offset {found.start()}"
    return f'Can\'t find end tag corresponding to start tag "{opened[-1]}"' if opened else ""


def _error(code: int, description: str) -> web.Response:
    response = json_response({"ok": False, "error_code": code, "description": description})
    response.set_status(code)
    return response
