"""Italy's national holidays, each in the years in which it was one. Pure.

Law 260 of 27 May 1949 and what changed it: law 90/1954 (Easter Monday stays, 26 December), law
54/1977 (five feasts abolished, 2 June and 4 November moved to Sundays), DPR 792/1985 (Epiphany is
back in 1986), law 336/2000 (2 June is back in 2001), DL 5/2011 (once, 17 March 2011), law 151/2025
(4 October from 2026). Patron saints of towns, SS. Peter and Paul in Rome since 1986 among them, are
regional: they move no draw. Sundays are none of them.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from dateutil.easter import easter

_ALWAYS: Final = 9999


class _Fixed(NamedTuple):
    """A holiday of a day in the year, and its years, the last one included."""

    name: str
    month: int
    day: int
    first: int = 1949
    last: int = _ALWAYS


class _Movable(NamedTuple):
    """A holiday so many days after Easter Sunday."""

    name: str
    after_easter: int
    first: int = 1949
    last: int = _ALWAYS


_FIXED: Final = (
    _Fixed("Capodanno", 1, 1),
    _Fixed("Epifania", 1, 6, last=1977),  # law 54 is of March: that year's had been celebrated
    _Fixed("Epifania", 1, 6, first=1986),
    _Fixed("San Giuseppe", 3, 19, last=1976),
    _Fixed("150° anniversario dell'Unità d'Italia", 3, 17, first=2011, last=2011),
    _Fixed("Liberazione", 4, 25),
    _Fixed("Festa del lavoro", 5, 1),
    _Fixed("Festa della Repubblica", 6, 2, last=1976),
    _Fixed("Festa della Repubblica", 6, 2, first=2001),
    _Fixed("Santi Pietro e Paolo", 6, 29, last=1976),
    _Fixed("Ferragosto", 8, 15),
    _Fixed("San Francesco", 10, 4, first=2026),
    _Fixed("Ognissanti", 11, 1),
    _Fixed("Unità nazionale", 11, 4, last=1976),
    _Fixed("Immacolata Concezione", 12, 8),
    _Fixed("Natale", 12, 25),
    _Fixed("Santo Stefano", 12, 26),
)
_MOVABLE: Final = (
    _Movable("Lunedì dell'Angelo", 1),
    _Movable("Ascensione", 39, last=1976),
    _Movable("Corpus Domini", 60, last=1976),
)


def holiday_on(day: date) -> str:
    """The Italian name of the national holiday on that day; "" when it is none."""
    return holidays_of(day.year).get(day, "")


@lru_cache(256)
def holidays_of(year: int) -> dict[date, str]:
    """The national holidays of a year and their names; not to be changed."""
    sunday = easter(year)
    movable = {
        sunday + timedelta(days=one.after_easter): one.name
        for one in _MOVABLE
        if one.first <= year <= one.last
    }
    fixed = {
        date(year, one.month, one.day): one.name for one in _FIXED if one.first <= year <= one.last
    }
    return movable | fixed  # the greater name where both fall on a day: 25 April 2011
