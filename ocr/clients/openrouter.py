"""OpenRouter, the only place that speaks to it: `docs/upstreams/openrouter.md`."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from core.lib.http import HttpClient, HttpError
from ocr.types import NOTHING_USED, AiError, AiModel, AiRequest, AiResponse, AiUsage

MAX_TOKENS: Final = 4_000  # of a response, its thoughts included
MAX_BYTES: Final = 8 * 1024 * 1024  # the list of all models has some 2 MB
MAX_PAGES: Final = 20
LIST_TIMEOUT_S: Final = 10.0
MAX_WAIT_S: Final = 10.0  # of waiting that it asks for, before one more try
DEFAULT_WAIT_S: Final = 5.0  # after a 429 that does not say how long


class OpenRouter:
    """One account."""

    def __init__(
        self, url: str, *, key: str, timeout_s: float, wait: Callable[[float], None] = time.sleep
    ) -> None:
        """ValueError when `url` is no http address."""
        headers = {"Authorization": f"Bearer {key}", "X-Title": "Gateway ARQ"}
        self._http = HttpClient(url, headers=headers, max_bytes=MAX_BYTES)
        self._key, self._timeout_s, self._wait = key, timeout_s, wait

    def ask(self, request: AiRequest) -> AiResponse:
        """The model's response. When it asks to wait for 10 s at most, that is done, once.

        Raises AiError.
        """
        try:
            return self._ask(request)
        except AiError as exc:
            if exc.retry_after_s is None or exc.retry_after_s > MAX_WAIT_S:
                raise
            self._wait(exc.retry_after_s)
        return self._ask(request)

    def models(self) -> list[AiModel]:
        """The models that see pictures and respond with text, as listed. Raises AiError."""
        return [
            _model(entry) for entry in self._listed() if isinstance(entry, dict) and _sees(entry)
        ]

    def _ask(self, request: AiRequest) -> AiResponse:
        try:
            response = self._http.post_json(
                "/chat/completions", _body(request), timeout_s=self._timeout_s
            )
        except HttpError as exc:
            raise self._http_error(exc) from None
        return self._response(response, request.model)

    def _response(self, body: Any, model: str) -> AiResponse:
        """Errors come inside of a 200, too, once it has begun to respond."""
        body = body if isinstance(body, dict) else {}
        usage = _usage(body.get("usage"))
        choices = body.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        choice = choice if isinstance(choice, dict) else {}
        if error := body.get("error") or choice.get("error"):
            raise self._ai_error(error if isinstance(error, dict) else {"message": error}, usage)
        message = choice.get("message")
        text = message.get("content") if isinstance(message, dict) else None
        if choice.get("finish_reason") == "length":
            raise AiError("OpenRouter: the answer was cut, it is too long.", usage=usage)
        if not isinstance(text, str) or not text.strip():
            raise AiError("OpenRouter: the answer is empty.", usage=usage)
        return AiResponse(text, str(body.get("model") or model)[:200], usage)

    def _http_error(self, exc: HttpError) -> AiError:
        body = exc.body if isinstance(exc.body, dict) else {}
        error = body.get("error")
        error = error if isinstance(error, dict) else {"message": error or str(exc)}
        # A request that was refused costs nothing; one that was lost may have been answered.
        is_refusal = exc.status is not None and exc.status >= 400
        usage = NOTHING_USED if is_refusal else AiUsage()
        return self._ai_error({**error, "code": exc.status}, usage, exc.retry_after_s)

    def _ai_error(
        self, error: dict[str, Any], usage: AiUsage, retry_after_s: float | None = None
    ) -> AiError:
        said = str(error.get("message") or "an error without a message")
        text = "OpenRouter: " + said.replace(self._key, "[key]")[:300]
        code = str(error.get("code"))
        if code == "429":
            retry_after_s = retry_after_s or DEFAULT_WAIT_S
        is_refused = code in ("400", "403", "404", "413")
        return AiError(text, is_refused=is_refused, retry_after_s=retry_after_s, usage=usage)

    def _listed(self) -> Iterator[Any]:
        seen = 0
        for _ in range(MAX_PAGES):
            try:
                page = self._http.get_json(
                    "/models", {"offset": seen} if seen else None, timeout_s=LIST_TIMEOUT_S
                )
            except HttpError as exc:
                raise self._http_error(exc) from None
            entries = page.get("data") if isinstance(page, dict) else None
            if not isinstance(entries, list):
                raise AiError("OpenRouter: the list of models is unreadable.")
            yield from entries
            seen += len(entries)
            links = page.get("links")
            if not entries or not isinstance(links, dict) or not links.get("next"):
                return


def _body(request: AiRequest) -> dict[str, Any]:
    picture = base64.b64encode(request.picture).decode()
    content = [
        {"type": "text", "text": request.text},
        {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{picture}"}},
    ]
    body = {
        "model": request.model,
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": content}],
    }
    if request.schema:
        form = {"name": "answer", "strict": True, "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
        body["provider"] = {"require_parameters": True}  # or the schema is silently ignored
    return body


def _usage(usage: Any) -> AiUsage:
    if not isinstance(usage, dict):
        return AiUsage()
    counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    prompt, completion = (n if isinstance(n, int) and 0 <= n < 2**31 else 0 for n in counts)
    return AiUsage(prompt, completion, _dollars(usage.get("cost")))


def _dollars(price: Any) -> Decimal | None:
    """None for what is no price; "-1" stands for a price that depends."""
    try:
        dollars = Decimal(str(price))
    except InvalidOperation:
        return None
    return dollars if dollars.is_finite() and 0 <= dollars < 1_000_000 else None


def _sees(entry: dict[str, Any]) -> bool:
    architecture = entry.get("architecture")
    kinds = architecture if isinstance(architecture, dict) else {}
    return "image" in (kinds.get("input_modalities") or ()) and "text" in (
        kinds.get("output_modalities") or ("text",)
    )


def _model(entry: dict[str, Any]) -> AiModel:
    pricing = entry.get("pricing")
    prices = pricing if isinstance(pricing, dict) else {}
    length = entry.get("context_length")
    name = str(entry.get("id"))[:200]
    return AiModel(
        id=name,
        name=str(entry.get("name") or name)[:200],
        context_length=length if isinstance(length, int) else 0,
        prompt_usd=_dollars(prices.get("prompt")),
        completion_usd=_dollars(prices.get("completion")),
        image_usd=_dollars(prices.get("image", 0)),
        is_structured="structured_outputs" in (entry.get("supported_parameters") or ()),
    )
