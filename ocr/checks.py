"""What is missing or odd in the settings, as Django system checks with a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from ocr.reader.needs import missing
from ocr.reading import engine_options

Check = Callable[[], Iterator[CheckMessage]]


def engine_complete() -> Iterator[CheckMessage]:
    """OCR_ENGINE's packages and weights are here; nothing is loaded for it."""
    if lacking := missing(settings.OCR_ENGINE, *engine_options()):
        yield Error(lacking.what, hint=lacking.remedy, id="ocr.E005")


ALL: tuple[Check, ...] = (engine_complete,)


@register
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """All that is missing or odd."""
    return [message for check in ALL for message in check()]
