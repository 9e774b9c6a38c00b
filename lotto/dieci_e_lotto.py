"""The 10eLotto of the evening: computed from the Lotto draw, by the operator's rule. Pure.

Twenty numbers are the first two columns of the ten city wheels, Bari first; a number that is there
already is replaced by the next new one of the third column and so on. Oro and Doppio Oro are the
first and the first two of Bari, Extra are the fifteen new numbers that follow, Gong is the first
one of Nazionale. An example: https://rep.agimeg.it/?p=7228.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from lotto.types import CITIES, DRAWN

NUMBERS: Final = 20
EXTRA: Final = 15
_COLUMNS: Final = 2  # that are among the twenty, whatever the other wheels show

# The first evening of each: as the press and the tobacconists' federation (FIT) report them. Extra
# was tried for a year before the draw of 25 October 2022 made it permanent in the evening.
FIRST: Final = date(2009, 6, 11)
FIRST_ORO: Final = date(2014, 6, 26)
FIRST_DOPPIO_ORO: Final = date(2017, 10, 3)
FIRST_EXTRA: Final = date(2021, 10, 26)
FIRST_GONG: Final = date(2022, 10, 26)


@dataclass(frozen=True)
class DieciELotto:
    """The 10eLotto that is known; None: the game did not exist yet, or its wheel is not known.

    `is_provisional` until the ten wheels are known: until then `numbers`, ascending, are those that
    are certain already, and there is no `extra`.
    """

    numbers: tuple[int, ...]
    oro: int | None
    doppio_oro: tuple[int, ...] | None
    extra: tuple[int, ...] | None
    gong: int | None
    is_provisional: bool


def dieci_e_lotto(day: date, wheels: Mapping[str, Sequence[int]]) -> DieciELotto | None:
    """The evening's 10eLotto; None before it existed, and without a wheel.

    `wheels` has five numbers by code in the order drawn. Where the fifty numbers are fewer than 35
    different ones (one evening in twenty) `extra` has fewer than fifteen.
    """
    if day < FIRST or not wheels:
        return None
    drawn = [wheels[code] for code in CITIES if code in wheels]
    is_provisional = len(drawn) < len(CITIES)
    columns = _COLUMNS if is_provisional else DRAWN
    distinct = tuple(dict.fromkeys(wheel[n] for n in range(columns) for wheel in drawn))
    bari = tuple(wheels["BA"]) if "BA" in wheels else None
    national = wheels.get("RN")
    has_extra = day >= FIRST_EXTRA and not is_provisional
    return DieciELotto(
        numbers=tuple(sorted(distinct[:NUMBERS])),
        oro=bari[0] if bari and day >= FIRST_ORO else None,
        doppio_oro=bari[:2] if bari and day >= FIRST_DOPPIO_ORO else None,
        extra=tuple(sorted(distinct[NUMBERS : NUMBERS + EXTRA])) if has_extra else None,
        gong=national[0] if national and day >= FIRST_GONG else None,
        is_provisional=is_provisional,
    )
