"""A ticket of the Lotto: what it won in a draw, by the operator's multiples. Pure.

A stake on an outcome (sorte) covers every combination of so many of the numbers played, on every
wheel played: the prize of one is the stake times the multiple, divided by combinations and wheels.
Gross: before the tax on winnings. ADM publishes the multiples (DPR 560/1996, law 311/2004, DM of 5
October 2006).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Final

from lotto.types import OUTCOMES

MAX_PLAYED: Final = 10  # numbers
MAX_PRIZE: Final = 600_000_000  # cents of a ticket: 6 million euro
# Times the stake, with as few numbers and wheels as can be. Ambata is the estratto's other name.
MULTIPLES: Final = {
    "estratto": Fraction("11.232"),
    "ambo": Fraction(250),
    "terno": Fraction(4_500),
    "quaterna": Fraction(120_000),
    "cinquina": Fraction(6_000_000),
}


@dataclass(frozen=True)
class Win:
    """A wheel's result: the numbers that came out, and by outcome how many combinations won."""

    wheel: str
    hits: tuple[int, ...]
    won: dict[str, int]


@dataclass(frozen=True)
class Result:
    """What a ticket won: by wheel, and gross in cents by outcome and in all.

    `prize` is not over MAX_PRIZE; each outcome is rounded down to the cent.
    """

    wins: tuple[Win, ...]
    prizes: dict[str, int]

    @property
    def prize(self) -> int:
        return min(sum(self.prizes.values()), MAX_PRIZE)


def check(
    numbers: Sequence[int], stakes: Mapping[str, int], drawn: Mapping[str, Sequence[int]]
) -> Result:
    """What `numbers` won with `stakes` in cents by outcome, on the wheels that `drawn` has.

    Each outcome needs as many numbers as it has hits (estratto one, ..., cinquina five).
    """
    wins = tuple(_win(wheel, numbers, stakes, result) for wheel, result in drawn.items())
    prizes = {}
    for outcome, stake in stakes.items():
        covered = comb(len(numbers), _size(outcome)) * len(drawn)
        won = sum(win.won[outcome] for win in wins)
        prizes[outcome] = int(MULTIPLES[outcome] * stake * won / covered)
    return Result(wins, prizes)


def _win(
    wheel: str, numbers: Sequence[int], stakes: Mapping[str, int], drawn: Sequence[int]
) -> Win:
    hits = tuple(number for number in drawn if number in numbers)
    return Win(wheel, hits, {outcome: comb(len(hits), _size(outcome)) for outcome in stakes})


def _size(outcome: str) -> int:
    return OUTCOMES.index(outcome) + 1
