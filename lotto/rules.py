"""The rules of a draw, for input from people, files and screens. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from lotto.types import ALL, DRAWN, FIRST_DAY, HIGHEST, WHEELS, RuleError

ROME: Final = ZoneInfo("Europe/Rome")  # where the draws are
_DAY: Final = re.compile(r"(\d{4})([/-])(\d{1,2})\2(\d{1,2})", re.ASCII)
_CODES: Final[dict[str, str]] = {
    **{code: code for code in WHEELS},
    **{name: code for code, name in WHEELS.items()},
    # In other archives: RO, NZ, and three letters of a name.
    **{name[:3]: code for code, name in WHEELS.items()},
    "RO": "RM",
    "NZ": "RN",
}


def day_of(text: Any) -> date:
    """The day in `2025/12/07` or `2025-12-07`. Raises RuleError."""
    found = _DAY.fullmatch(text) if isinstance(text, str) else None
    try:
        day = date(int(found[1]), int(found[3]), int(found[4])) if found else None
    except ValueError:  # 31 February
        day = None
    if day is None:
        raise RuleError(f"{_shown(text)} is not a day as YYYY/MM/DD.")
    return day


def drawn_day_of(text: Any) -> date:
    """A day on which a draw was possible: not in the future. Raises RuleError."""
    day = day_of(text)
    if not FIRST_DAY <= day <= datetime.now(ROME).date():
        raise RuleError(f"{_shown(text)} is not a day of a draw.")
    return day


@lru_cache(16_384)  # twice the days since 1939
def format_day(day: date) -> str:
    """`2025/12/07`, as the operator and the API reference write it."""
    return f"{day:%Y/%m/%d}" if day.year > 999 else day.isoformat().replace("-", "/")


def wheel_of(text: Any) -> str:
    """The code of a wheel given by code or name, in any case. Raises RuleError."""
    code = _CODES.get(text.strip().rstrip(".").upper()) if isinstance(text, str) else None
    if code is None:
        raise RuleError(f"{_shown(text)} is not a wheel; there are {', '.join(WHEELS)}.")
    return code


def wheels_of(text: Any) -> str:
    """The code of a wheel as `wheel_of`, or ALL for `tutte`. Raises RuleError."""
    if isinstance(text, str) and text.strip().upper() == ALL:
        return ALL
    return wheel_of(text)


def numbers_of(values: Any) -> tuple[int, ...]:
    """Five different numbers from 1 to 90, in their order. Raises RuleError."""
    if not isinstance(values, (list, tuple)) or len(values) != DRAWN:
        raise RuleError(f"A draw has {DRAWN} numbers.")
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= HIGHEST:
            raise RuleError(f"{_shown(value)} is not a number from 1 to {HIGHEST}.")
    if len(set(values)) != DRAWN:
        raise RuleError("The five numbers must differ.")
    return tuple(values)


def _shown(value: Any) -> str:
    return repr(value)[:40]
