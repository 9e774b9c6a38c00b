"""The page, and the two documents that keep it up to date.

They are served here instead of by the public API so that a screen on the wall, which polls every
few seconds, does not use up the rate limit of its address.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from core.api.rest import problem
from core.realtime.publish import get_log
from gateway_arq.dashboard import calls, health, lotto, rebates, switchboard, television
from gateway_arq.dashboard.access import json_response, staff_only, strict_policy
from gateway_arq.dashboard.labels import labels

# Preloaded together, or the browser would discover them one import after the other.
MODULES: Final = (
    "dashboard/main", "dashboard/rows", "dashboard/calls", "dashboard/bind", "dashboard/figures",
    "dashboard/live", "dashboard/lotto", "dashboard/paint", "dashboard/socket", "dashboard/stale",
    "dashboard/switchboard", "dashboard/television", "dashboard/theme", "dashboard/format",
    "dashboard/actions", "locale",
)  # fmt: skip
THEMES: Final = ("auto", "light", "dark")
SOCKETS: Final = {
    "/ws": {
        "call_event_realtime", "rebates_updated", "webtv_update", "lotto_draw_saved",
        "lotto_corrected", "autobot_status",
    },
    "/jpbx-ws": {"call_passed", "call_blocked", "blacklist_added", "blacklist_removed"},
    "/dashboard-ws": {"pbx_call"},
}  # fmt: skip
ADDRESSES: Final = (
    "figures", "state", "block", "release", "undo", "autobot-start", "autobot-stop",
)  # fmt: skip


@require_safe
@gzip_page
@staff_only
@strict_policy
def page(request: HttpRequest) -> HttpResponse:
    """The page, with the current data."""
    # Before the data: what changes while they are read comes again by socket.
    position = get_log().position()
    now = state()
    live = {
        "state": now,
        "position": position and position._asdict(),
        "types": {socket: sorted(types) for socket, types in SOCKETS.items()},
        "ended": calls.ended_states(),
        "atWork": lotto.AT_WORK,
        "addresses": {
            "riscontri": "/api/ocr/riscontri2/riscontri",
            **{name: reverse(f"dashboard-{name}") for name in ADDRESSES},
        },
        "csrf": get_token(request),
        "labels": labels(),
        "timeZone": settings.GATEWAY_TIME_ZONE,
        "now": timezone.now().timestamp(),
    }
    theme = request.COOKIES.get("theme")
    context = {
        "state": now,
        "count": len(now["calls"]["rows"]) + now["calls"]["beyond"],
        "live": live,
        "modules": MODULES,
        "languages": settings.LANGUAGES,
        "theme": theme if theme in THEMES else THEMES[0],
    }
    return render(request, "gateway_arq/dashboard/page.html", context)


@require_safe
@gzip_page
@staff_only
def figures_document(request: HttpRequest) -> HttpResponse:
    """`figures()` as JSON."""
    return json_response(figures())


@require_safe
@gzip_page
@staff_only
def state_document(request: HttpRequest) -> HttpResponse:
    """`state()` as JSON, for a page that missed events."""
    return json_response(state())


@require_safe
@staff_only
def picture(request: HttpRequest, run: int, wheel: str) -> HttpResponse:
    """What AutoBOT saw: the JPEG of a run's wheel, or of its whole `board`."""
    jpeg = lotto.picture(run, wheel)
    if jpeg is None:
        return problem(404, "There is no such picture.")
    return HttpResponse(jpeg, content_type="image/jpeg")


def state() -> dict[str, Any]:
    """All that the page shows: `calls` and `screening`, which events update, and `figures`."""
    return {
        "calls": calls.in_progress(),
        "screening": switchboard.callers(),
        "figures": figures(),
    }


def figures() -> dict[str, Any]:
    """Counts, and what seldom changes, by panel; language-neutral, numbers as such."""
    return {
        "calls": calls.figures(),
        "rebates": rebates.figures(),
        "television": television.figures(),
        "switchboard": switchboard.figures(),
        "draw": lotto.draw(),
        "autobot": lotto.autobot(),
        "health": health.figures(),
    }
