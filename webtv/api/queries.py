"""Query strings of the audience's endpoints."""

from __future__ import annotations

import datetime as dt
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from django.utils import timezone
from msgspec import Meta, Struct
from rest_framework.exceptions import ValidationError

from core.api.params import Short, Text, read_day, read_instant
from core.api.shapes import DAY_TEXT, INSTANT_TEXT
from webtv.rollups import DAY, FIVE_MINUTES, HOUR

SPANS: Final = {"sample": 0, "5min": FIVE_MINUTES, "hour": HOUR, "day": DAY}
MAX_POINTS: Final = 10_000
_IS_TEXT: Final = Meta(extra_json_schema={"type": "string"})  # what msgspec says of no Literal


class AudienceQuery(Struct, frozen=True):
    """Which stream (default: all, summed), and which local day (default: today)."""

    stream: Text | None = None
    date: Annotated[Short, DAY_TEXT] | None = None

    def day(self) -> dt.date | None:
        """The day, None for today. Raises ValidationError (400)."""
        return None if self.date is None else read_day("date", self.date)


class HistoryQuery(Struct, frozen=True, rename={"from_": "from"}):
    """`GET /api/webtv/history`."""

    stream: Text | None = None
    from_: Annotated[Short, INSTANT_TEXT] | None = None
    to: Annotated[Short, INSTANT_TEXT] | None = None
    span: Annotated[Literal["sample", "5min", "hour", "day"], _IS_TEXT] = "5min"
    limit: Annotated[int, Meta(ge=1, le=MAX_POINTS)] = 2_000

    def bounds(self) -> tuple[datetime, datetime]:
        """The start and the end; by default the last 24 hours. ValidationError (400)."""
        end = read_instant("to", self.to, end=True) if self.to else timezone.now()
        start = read_instant("from", self.from_) if self.from_ else end - timedelta(days=1)
        if end <= start:
            raise ValidationError({"to": ["The end must be after the start."]})
        return start, end
