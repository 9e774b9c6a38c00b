"""`/api/lotto/`: frequencies, delays, pairs and searches over all years."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_view

from core.api.params import read_query
from lotto.api.queries import (
    DelaysQuery,
    HistoryQuery,
    PairsQuery,
    SearchQuery,
)
from lotto.api.schema import statistics
from lotto.api.views.responses import StampedView, wheel_document
from lotto.archive_cache import Table, history
from lotto.rules import format_day
from lotto.statistics import PAIR_NUMBERS
from lotto.types import ALL, HIGHEST, OUTCOMES, WHEELS


@extend_schema_view(get=statistics.NUMBERS)
class NumbersView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        query = read_query(params, HistoryQuery)
        wheels, bounds = _wheels(query), query.bounds()

        def make() -> dict[str, Any]:
            now = history()
            tables = {wheel: now.table("numbers", wheel, *bounds) for wheel in wheels}
            told = {
                wheel: {**_extent(table), "numbers": [_number(table, n) for n in range(HIGHEST)]}
                for wheel, table in tables.items()
            }
            return {"success": True, "wheels": told}

        return query, make


@extend_schema_view(get=statistics.DELAYS)
class DelaysView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        query = read_query(params, DelaysQuery)
        wheels, bounds = _wheels(query), query.bounds()

        def make() -> dict[str, Any]:
            now = history()
            tables = {wheel: now.table("numbers", wheel, *bounds) for wheel in wheels}
            told = {
                wheel: [_number(table, n) for n in _greatest(table, "delay")[: query.limit]]
                for wheel, table in tables.items()
            }
            return {"success": True, "wheels": told}

        return query, make


@extend_schema_view(get=statistics.PAIRS)
class PairsView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        query = read_query(params, PairsQuery)
        wheel, bounds = query.wheel() or ALL, query.bounds()

        def make() -> dict[str, Any]:
            table = history().table("pairs", wheel, *bounds)
            chosen = _greatest(table, query.sort)
            if query.numero is not None:
                chosen = chosen[(PAIR_NUMBERS[chosen] == query.numero).any(axis=1)]
            page = chosen[query.offset : query.offset + query.limit]
            pairs = [{"numbers": PAIR_NUMBERS[i].tolist(), **_standing(table, i)} for i in page]
            return {
                "success": True,
                "ruota": wheel,
                **_extent(table),
                "count": len(pairs),
                "total": len(chosen),
                "pairs": pairs,
            }

        return query, make


@extend_schema_view(get=statistics.SEARCH)
class SearchView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        query = read_query(params, SearchQuery)
        numbers, at_least, wheel = query.numbers(), query.at_least(), query.of_wheel()
        first, last = query.bounds()

        def make() -> dict[str, Any]:
            now = history()
            found = now.find(numbers, wheel=wheel, at_least=at_least, first=first, last=last)
            page = slice(query.offset, query.offset + query.limit)
            results = []
            draws = now.draws(found.rows[page])
            for draw, hits in zip(draws, found.hits[page].tolist(), strict=True):
                outcome = {"hits": hits, "outcome": OUTCOMES[hits - 1]}
                results.append({**wheel_document(draw.day, draw.wheel, draw.numbers), **outcome})
            maximum = min(len(numbers), len(OUTCOMES))
            return {
                "success": True,
                "numeri": numbers,
                "ruota": wheel,
                "sorte": OUTCOMES[at_least - 1],
                "draws": found.draws,
                "delay": found.delay,
                "outcomes": {
                    OUTCOMES[hits - 1]: int((found.hits == hits).sum())
                    for hits in range(at_least, maximum + 1)
                },
                "count": len(results),
                "total": len(found.rows),
                "results": results,
            }

        return query, make


def _wheels(query: HistoryQuery) -> tuple[str, ...]:
    wheel = query.wheel()
    return (wheel,) if wheel else (*WHEELS, ALL)


def _extent(table: Table) -> dict[str, Any]:
    days = table.days
    return {
        "draws": len(days),
        "first_date": format_day(days[0].item()) if len(days) else None,
        "last_date": format_day(days[-1].item()) if len(days) else None,
    }


def _number(table: Table, item: int) -> dict[str, Any]:
    return {"number": int(item) + 1, **_standing(table, item)}


def _standing(table: Table, item: int) -> dict[str, Any]:
    delays, last = table.delays, table.last_day(item)
    return {
        "frequency": int(delays.frequency[item]),
        "delay": int(delays.delay[item]),
        "max_delay": int(delays.longest[item]),
        "last_date": last and format_day(last),
    }


def _greatest(table: Table, by: str) -> Any:
    """The items by delay, frequency or longest delay, greatest first, then as they count."""
    delays = table.delays
    figures = {
        "delay": delays.delay, "frequency": delays.frequency, "max_delay": delays.longest,
    }[by]  # fmt: skip
    return np.argsort(-figures, kind="stable")
