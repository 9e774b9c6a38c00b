"""What the answers of `/api/lotto/*` have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from core.api.cached_view import CachedQuery, CachedView
from lotto.rules import format_day


def now_s() -> datetime:
    return timezone.now().replace(microsecond=0)


class StampedView(CachedView):
    """An answer that tells when it was made, to the second."""

    def cached_query(self, params: QueryDict) -> CachedQuery:
        name, make = self.asked(params)
        now = now_s()
        return CachedQuery((type(self), name, now), lambda: {**make(), "timestamp": now})

    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        """What the answer depends on, and how it is made."""
        raise NotImplementedError


def wheel_document(day: date, wheel: str, numbers: Iterable[int]) -> dict[str, Any]:
    return {"data": format_day(day), "ruota": wheel, "numeri": numbers}
