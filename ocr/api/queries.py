"""Bodies and queries of the OCR's endpoints, in the spelling of the API reference."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from rest_framework.exceptions import ValidationError

from core.api.shapes import ANY_DAY, BASE64, LOTTO_NUMBER_SENT
from core.lib.days import local_day
from core.lib.texts import LINE, TEXT
from lotto.rules import drawn_day_of, numbers_of, wheel_of
from lotto.types import RuleError
from ocr.types import StepSwitches

_IMAGE: Final = (
    "JPEG, PNG or WebP in base64, with or without a data URI's head; up to 10 MB and 40 megapixels"
)
_SAID: Final = rf"^(?=[\s\S]*\S){TEXT[1:]}"  # something, without control characters
Image = Annotated[str, Meta(min_length=1, description=_IMAGE), BASE64]
Day = Annotated[str, Meta(max_length=64), ANY_DAY]  # read by the rule of draws
Line = Annotated[  # its length is checked by the rules, with their own error
    list[int | Annotated[str, LOTTO_NUMBER_SENT]],
    Meta(extra_json_schema={"minItems": 5, "maxItems": 5}),
]
MAX_NAMES: Final = 22  # eleven wheels, and eleven more for a useful error
DEFAULT_PROMPT: Final = (
    "This picture should show a draw of the Italian Lotto. Tell each wheel's five numbers in the "
    "order shown, and say plainly what cannot be read."
)
_NUMBER: Final = re.compile(r"\d{1,2}", re.ASCII)


class OcrProcessBody(Struct, frozen=True):
    image_base64: Image
    data_estrazione: Annotated[Day | None, Meta(description="The draw's day; default: today")] = (
        None
    )
    ai_validation: Annotated[bool, Meta(description="Let an AI look where the OCR is in doubt")] = (
        False
    )
    send_telegram: Annotated[bool, Meta(description="Send what is sure to staff")] = False
    auto_upload: Annotated[bool, Meta(description="Put what is sure on the Lotto site")] = False

    def day(self) -> date:
        """The day of the draw, by default today. Raises ValidationError (400)."""
        return _day(self.data_estrazione) if self.data_estrazione else local_day()


class TelegramMessageBody(Struct, frozen=True):
    message: Annotated[str, Meta(min_length=1, max_length=100_000, pattern=_SAID)]
    parse_mode: Annotated[
        Literal["HTML", "Markdown", "MarkdownV2"] | None, Meta(description="Default: plain text")
    ] = None
    image_base64: Annotated[str | None, Meta(description="As in /api/ocr/process"), BASE64] = None


class AutobotStartBody(StepSwitches, frozen=True):
    """Fields that are null or missing are as configured."""

    extraordinary: Annotated[
        bool, Meta(description="A draw is due though it is no draw day (an addition)")
    ] = False


class AutobotConfigureBody(StepSwitches, frozen=True):
    """Fields that are null or missing stay; an empty stream is the default one."""

    stream_url: Annotated[str, Meta(max_length=2000, pattern=LINE)] | None = None


class OcrAiQuestionBody(Struct, frozen=True):
    image_base64: Image
    prompt: Annotated[str, Meta(min_length=1, max_length=20_000, pattern=_SAID)] = DEFAULT_PROMPT
    model: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)] | None,
        Meta(description="One of `/api/ocr/ai/models`; default: the configured one"),
    ] = None


class OcrUploadBody(Struct, frozen=True):
    wheels: Annotated[
        dict[str, Line],
        Meta(
            min_length=1,
            max_length=MAX_NAMES,
            description="By name or code; numbers as texts or integers",
        ),
    ]
    data_estrazione: Annotated[Day, Meta(description="The draw's day, 2025-12-02 or 2025/12/02")]

    def day(self) -> date:
        """The day of the draw. Raises ValidationError (400)."""
        return _day(self.data_estrazione)

    def draw(self) -> dict[str, tuple[int, ...]]:
        """The numbers by wheel code. Raises ValidationError (400) with a reason for each wheel."""
        found: dict[str, tuple[int, ...]] = {}
        wrong: dict[str, list[str]] = {}
        for name, numbers in self.wheels.items():
            try:
                wheel = wheel_of(name)
                if wheel in found:
                    raise RuleError(f"The wheel {wheel} is there twice.")
                found[wheel] = numbers_of([_number(each) for each in numbers])
            except RuleError as exc:
                wrong[name[:40]] = [str(exc)]
        if wrong:
            raise ValidationError({"wheels": wrong})
        return found


class RiscontriQuery(Struct, frozen=True):
    da: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


def _day(text: str) -> date:
    try:
        return drawn_day_of(text)
    except RuleError as exc:
        raise ValidationError({"data_estrazione": [str(exc)]}) from None


def _number(given: int | str) -> int | str:
    """`"04"`, as `process` spells it, is 4; anything else is left to the rules."""
    return int(given) if isinstance(given, str) and _NUMBER.fullmatch(given) else given


class LegacyDatesQuery(Struct, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 10


class LegacyRiscontriQuery(Struct, frozen=True):
    by_dates: Annotated[int, Meta(ge=1, le=100)] = 15
