"""Vision models asked about pictures, through OpenRouter, within the month's budget."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from django.conf import settings

from core.lib.upstream import NotConfigured
from ocr.ai import budget, consensus
from ocr.ai.consensus import Opinion, Validation
from ocr.clients.openrouter import OpenRouter
from ocr.models import AiUse
from ocr.reader.types import Reading
from ocr.reader_process import reader
from ocr.types import (
    NOTHING_USED,
    AiError,
    AiModel,
    AiRequest,
    AiResponse,
    ReaderBusy,
    ReaderFailed,
)

logger = logging.getLogger(__name__)
T = TypeVar("T")

PICTURE_SIDE: Final = 1_568  # px: models make larger ones smaller themselves
LIST_S: Final = 3_600.0
MAX_CONCURRENT: Final = 2  # requests of one process, which has few threads for its own
BUSY_RETRY_S: Final = 5.0
_list: tuple[str, float, list[AiModel]] = ("", 0.0, [])  # of which address, when, what
_room = threading.BoundedSemaphore(MAX_CONCURRENT)


def is_on() -> bool:
    """Whether there is a key to ask with."""
    return bool(settings.OPENROUTER_API_KEY)


def validate(image: bytes, reading: Reading, model: str | None = None) -> Validation:
    """The reading of this picture after an AI's opinion on it, and a second one where needed.

    Nothing is asked about a board of which nothing was read. Raises NotConfigured, AiError or
    ImageRefused.
    """
    name, known = _chosen(model)
    if not reading.wheels:
        return Validation(reading, model=name)
    with _place():
        picture = _jpeg(image)

        def opinion(*, informed: bool) -> tuple[Opinion, str]:
            text = consensus.prompt(reading, with_sure_numbers=informed)
            request = AiRequest(name, text, picture, consensus.SCHEMA)
            return _send(AiUse.Purpose.VALIDATE, request, known, _opinion)

        first, answered_by = opinion(informed=True)
        opinions = [first]
        if consensus.needs_another(reading, first):
            try:
                opinions.append(opinion(informed=False)[0])
            except AiError as exc:  # what the first one confirmed is worth having without it
                logger.warning("ai.no_second_opinion model=%s error=%s", name, exc)
    return consensus.agreed(reading, opinions)._replace(model=answered_by)


def ask(image: bytes, text: str, model: str | None = None) -> AiResponse:
    """What a model says to this text and picture. Raises NotConfigured, AiError or ImageRefused."""
    name, known = _chosen(model)
    with _place():
        request = AiRequest(name, text, _jpeg(image))
        return _send(AiUse.Purpose.ASK, request, known, lambda response: response)


def models() -> list[AiModel]:
    """The vision models that may be asked, by name; the list is at most an hour old.

    While OpenRouter is unavailable it is the last one. Raises NotConfigured, or AiError
    without one.
    """
    return [model for model in _listed() if _is_available(model.id)]


def _is_available(name: str) -> bool:
    chosen = settings.OPENROUTER_MODELS
    return not chosen or name in chosen or name == settings.OPENROUTER_MODEL


def _listed() -> list[AiModel]:
    global _list
    client, url = _client(), settings.OPENROUTER_URL
    of, at, found = _list
    if of == url and time.time() - at <= LIST_S:
        return found
    try:
        found = sorted(client.models(), key=lambda model: model.name.lower())
    except AiError as exc:
        if of != url:
            raise
        logger.warning("ai.old_list error=%s", exc)
        return found
    _list = (url, time.time(), found)
    return found


def _chosen(model: str | None) -> tuple[str, AiModel | None]:
    """The model to ask, and what is known of it. NotConfigured, or AiError if there is none."""
    name = model or settings.OPENROUTER_MODEL
    unknown = AiError(f"There is no vision model {name[:200]!r} to ask.", is_refused=True)
    try:
        known = next((each for each in models() if each.id == name), None)
    except AiError as exc:
        logger.warning("ai.no_list error=%s", exc)
        if not _is_available(name):
            raise unknown from None
        return name, None
    if known is None and name != settings.OPENROUTER_MODEL:
        raise unknown
    return name, known


@contextmanager
def _place() -> Iterator[None]:
    """Hold one of the few places for requests. Raises AiError when none is free."""
    if not _room.acquire(blocking=False):
        raise AiError("Too many questions are open. Try again.", retry_after_s=BUSY_RETRY_S)
    try:
        yield
    finally:
        _room.release()


def _jpeg(image: bytes) -> bytes:
    """The picture as models take it; the reading process decodes it. AiError, ImageRefused."""
    try:
        return reader().jpeg(image, PICTURE_SIDE)
    except (ReaderBusy, ReaderFailed) as exc:
        raise AiError(str(exc), retry_after_s=BUSY_RETRY_S, usage=NOTHING_USED) from None


def _send(
    purpose: AiUse.Purpose,
    request: AiRequest,
    known: AiModel | None,
    read: Callable[[AiResponse], T],
) -> T:
    """What `read` makes of the response, whose cost is stored. Raises AiError, as `read` may."""
    client = _client()
    use = budget.opened(purpose, request.model, budget.max_usd(known, request.text))
    try:
        response = client.ask(request)
        found = read(response)
    except AiError as exc:
        budget.close(use, exc.usage, failure=exc)
        raise
    budget.close(use, response.usage)
    return found


def _opinion(response: AiResponse) -> tuple[Opinion, str]:
    try:
        return consensus.parse_opinion(response.text), response.model
    except ValueError as exc:
        text = f"The AI's answer is not what was asked for: {exc}"
        raise AiError(text, usage=response.usage) from None


def _client() -> OpenRouter:
    if not is_on():
        raise NotConfigured("AI validation is not configured.")
    try:
        return OpenRouter(
            settings.OPENROUTER_URL,
            key=settings.OPENROUTER_API_KEY,
            timeout_s=settings.OPENROUTER_TIMEOUT_S,
        )
    except ValueError:
        raise AiError("OPENROUTER_URL is no http address.", usage=NOTHING_USED) from None
