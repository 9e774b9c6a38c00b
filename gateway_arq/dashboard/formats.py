"""Formats of values, by name; `format.js` has the same names with the same results.

The server formats the first page, the browser all that follows, so a value must not change its
format between them: both follow the language of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext

from core.lib.days import local_day, zone
from core.lib.labels import label_of
from gateway_arq.dashboard.labels import GROUPS

NOTHING: Final = "–"


def integer(value: float) -> str:
    """1234 is 1.234."""
    return _rounded(value, 0)


def euro(value: float) -> str:
    """1234.5 is 1.234,50 €."""
    return gettext("€%(amount)s") % {"amount": _rounded(value, 2)}


def change(value: float) -> str:
    """A share as percent with its sign: 0.123 is +12,3%."""
    percent = round(value * 100, 1) or 0.0  # never -0
    sign = "+" if percent > 0 else ""
    return f"{sign}{number_format(percent, 1, force_grouping=True)}%"


def clock(started: float) -> str:
    """Since that epoch second: 83 s are 1:23, 3683 s are 1:01:23."""
    minutes, seconds = divmod(max(0, int(timezone.now().timestamp() - started)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def moment(epoch: float) -> str:
    """Today's time, or another day's date."""
    at = datetime.fromtimestamp(epoch, zone())
    return f"{at:%H:%M:%S}" if at.date() == local_day() else date_format(at, "SHORT_DATE_FORMAT")


def minute(epoch: float) -> str:
    """The time of day, without seconds."""
    return f"{datetime.fromtimestamp(epoch, zone()):%H:%M}"


def local(text: str) -> str:
    """`2025-12-07 20:01:00`, already local, without seconds."""
    at = datetime.fromisoformat(text)
    return f"{date_format(at, 'SHORT_DATE_FORMAT')} {at:%H:%M}"


def day(text: str) -> str:
    """2025/12/07 in words."""
    return _in_words(text.replace("/", "-"), "l j F Y")


def evening(text: str) -> str:
    """`2026-12-09 20:00` in words, without the year."""
    on, _, at = text.partition(" ")
    return f"{_in_words(on, 'l j F')} {at}"


def month(text: str) -> str:
    """2025-12 in words."""
    return _in_words(f"{text}-01", "F Y")


def numbers(drawn: int | Sequence[int]) -> str:
    """One number or several, in their order."""
    return " · ".join(map(str, [drawn] if isinstance(drawn, int) else drawn))


def provisional(is_provisional: bool) -> str:
    """A word for what is not final yet."""
    return gettext("provisional") if is_provisional else ""


def schedule(text: str) -> str:
    """When AutoBOT starts by itself: `20:01 daily`, a crontab's words, or `off`."""
    time, _, rest = text.partition(" ")
    if rest == "daily":
        return gettext("every day at %(time)s") % {"time": time}
    return gettext("off") if text == "off" else text


def _rounded(value: float, places: int) -> str:
    """The number with so many decimal places, rounded as browsers do: Django truncates."""
    exact = Decimal(value).quantize(Decimal(10) ** -places, ROUND_HALF_UP)
    return number_format(exact, places, force_grouping=True)


def _in_words(text: str, how: str) -> str:
    words = date_format(date.fromisoformat(text), how)
    # Italian writes days and months small, as browsers do; Django writes them large.
    return words.lower() if get_language() == "it" else words


def _one_of(group: str) -> Callable[[str], str]:
    return lambda value: label_of(GROUPS[group], value)


FORMATS: Final[dict[str, Callable[[Any], str]]] = {
    "text": str,
    "integer": integer,
    "euro": euro,
    "change": change,
    "clock": clock,
    "moment": moment,
    "minute": minute,
    "local": local,
    "day": day,
    "evening": evening,
    "month": month,
    "numbers": numbers,
    "provisional": provisional,
    "schedule": schedule,
    **{group: _one_of(group) for group in GROUPS},
}


def format_value(value: Any, how: str) -> str:
    """The value in that format; what is unknown is a dash, and no change nothing at all."""
    if value is None:
        return "" if how == "change" else NOTHING
    return FORMATS[how](value)
