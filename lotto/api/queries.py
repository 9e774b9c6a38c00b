"""Query strings and bodies of the draws' endpoints, in the reference's spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeVar

from msgspec import Meta, Struct
from rest_framework.exceptions import ValidationError

from core.api.documents import like
from core.api.params import Short, Text, read_body
from core.api.shapes import ANY_DAY, shaped
from lotto.draw_calendar import LAST_DAY
from lotto.rules import day_of, drawn_day_of, numbers_of, wheel_of, wheels_of
from lotto.statistics import PAIRS
from lotto.ticket import MAX_PLAYED
from lotto.types import ALL, CITIES, HIGHEST, OUTCOMES, WHEELS, Draw, RuleError, Source

T = TypeVar("T")
MAX_STAKE: Final = 200  # euro of a ticket
_AMBATA: Final = {"ambata": OUTCOMES[0]}
SHOWN: Final = timedelta(days=30)  # of the calendar, by default
MAX_SHOWN: Final = timedelta(days=3_660)
Day = Annotated[Short, ANY_DAY]
_PLAYED: Final = r"^[0-9]{1,2}([,.; -][0-9]{1,2}){0,9}$"


class LatestQuery(Struct, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 10


class RangeQuery(Struct, frozen=True):
    from_date: Day
    to_date: Day
    ruota: Text | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    offset: Annotated[int, Meta(ge=0, le=10_000_000)] = 0

    def bounds(self) -> tuple[date, date]:
        first, last = _bounds(self.from_date, self.to_date)
        assert first
        assert last
        return first, last

    def wheel(self) -> str | None:
        return field("ruota", wheel_of, self.ruota) if self.ruota else None


class CalendarQuery(Struct, frozen=True, rename={"from_": "from"}):
    """The days of draws to show; without an end so many days."""

    from_: Day | None = None
    to: Day | None = None

    def bounds(self, today: date) -> tuple[date, date]:
        """Both days included; from `today` on without `from`. Raises ValidationError (400)."""
        first = field("from", day_of, self.from_) if self.from_ is not None else today
        if self.to is None:
            return first, min(first, LAST_DAY - SHOWN) + SHOWN
        last = field("to", day_of, self.to)
        if last < first:
            raise ValidationError({"to": ["The end must not be before the start."]})
        if last - first > MAX_SHOWN:
            raise ValidationError({"to": [f"At most {MAX_SHOWN.days} days are shown."]})
        return first, last


class ArchiveQuery(Struct, frozen=True):
    """A wheel (None: each of them), and a range of the archive's days (None: open)."""

    ruota: Text | None = None
    from_date: Day | None = None
    to_date: Day | None = None

    def bounds(self) -> tuple[date | None, date | None]:
        return _bounds(self.from_date, self.to_date)

    def wheel(self) -> str | None:
        return field("ruota", wheels_of, self.ruota) if self.ruota else None


class DelaysQuery(ArchiveQuery, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=HIGHEST)] = 10


class PairsQuery(ArchiveQuery, frozen=True):
    sort: Annotated[
        Literal["delay", "frequency", "max_delay"], Meta(extra_json_schema={"type": "string"})
    ] = "delay"
    numero: Annotated[int, Meta(ge=1, le=HIGHEST)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAIRS)] = 50
    offset: Annotated[int, Meta(ge=0, le=PAIRS)] = 0


class SearchQuery(ArchiveQuery, frozen=True, kw_only=True):
    numeri: Annotated[Short, shaped(_PLAYED)]
    sorte: Annotated[Text, Meta(extra_json_schema={"enum": sorted(OUTCOMES)})] | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    offset: Annotated[int, Meta(ge=0, le=10_000_000)] = 0

    def numbers(self) -> tuple[int, ...]:
        """The numbers played, in the order given: separated by commas, dots, dashes or blanks."""
        return field("numeri", _played, self.numeri)

    def at_least(self) -> int:
        """How many of them must have come out together."""
        maximum = min(len(self.numbers()), len(OUTCOMES))
        outcome = (self.sorte or OUTCOMES[maximum - 1]).strip().lower()
        if outcome not in OUTCOMES[:maximum]:
            known = ", ".join(OUTCOMES[:maximum])
            raise ValidationError({"sorte": [f"With these numbers there is: {known}."]})
        return OUTCOMES.index(outcome) + 1

    def of_wheel(self) -> str:
        return self.wheel() or ALL


class ExportQuery(Struct, frozen=True):
    filename: Annotated[str, Meta(max_length=200), shaped("^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")] = (
        "lotto_export.tsv"
    )
    download: bool = False


def field(name: str, read: Callable[[Any], T], value: Any) -> T:
    """`read(value)`; its RuleError becomes a ValidationError (400) under the field's name."""
    try:
        return read(value)
    except RuleError as exc:
        raise ValidationError({name: [str(exc)]}) from None


def _bounds(from_date: str | None, to_date: str | None) -> tuple[date | None, date | None]:
    first = field("from_date", day_of, from_date) if from_date is not None else None
    last = field("to_date", day_of, to_date) if to_date is not None else None
    if first and last and last < first:
        raise ValidationError({"to_date": ["The end must not be before the start."]})
    return first, last


def _played(text: str) -> tuple[int, ...]:
    """Raises RuleError."""
    words = re.split(r"[\s,.;-]+", text.strip())
    if not all(re.fullmatch(r"[0-9]{1,2}", word) for word in words):
        raise RuleError("Numbers are written as 5,12,90.")
    numbers = tuple(map(int, words))
    if len(numbers) > MAX_PLAYED or len(set(numbers)) != len(numbers):
        raise RuleError(f"One to {MAX_PLAYED} different numbers can be searched.")
    if not all(1 <= number <= HIGHEST for number in numbers):
        raise RuleError(f"Numbers go from 1 to {HIGHEST}.")
    return numbers


class SaveBody(Struct):
    data: str
    source: Source = Source.MANUAL
    overwrite: bool = False


class _SaveDrawBody(SaveBody, kw_only=True):
    ruota: str
    numeri: list[Any]


class _SaveFullBody(SaveBody, kw_only=True):
    wheels: dict[str, Any]


class ImportBody(Struct):
    file_path: Annotated[str, Meta(min_length=1, max_length=1_000)]


class CheckTicketBody(Struct):
    """A bet: numbers, wheels, and stakes in euro by outcome."""

    numeri: Annotated[list[int], like([12, 45, 67], min_length=1, max_length=MAX_PLAYED)]
    ruote: Annotated[list[str], like(["BA", "RM"], "Or [TUTTE]", min_length=1, max_length=11)]
    sorti: Annotated[
        dict[str, Decimal],
        like({"ambo": "1.00"}, "Stake in euro by outcome; ambata is estratto", min_length=1),
    ]
    data: Annotated[Day | None, like("2025/12/07", "Default: the last draw")] = None

    def numbers(self) -> tuple[int, ...]:
        """Raises ValidationError (400)."""
        return field("numeri", _distinct, self.numeri)

    def wheels(self) -> list[str]:
        """Codes in the operator's order; TUTTE are the ten cities. Raises ValidationError."""
        codes = [field("ruote", wheels_of, wheel) for wheel in self.ruote]
        if codes == [ALL]:
            return list(CITIES)
        if ALL in codes or len(set(codes)) != len(codes):
            raise ValidationError({"ruote": ["Different wheels, or TUTTE alone."]})
        return sorted(codes, key=list(WHEELS).index)

    def stakes(self) -> dict[str, int]:
        """Cents by outcome. Raises ValidationError (400)."""
        stakes: dict[str, int] = {}
        for name, euro in self.sorti.items():
            outcome = _AMBATA.get(name.strip().lower(), name.strip().lower())
            if outcome not in OUTCOMES or outcome in stakes:
                known = ", ".join((*OUTCOMES, *_AMBATA))
                raise ValidationError({"sorti": [f"Each once, of these: {known}."]})
            if OUTCOMES.index(outcome) >= len(self.numeri):
                raise ValidationError({"sorti": [f"For {outcome} more numbers must be played."]})
            if not (euro.is_finite() and 0 < euro <= MAX_STAKE and euro * 100 == int(euro * 100)):
                text = f"A stake is in euro and whole cents, up to {MAX_STAKE} euro."
                raise ValidationError({"sorti": [text]})
            stakes[outcome] = int(euro * 100)
        if sum(stakes.values()) > MAX_STAKE * 100:
            raise ValidationError({"sorti": [f"A ticket costs at most {MAX_STAKE} euro."]})
        return stakes

    def day(self) -> date | None:
        return field("data", drawn_day_of, self.data) if self.data is not None else None


def _distinct(numbers: list[int]) -> tuple[int, ...]:
    """Raises RuleError."""
    if len(set(numbers)) != len(numbers) or not all(1 <= n <= HIGHEST for n in numbers):
        raise RuleError(f"Different numbers from 1 to {HIGHEST}.")
    return tuple(numbers)


def one_draw(body: Any) -> tuple[Draw, SaveBody]:
    """The draw of `save`. Raises ValidationError (400)."""
    parsed = read_body(body, _SaveDrawBody)
    draw = Draw(
        field("data", drawn_day_of, parsed.data),
        field("ruota", wheel_of, parsed.ruota),
        field("numeri", numbers_of, parsed.numeri),
    )
    return draw, parsed


def full_draw(body: Any) -> tuple[list[Draw], SaveBody]:
    """The draws of `save-full`. Raises ValidationError (400) that names every wrong wheel."""
    parsed = read_body(body, _SaveFullBody)
    day = field("data", drawn_day_of, parsed.data)
    draws: dict[str, Draw] = {}
    wrong: dict[str, list[str]] = {}
    for name, numbers in parsed.wheels.items():
        try:
            wheel = wheel_of(name)
            if wheel in draws:
                raise RuleError(f"The wheel {wheel} is there twice.")
            draws[wheel] = Draw(day, wheel, numbers_of(numbers))
        except RuleError as exc:
            wrong[name[:40]] = [str(exc)]
    if wrong:
        raise ValidationError({"wheels": wrong})
    if not draws:
        raise ValidationError({"wheels": ["There must be at least one wheel."]})
    return list(draws.values()), parsed
