"""Outcomes of predictions: their numbers against those that were drawn. Pure.

A prediction is numbers on wheels, made for the draw of a day. Who follows it plays it on, draw
after draw; a `colpo` is one such draw, and the first is that of the prediction's own day.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from lotto.rules import wheel_of
from lotto.types import ALL, CITIES, HIGHEST, OUTCOMES, RuleError

Wheels = Mapping[str, Sequence[int]]
MAX_NUMBERS: Final = 10  # of one bet
_BETWEEN: Final = re.compile(r"[\s,.;:/+&-]+")
_ALL: Final = ([ALL], [ALL, "LE", "RUOTE"])


@dataclass(frozen=True)
class Prediction:
    """`day` is the draw that it was made for; `note` is whatever its author wrote."""

    id: int
    day: date
    wheels: tuple[str, ...]
    numbers: tuple[int, ...]
    note: str = ""

    @property
    def is_all(self) -> bool:
        """Whether it is played on all wheels, which are the ten of the cities."""
        return self.wheels == CITIES


@dataclass(frozen=True)
class Riscontro:
    """A prediction against one draw."""

    prediction: Prediction
    colpo: int  # 1: the draw that it was made for
    hits: dict[str, tuple[int, ...]]  # by wheel with any: its numbers that came, as it has them
    missing: tuple[str, ...]  # its wheels that the draw does not have (yet)

    @property
    def best(self) -> int:
        """The most numbers that came together on one wheel; only together they are a win."""
        return max(map(len, self.hits.values()), default=0)

    @property
    def outcome(self) -> str | None:
        """The name of `best`, or None without a hit."""
        return OUTCOMES[min(self.best, len(OUTCOMES)) - 1] if self.best else None


def wheels_of(text: str) -> tuple[str, ...]:
    """The wheels in `Bari`, `BA, CA`, `Roma/Nazionale` or `TUTTE`, each once, in their order.

    TUTTE, or `tutte le ruote`, is the ten wheels of the cities. Raises RuleError.
    """
    words = _words(text.upper())
    if words in _ALL:
        return CITIES
    if not words:
        raise RuleError("A prediction has wheels.")
    return tuple(dict.fromkeys(map(wheel_of, words)))


def numbers_of(text: str) -> tuple[int, ...]:
    """One to ten different numbers from 1 to 90, as in `5, 12` or `05.12`. Raises RuleError.

    Digits beside words could be anything, so they are not guessed at.
    """
    words = _words(text)
    if not all(re.fullmatch("[0-9]{1,2}", word) for word in words):
        raise RuleError(f"{text[:40]!r} is more than numbers.")
    numbers = tuple(map(int, words))
    if not 1 <= len(numbers) <= MAX_NUMBERS or len(set(numbers)) != len(numbers):
        raise RuleError(f"A prediction has 1 to {MAX_NUMBERS} different numbers.")
    if not all(1 <= number <= HIGHEST for number in numbers):
        raise RuleError(f"A number is from 1 to {HIGHEST}.")
    return numbers


def riscontro(prediction: Prediction, drawn: Wheels, *, colpo: int) -> Riscontro:
    """What that prediction has of these drawn numbers."""
    came = {
        wheel: tuple(number for number in prediction.numbers if number in drawn[wheel])
        for wheel in prediction.wheels
        if wheel in drawn
    }
    return Riscontro(
        prediction,
        colpo,
        {wheel: numbers for wheel, numbers in came.items() if numbers},
        tuple(wheel for wheel in prediction.wheels if wheel not in drawn),
    )


def outcomes(riscontri: Iterable[Riscontro]) -> Counter[str | None]:
    """How many of them have each outcome; None is without a hit."""
    return Counter(each.outcome for each in riscontri)


def newest(riscontri: Iterable[Riscontro], days: int) -> list[Riscontro]:
    """Those of the newest so many days for which there are any."""
    found = list(riscontri)
    chosen = sorted({each.prediction.day for each in found})[-days:]
    return [each for each in found if each.prediction.day in chosen]


def _words(text: str) -> list[str]:
    return [word for word in _BETWEEN.split(text) if word]
