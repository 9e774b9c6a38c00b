"""OpenRouter with models that see no picture, and say so; their boards are invented.

To read a board, a model needs the numbers that are in the prompt already: it looks for the
invented draw of the last year that they belong to, and replies with that draw. For the same
picture without them it repeats its reply. Where it finds no such draw it repeats the numbers of the
prompt. What it sees can also be set by hand. Protocol: `docs/upstreams/openrouter.md`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from aiohttp import web
from PIL import Image

from sandbox import ROME, draws
from sandbox.app import CONTROL, Upstream, json_body, json_response
from sandbox.faults import Handler

PREFIX: Final = "/openrouter/v1"
STORED: Final = 200  # pictures and requests
DAYS_BACK: Final = 366
MIN_KNOWN: Final = 5  # known numbers that identify a draw
IMAGE_TOKENS: Final = 1_600
CONFIDENCE: Final = 98
CONTROLLED: Final[dict[str, Any]] = {
    "wheels": dict, "says": str, "error": dict, "cost": (int, float),
}  # fmt: skip

Wheels = dict[str, list[int | None]]


def _listed(name: str, title: str, *, image: bool, prompt: str, completion: str) -> dict[str, Any]:
    return {
        "id": name,
        "canonical_slug": name,
        "name": title,
        "created": 1_759_104_000,
        "description": "Sandbox: replies are invented",
        "context_length": 200_000,
        "architecture": {
            "modality": "text+image->text" if image else "text->text",
            "input_modalities": ["text", "image"] if image else ["text"],
            "output_modalities": ["text"],
        },
        "pricing": {"prompt": prompt, "completion": completion, "image": "0"},
        "supported_parameters": ["max_tokens", "response_format", "structured_outputs"],
    }


MODELS: Final = (
    _listed("anthropic/claude-sonnet-4.5", "Anthropic: Claude Sonnet 4.5", image=True,
            prompt="0.000003", completion="0.000015"),
    _listed("google/gemini-2.5-flash", "Google: Gemini 2.5 Flash", image=True,
            prompt="0.0000003", completion="0.0000025"),
    _listed("openai/gpt-4o", "OpenAI: GPT-4o", image=True,
            prompt="0.0000025", completion="0.00001"),
    _listed("openai/gpt-3.5-turbo", "OpenAI: GPT-3.5 Turbo", image=False,
            prompt="0.0000005", completion="0.0000015"),
)  # fmt: skip


class OpenRouterServer:
    """One account, and what it spent."""

    def __init__(self, *, key: str = "", clock: Callable[[], float] = time.time) -> None:
        """With an empty key any is accepted."""
        self.key, self.clock = key, clock
        self.asked: list[dict[str, Any]] = []  # requests without their pictures, newest last
        self.wheels: Wheels | None = None  # what every model sees, set by hand
        self.says: str | None = None  # a verbatim reply, set by hand
        self.error: dict[str, Any] | None = None  # inside of a 200
        self.cost: float | None = None  # US dollars of a reply, set by hand
        self._seen: OrderedDict[str, Wheels] = OrderedDict()  # by the picture's digest

    def upstream(self) -> Upstream:
        """OpenRouter, for `sandbox.app.build_app`."""
        app = web.Application(
            client_max_size=64 * 1024 * 1024, middlewares=[_errors, self._authenticated]
        )
        app.add_routes(
            [
                web.get("/models", self._models, name="openrouter.models"),
                web.post("/chat/completions", self._chat, name="openrouter.chat"),
            ]
        )
        return Upstream(
            "openrouter",
            PREFIX,
            app,
            [
                web.get(f"{CONTROL}/openrouter", self._requests),
                web.post(f"{CONTROL}/openrouter", self._steer),
            ],
            {
                f"GET {CONTROL}/openrouter": "the requests (without the pictures), newest last",
                f"POST {CONTROL}/openrouter": "what the models do, each until it is null again: "
                '{"wheels": {"BA": [1, 2, 3, 4, 5]}} what they see; {"says": "..."} their reply; '
                '{"error": {"code": 502, "message": "..."}} an error inside of a 200; '
                '{"cost": 0.02} US dollars a reply',
            },
        )

    @web.middleware
    async def _authenticated(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        is_list = request.path.endswith("/models")  # which needs no key
        presented = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not is_list and self.key and presented != self.key:
            raise web.HTTPUnauthorized(text="No auth credentials found")
        return await handler(request)

    async def _models(self, request: web.Request) -> web.Response:
        return json_response({"data": MODELS})

    async def _chat(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        text, picture = _parts(body)
        model = next((each for each in MODELS if each["id"] == body.get("model")), None)
        if model is None:
            raise web.HTTPBadRequest(text=f"{body.get('model')} is not a valid model ID")
        if picture and "image" not in model["architecture"]["input_modalities"]:
            raise web.HTTPNotFound(text="No endpoints found that support image input")
        size = _size(picture) if picture else None
        is_board = (body.get("response_format") or {}).get("type") == "json_schema"
        reply = self._board(text, picture) if is_board else _plain_reply(text, size)
        response = self._response(model, text, reply if self.says is None else self.says)
        self.asked = [
            *self.asked[-STORED:],
            {"model": model["id"], "text": text, "size": size},
        ]
        return json_response(response)

    def _response(self, model: dict[str, Any], text: str, reply: str) -> dict[str, Any]:
        tokens = len(text) // 4 + IMAGE_TOKENS, len(reply) // 3
        prices = (float(model["pricing"][kind]) for kind in ("prompt", "completion"))
        cost = round(sum(n * price for n, price in zip(tokens, prices, strict=True)), 9)
        usage = {
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "total_tokens": sum(tokens),
            "cost": cost if self.cost is None else self.cost,
        }
        response = {
            "id": f"gen-{len(self.asked)}",
            "model": model["id"],
            "object": "chat.completion",
        }
        if self.error:
            return {**response, "error": self.error, "usage": usage}
        message = {"role": "assistant", "content": reply}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return {**response, "choices": [choice], "usage": usage}

    def _board(self, text: str, picture: bytes) -> str:
        digest = hashlib.sha256(picture).hexdigest()
        seen = self.wheels
        if seen is None:
            read = _read(text)
            if read is not None:
                self._seen[digest] = self._filled(read)
                while len(self._seen) > STORED:
                    self._seen.popitem(last=False)
            seen = self._seen.get(digest, {})
        board = [{"wheel": wheel, "numbers": numbers} for wheel, numbers in seen.items()]
        return orjson.dumps({"wheels": board, "confidence": CONFIDENCE if board else 0}).decode()

    def _filled(self, read: Wheels) -> Wheels:
        """The numbers of the prompt, with the others from the draw that they belong to."""
        draw = self._draw_of(read)
        return {
            wheel: [
                number if number is not None or wheel not in draw else draw[wheel][place]
                for place, number in enumerate(numbers)
            ]
            for wheel, numbers in read.items()
        }

    def _draw_of(self, read: Wheels) -> draws.Draw:
        known = {
            (wheel, place): number
            for wheel, numbers in read.items()
            for place, number in enumerate(numbers)
            if number is not None
        }
        today = datetime.fromtimestamp(self.clock(), ROME).date()
        for day in (today - timedelta(days) for days in range(DAYS_BACK)):
            draw = draws.invented(day)
            if len(known) >= MIN_KNOWN and draw and _belong(known, draw):
                return draw
        return {}

    async def _requests(self, request: web.Request) -> web.Response:
        return json_response({"asked": self.asked})

    async def _steer(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        for name, value in body.items():
            if name not in CONTROLLED or not (value is None or isinstance(value, CONTROLLED[name])):
                raise web.HTTPBadRequest(text=f"There is no {name}, or not with such a value")
        for name, value in body.items():
            setattr(self, name, value)
        return json_response({name: getattr(self, name) for name in CONTROLLED})


def _belong(known: dict[tuple[str, int], int], draw: draws.Draw) -> bool:
    return all(wheel in draw and draw[wheel][place] == n for (wheel, place), n in known.items())


def _parts(body: dict[str, Any]) -> tuple[str, bytes]:
    """The prompt's text and picture; b"" without one."""
    try:
        content: Any = body["messages"][-1]["content"]
        parts: Any = content
        if isinstance(content, str):
            parts = [{"type": "text", "text": content}]
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        picture = base64.b64decode(urls[0].partition("base64,")[2], validate=True) if urls else b""
    except (KeyError, IndexError, TypeError, binascii.Error):
        raise web.HTTPBadRequest(text="Invalid messages") from None
    return text, picture


def _size(picture: bytes) -> tuple[int, int]:
    try:
        return Image.open(io.BytesIO(picture)).size
    except OSError:
        raise web.HTTPBadRequest(text="Could not process image") from None


def _read(text: str) -> Wheels | None:
    """The numbers in the prompt: JSON on its last line; None without it."""
    try:
        read = orjson.loads(text.rpartition("\n")[2])
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, dict) else None


def _plain_reply(text: str, size: tuple[int, int] | None) -> str:
    seen = f"a picture of {size[0]} x {size[1]} pixels" if size else "no picture"
    return f"This is the sandbox: no model saw this. I was given {seen} and {len(text)} letters."


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as exc:
        error = {"code": exc.status, "message": exc.text or exc.reason}
        return json_response({"error": error}, status=exc.status)
