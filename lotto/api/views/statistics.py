"""`/api/lotto/`: frequencies, delays, pairs and searches over all years."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_view

from core.api.params import read_query
from lotto.api.queries import ArchiveQuery, DelaysQuery, PairsQuery, SearchQuery
from lotto.api.schema import statistics
from lotto.api.views.stamped import Document, StampedView
from lotto.archive_cache import history
from lotto.serializers import extent_document, number_document, pair_document, search_document
from lotto.statistics import PAIR_NUMBERS, DelayTable
from lotto.types import ALL, HIGHEST, OUTCOMES, WHEELS


@extend_schema_view(get=statistics.NUMBERS)
class NumbersView(StampedView):
    def keyed_document(self, params: QueryDict) -> tuple[Any, Callable[[], Document]]:
        query = read_query(params, ArchiveQuery)
        wheels, bounds = _wheels(query), query.bounds()

        def make() -> Document:
            now = history()
            tables = {wheel: now.table("numbers", wheel, *bounds) for wheel in wheels}
            return {
                "wheels": {
                    wheel: {
                        **extent_document(table),
                        "numbers": [number_document(table, n) for n in range(HIGHEST)],
                    }
                    for wheel, table in tables.items()
                }
            }

        return query, make


@extend_schema_view(get=statistics.DELAYS)
class DelaysView(StampedView):
    def keyed_document(self, params: QueryDict) -> tuple[Any, Callable[[], Document]]:
        query = read_query(params, DelaysQuery)
        wheels, bounds = _wheels(query), query.bounds()

        def make() -> Document:
            now = history()
            tables = {wheel: now.table("numbers", wheel, *bounds) for wheel in wheels}
            return {
                "wheels": {
                    wheel: [
                        number_document(table, n) for n in _greatest(table, "delay")[: query.limit]
                    ]
                    for wheel, table in tables.items()
                }
            }

        return query, make


@extend_schema_view(get=statistics.PAIRS)
class PairsView(StampedView):
    def keyed_document(self, params: QueryDict) -> tuple[Any, Callable[[], Document]]:
        query = read_query(params, PairsQuery)
        wheel, bounds = query.wheel() or ALL, query.bounds()

        def make() -> Document:
            table = history().table("pairs", wheel, *bounds)
            chosen = _greatest(table, query.sort)
            if query.numero is not None:
                chosen = chosen[(PAIR_NUMBERS[chosen] == query.numero).any(axis=1)]
            page = chosen[query.offset : query.offset + query.limit]
            return {
                "ruota": wheel,
                **extent_document(table),
                "count": len(page),
                "total": len(chosen),
                "pairs": [pair_document(table, item) for item in page],
            }

        return query, make


@extend_schema_view(get=statistics.SEARCH)
class SearchView(StampedView):
    def keyed_document(self, params: QueryDict) -> tuple[Any, Callable[[], Document]]:
        query = read_query(params, SearchQuery)
        numbers, at_least, wheel = query.numbers(), query.at_least(), query.of_wheel()
        first, last = query.bounds()

        def make() -> Document:
            now = history()
            found = now.find(numbers, wheel=wheel, at_least=at_least, first=first, last=last)
            page = slice(query.offset, query.offset + query.limit)
            result = search_document(
                found,
                now.draws(found.rows[page]),
                found.hits[page].tolist(),
                at_least=at_least,
                maximum=min(len(numbers), len(OUTCOMES)),
            )
            return {"numeri": numbers, "ruota": wheel, **result}

        return query, make


def _wheels(query: ArchiveQuery) -> tuple[str, ...]:
    wheel = query.wheel()
    return (wheel,) if wheel else (*WHEELS, ALL)


def _greatest(table: DelayTable, by: str) -> Any:
    """The items by delay, frequency or longest delay, greatest first, ties in number order."""
    delays = table.delays
    figures = {
        "delay": delays.delay, "frequency": delays.frequency, "max_delay": delays.longest,
    }[by]  # fmt: skip
    return np.argsort(-figures, kind="stable")
