"""The switchboards: channels and extensions now, screened callers, and the blacklist."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from django.db.models import Count
from msgspec.structs import asdict

from centralino.models import ScreenedCall
from centralino.selectors import lists, live
from centralino.selectors.lists import ListFilter
from centralino.selectors.live import Overview
from centralino.serializers import entry_document
from core.lib.days import day_bounds, local_day
from gateway_arq.dashboard.calls import pbx_rows

MAX_CALLERS: Final = 30
MAX_ENTRIES: Final = 50


def figures() -> dict[str, Any]:
    """Counts: `channels`, `extensions` by state, and today's callers by verdict."""
    now = live.overview()
    extensions = _extensions(now)
    states = Counter(one["state"] for one in extensions)
    return {
        "channels": now.channels,
        "calls": pbx_rows(now.calls),
        "online": states["online"],
        "busy": states["busy"],
        "offline": states["offline"] + states["unknown"],
        "extensions": extensions,
        **_screened_today(),
    }


def callers() -> dict[str, Any]:
    """What events update: the newest screened callers, and blacklist entries as in the API."""
    entries = lists.listed(ListFilter(), limit=MAX_ENTRIES)
    blacklist = [asdict(entry_document(one)) for one in entries]
    return {"callers": _newest_callers(), "blacklist": blacklist}


def _extensions(now: Overview) -> list[dict[str, Any]]:
    """Each with `name` and `state`: busy while it has a channel, else online, offline, unknown."""
    return [
        {"name": one.resource, "state": "busy" if one.channel_ids else one.state}
        for one in now.extensions
    ]


def _screened_today() -> dict[str, Any]:
    start, end = day_bounds(local_day())
    rows = ScreenedCall.objects.filter(at__gte=start, at__lt=end).order_by()
    verdicts = dict(rows.values_list("verdict").annotate(Count("id")))
    return {"passed": verdicts.get("passed", 0), "blocked": verdicts.get("blocked", 0)}


def _newest_callers() -> list[dict[str, Any]]:
    return [
        {
            "key": f"{call.server}:{call.channel_id}",
            "number": call.caller if call.number else "",
            "e164": call.number,
            "called": call.called,
            "verdict": call.verdict,
            "reason": call.why,
            "at": int(call.at.timestamp()),
        }
        for call in ScreenedCall.objects.order_by("-at", "-id")[:MAX_CALLERS]
    ]
