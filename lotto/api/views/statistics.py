"""`/api/lotto/`: frequencies, delays, pairs and searches over all years."""

from __future__ import annotations

from datetime import date

import numpy as np
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_view

from core.api.cached_view import CachedQuery, CachedView
from core.api.params import read_query
from core.lib.days import current_second
from lotto import serializers
from lotto.api import schema
from lotto.api.queries import ArchiveQuery, DelaysQuery, PairsQuery, SearchQuery
from lotto.archive_cache import history
from lotto.serializers import DelayedNumbersDocument, NumberStatisticsDocument
from lotto.statistics import PAIR_NUMBERS, DelayTable, Ints
from lotto.types import ALL, HIGHEST, WHEELS


@extend_schema_view(get=schema.NUMBERS)
class NumbersView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        query, now = read_query(params, ArchiveQuery), current_second()
        wheels, bounds = _wheels(query), query.bounds()

        def make() -> NumberStatisticsDocument:
            found = {
                wheel: serializers.wheel_numbers_document(table, np.arange(HIGHEST))
                for wheel, table in _number_tables(wheels, bounds).items()
            }
            return NumberStatisticsDocument(True, found, timestamp=now)

        return CachedQuery((query, now), make)


@extend_schema_view(get=schema.DELAYS)
class DelaysView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        query, now = read_query(params, DelaysQuery), current_second()
        wheels, bounds = _wheels(query), query.bounds()

        def make() -> DelayedNumbersDocument:
            found = {
                wheel: serializers.number_documents(table, _greatest(table, "delay")[: query.limit])
                for wheel, table in _number_tables(wheels, bounds).items()
            }
            return DelayedNumbersDocument(True, found, timestamp=now)

        return CachedQuery((query, now), make)


@extend_schema_view(get=schema.PAIRS)
class PairsView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        query, now = read_query(params, PairsQuery), current_second()
        wheel, bounds = query.wheel() or ALL, query.bounds()

        def make() -> serializers.PairStatisticsDocument:
            table = history().table("pairs", wheel, *bounds)
            chosen = _greatest(table, query.sort)
            if query.numero is not None:
                chosen = chosen[(PAIR_NUMBERS[chosen] == query.numero).any(axis=1)]
            page = chosen[query.offset : query.offset + query.limit]
            return serializers.pairs_document(wheel, table, page, total=len(chosen), now=now)

        return CachedQuery((query, now), make)


@extend_schema_view(get=schema.SEARCH)
class SearchView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        query, now = read_query(params, SearchQuery), current_second()
        numbers, at_least, wheel = query.numbers(), query.at_least(), query.of_wheel()
        first, last = query.bounds()

        def make() -> serializers.CombinationSearchDocument:
            archive = history()
            found = archive.find(numbers, wheel=wheel, at_least=at_least, first=first, last=last)
            page = slice(query.offset, query.offset + query.limit)
            draws, hits = archive.draws(found.rows[page]), found.hits[page].tolist()
            return serializers.search_document(
                numbers, wheel, found, draws, hits, at_least=at_least, now=now
            )

        return CachedQuery((query, now), make)


def _wheels(query: ArchiveQuery) -> tuple[str, ...]:
    wheel = query.wheel()
    return (wheel,) if wheel else (*WHEELS, ALL)


def _number_tables(
    wheels: tuple[str, ...], bounds: tuple[date | None, date | None]
) -> dict[str, DelayTable]:
    now = history()
    return {wheel: now.table("numbers", wheel, *bounds) for wheel in wheels}


def _greatest(table: DelayTable, by: str) -> Ints:
    """The items by delay, frequency or longest delay, greatest first, ties in number order."""
    delays = table.delays
    figures = {
        "delay": delays.delay, "frequency": delays.frequency, "max_delay": delays.longest,
    }[by]  # fmt: skip
    return np.argsort(-figures, kind="stable")
