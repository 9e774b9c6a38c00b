"""Bodies of the OCR's endpoints, in the reference's names."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct
from rest_framework.exceptions import ValidationError

from gateway_arq.lib.days import local_day
from lotto.rules import drawn_day_of
from lotto.types import Refused


class ProcessBody(Struct, frozen=True):
    image_base64: Annotated[str, Meta(min_length=1)]
    data_estrazione: Annotated[str, Meta(max_length=64)] | None = None
    send_telegram: bool = False

    def day(self) -> date:
        """The draw's; today's where none is told. Raises ValidationError (400)."""
        try:
            return drawn_day_of(self.data_estrazione) if self.data_estrazione else local_day()
        except Refused as exc:
            raise ValidationError({"data_estrazione": [str(exc)]}) from None


class TelegramBody(Struct, frozen=True):
    message: Annotated[str, Meta(min_length=1, max_length=100_000, pattern=r"\S")]
    parse_mode: Literal["HTML", "Markdown", "MarkdownV2"] | None = None
    image_base64: str | None = None


class StartBody(Struct, frozen=True):
    """What is null or missing is as configured."""

    ai_validation: bool | None = None
    telegram_notify: bool | None = None
    auto_upload: bool | None = None
    save_to_db: bool | None = None
    extraordinary: bool = False


class ConfigBody(Struct, frozen=True):
    """What is null or missing stays; an empty stream is the default one."""

    stream_url: Annotated[str, Meta(max_length=2000)] | None = None
    ai_validation: bool | None = None
    auto_upload: bool | None = None
    telegram_notify: bool | None = None
    save_to_db: bool | None = None
