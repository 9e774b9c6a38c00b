"""JSON documents of the draws, in the spelling of the API reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from lotto.models import Extraction, Intake
from lotto.rules import format_day
from lotto.statistics import PAIR_NUMBERS, DelayTable, Found
from lotto.types import OUTCOMES, Draw, Totals


def day_document(day: date, wheels: Mapping[str, Any]) -> dict[str, Any]:
    """A day and what is known of its wheels."""
    return {"date": format_day(day), "wheels": wheels}


def wheel_document(day: date, wheel: str, numbers: Iterable[int]) -> dict[str, Any]:
    """One wheel's numbers on one day."""
    return {"data": format_day(day), "ruota": wheel, "numeri": numbers}


def extraction_document(draw: Extraction) -> dict[str, Any]:
    """A stored draw with its source."""
    return {
        **wheel_document(draw.day, draw.wheel, draw.numbers),
        "source": draw.source,
        "verified": draw.verified,
    }


def totals_document(totals: Totals) -> dict[str, Any]:
    """Counts over the whole archive."""
    return {
        "total_records": totals.draws,
        "unique_dates": totals.days,
        "first_date": totals.first and format_day(totals.first),
        "last_date": totals.last and format_day(totals.last),
        "by_wheel": totals.by_wheel,
    }


def import_document(done: Intake) -> dict[str, Any]:
    """Result of the import of a file."""
    return {
        "inserted": done.inserted,
        "skipped": done.skipped,
        "rejected": done.rejected,
        "errors": done.errors,
        "duration_seconds": done.duration_s,
    }


def sync_document(done: Intake) -> dict[str, Any]:
    """Result of a sync with the operator's archive."""
    return {
        "imported": done.inserted,
        "skipped": done.skipped,
        "verified": done.verified,
        "corrected": done.corrected,
        "rejected": done.rejected,
        "errors": done.errors,
        "message": f"Sync completed: {done.inserted} new records imported",
    }


def extent_document(table: DelayTable) -> dict[str, Any]:
    """How many draws a table counts, and from when to when."""
    days = table.days
    return {
        "draws": len(days),
        "first_date": format_day(days[0].item()) if len(days) else None,
        "last_date": format_day(days[-1].item()) if len(days) else None,
    }


def number_document(table: DelayTable, item: int) -> dict[str, Any]:
    """Frequency and delay of one number."""
    return {"number": int(item) + 1, **_delay(table, item)}


def pair_document(table: DelayTable, item: int) -> dict[str, Any]:
    """Frequency and delay of one pair."""
    return {"numbers": PAIR_NUMBERS[item].tolist(), **_delay(table, item)}


def search_document(
    found: Found, draws: Sequence[Draw], hits: Sequence[int], *, at_least: int, maximum: int
) -> dict[str, Any]:
    """The result of a search, with one page of its draws and their hits."""
    results = [
        {
            **wheel_document(draw.day, draw.wheel, draw.numbers),
            "hits": count,
            "outcome": OUTCOMES[count - 1],
        }
        for draw, count in zip(draws, hits, strict=True)
    ]
    return {
        "sorte": OUTCOMES[at_least - 1],
        "draws": found.draws,
        "delay": found.delay,
        "outcomes": {
            OUTCOMES[count - 1]: int((found.hits == count).sum())
            for count in range(at_least, maximum + 1)
        },
        "count": len(results),
        "total": len(found.rows),
        "results": results,
    }


def _delay(table: DelayTable, item: int) -> dict[str, Any]:
    delays, last = table.delays, table.last_day(item)
    return {
        "frequency": int(delays.frequency[item]),
        "delay": int(delays.delay[item]),
        "max_delay": int(delays.longest[item]),
        "last_date": last and format_day(last),
    }
