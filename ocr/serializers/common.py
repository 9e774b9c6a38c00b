"""What the JSON documents of the OCR share, and its errors."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from django.utils import timezone
from msgspec import UNSET, UnsetType

from core.api.documents import Document, Instant, like
from core.api.shapes import LOTTO_NUMBER

Detail = Annotated[str, like("The image is over 10485760 bytes.")]
Success = Annotated[bool, like(True)]
Failure = Annotated[bool, like(False)]
Wheels = Annotated[
    dict[str, list[Annotated[str, LOTTO_NUMBER]]], like({"BARI": ["50", "29", "12", "47", "73"]})
]


class TimedDocument(Document, kw_only=True):
    # Fields with a keyword come after those of the subclasses: it is the last one everywhere.
    timestamp: Annotated[Instant, like("2025-12-09T10:00:00Z")]


def timestamp() -> datetime:
    """Now, in whole seconds, as every response has it."""
    return timezone.now().replace(microsecond=0)


def two_digits(number: int | None) -> str | None:
    return None if number is None else f"{number:02}"


def texts(numbers: Iterable[int]) -> list[str]:
    """The numbers of a wheel, each with two digits."""
    return [f"{number:02}" for number in numbers]


class OcrRefusedDocument(Document):
    detail: Detail
    success: Failure


class OcrWrongDocument(Document):
    """For the body, or for what an upstream refuses."""

    detail: Detail
    success: Failure | UnsetType = UNSET


class ImageTooLargeDocument(Document):
    detail: Detail


class TelegramRefusedDocument(Document):
    detail: Detail
    success: Failure | UnsetType = UNSET
    sent: Annotated[int | UnsetType, like(0, "Parts of the message that were accepted")] = UNSET


class LegacyRefusedDocument(Document):
    detail: Detail
