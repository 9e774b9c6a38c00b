"""The staff's live page: what is going on right now, and is it normal?

The page is complete when it arrives; from then on calls come over /ws and figures from
`dashboard/figures`. It asks these two addresses instead of the public API so that a screen on the
wall, which asks every few seconds, does not eat up the rate limit of its address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from gateway_arq.auth.staff import is_let_in
from gateway_arq.lib.days import local_day, zone
from gateway_arq.lib.rest import problem, to_json
from gateway_arq.metrics import MAIN_JOBS
from gateway_arq.realtime.publish import get_log
from gateway_arq.workers.models import Health, WorkerStatus
from gateway_arq.workers.selectors import WorkerSummary, summary
from webcom import selectors as webcom
from webcom.events import CallEvent, call_document
from webcom.lines import GREEN, VAS
from webcom.selectors import CallFilter, Figures
from webcom.types import STAGES, CallRecord, Stage

ROWS_MOST: Final = 500
# Nothing but this host, and nothing inline.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STATE_LABELS: Final = {"Ringing": gettext_lazy("Ringing"), "Pending": gettext_lazy("In progress")}
HEALTH_LABELS: Final = {
    Health.HEALTHY: gettext_lazy("Working"),
    Health.DEGRADED: gettext_lazy("In trouble"),
    Health.DOWN: gettext_lazy("Down"),
    Health.DISABLED: gettext_lazy("Switched off"),
}

APP_LABELS: Final = {"webcom": "WebCom", "webtv": "Web TV", "asterisk": gettext_lazy("Switchboard")}

View = Callable[[HttpRequest], HttpResponseBase]


def staff_only(view: View) -> View:
    """Strangers are led to the login and back (scripts get 401), others than staff get 403."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            if request.accepts("text/html"):
                return redirect_to_login(request.get_full_path(), reverse("admin:login"))
            return problem(401, "Log in as staff.")
        if not request.user.is_staff:
            raise PermissionDenied
        if not is_let_in(request.user, request.session):
            if request.accepts("text/html"):
                return redirect("admin:second_factor")
            return problem(401, "Set up your second factor.")
        return view(request)

    return never_cache(checked)


@require_safe
@staff_only
def dashboard(request: HttpRequest) -> HttpResponse:
    """The page, with the data of now."""
    # Before the data: what changes while they are read comes again by socket.
    position = get_log().position()
    calls, beyond = _active_calls()
    shown = figures()
    context = {
        "calls": [CallRow.of(call) for call in calls],
        "active": len(calls) + beyond,
        "figures": shown,
        "languages": settings.LANGUAGES,
        "live": {
            "types": [CallEvent.type],
            "position": position and position._asdict(),
            "beyond": beyond,
            "figures": reverse("dashboard-figures"),
            "state": reverse("dashboard-state"),
            "states": _known_states(),
            "timeZone": settings.GATEWAY_TIME_ZONE,
            "now": timezone.now().timestamp(),
        },
    }
    response = render(request, "gateway_arq/dashboard.html", context)
    response.headers["Content-Security-Policy"] = POLICY
    return response


@require_safe
@staff_only
def dashboard_figures(request: HttpRequest) -> HttpResponse:
    """`figures()` as JSON."""
    return _json(figures())


@require_safe
@staff_only
def dashboard_state(request: HttpRequest) -> HttpResponse:
    """All that moves, as JSON, for a page that missed events: `figures()`, `calls`, `beyond`."""
    calls, beyond = _active_calls()
    documents = [call_document(call) for call in calls]
    return _json({"calls": documents, "beyond": beyond, **figures()})


def figures() -> dict[str, Any]:
    """What the page shows besides calls, texts in the reader's language.

    `today`: calls, minutes and cost, each also split by type of line; `samples`: calls by five
    minutes, oldest first, with the `height` of their bar in percent, and `rhythm`, what is written
    under them; `workers`.
    """
    by_start = webcom.five_minute_figures()
    return {
        "today": _today(),
        "samples": _samples(by_start),
        "rhythm": _rhythm(by_start),
        "workers": _workers(),
    }


def _json(data: dict[str, Any]) -> HttpResponse:
    return HttpResponse(to_json(data), content_type="application/json")


def _active_calls() -> tuple[list[CallRecord], int]:
    """The calls in progress, newest first, and how many more there are than a page can show."""
    calls = webcom.calls(CallFilter(active=True), limit=ROWS_MOST)
    return calls, webcom.active_calls_count() - len(calls) if len(calls) == ROWS_MOST else 0


def _known_states() -> dict[str, dict[str, Any]]:
    """For the script, by the carrier's state: what to call it, and whether the call has ended."""
    return {
        state: {"label": str(STATE_LABELS.get(state, state)), "ended": stage >= Stage.LOST}
        for state, stage in STAGES.items()
    }


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call as a row of the table shows it before the script takes over."""

    call: CallRecord
    line: str
    state: str
    elapsed: str
    cost: str

    @classmethod
    def of(cls, call: CallRecord) -> CallRow:
        seconds = max(0, int(timezone.now().timestamp()) - call.started_at)
        return cls(
            call=call,
            line=call.line_number or call.called or call.line_id,
            state=str(STATE_LABELS.get(call.state, call.state)),
            elapsed=_clock(seconds),
            cost=_euro(call.cost or Decimal()),
        )


def _clock(seconds: int) -> str:
    """83 is 1:23, 3683 is 1:01:23."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _euro(amount: Decimal) -> str:
    return _("€%(amount)s") % {"amount": number_format(amount, 2, force_grouping=True)}


def _today() -> dict[str, str]:
    totals = webcom.day_totals(local_day())
    parts = totals.by_line_type
    return {
        "calls": _count(totals.calls),
        "minutes": _minutes(totals.duration_s),
        "cost": _euro(totals.cost),
        "calls_split": _split({name: _count(part.calls) for name, part in parts.items()}),
        "minutes_split": _split({name: _minutes(part.duration_s) for name, part in parts.items()}),
        "cost_split": _split({name: _euro(part.cost) for name, part in parts.items()}),
    }


def _count(number: int) -> str:
    return number_format(number, force_grouping=True)


def _minutes(seconds: int) -> str:
    return _count(round(seconds / 60))


def _split(texts: dict[str, str]) -> str:
    """'Vas 812 · Green 233', where a line may only break after the dot."""
    labels = {"Unknown": _("other")}
    names = [VAS, GREEN, *sorted(texts.keys() - {VAS, GREEN})]
    return " · ".join(f"{labels.get(name, name)}\N{NO-BREAK SPACE}{texts[name]}" for name in names)


def _samples(by_start: dict[datetime, Figures]) -> list[dict[str, Any]]:
    most = max(part.calls for part in by_start.values()) or 1
    return [
        {"time": _time(at), "calls": part.calls, "height": round(part.calls / most * 100)}
        for at, part in by_start.items()
    ]


def _rhythm(by_start: dict[datetime, Figures]) -> dict[str, str]:
    starts = [*by_start]
    most = max(part.calls for part in by_start.values())
    return {"first": _time(starts[0]), "most": _count(most), "last": _time(starts[-1])}


def _time(at: datetime) -> str:
    return f"{at.astimezone(zone()):%H:%M}"


def _workers() -> list[dict[str, str]]:
    """Each app's health in one line, followed by its jobs."""
    jobs = list(WorkerStatus.objects.all())
    lines: list[dict[str, str]] = []
    for app, main in MAIN_JOBS.items():
        mine = [job for job in jobs if job.name.partition(".")[0] == main.partition(".")[0]]
        whole = summary(main, jobs)
        if any(job.last_error and job.last_error in whole.last_error for job in mine):
            whole = replace(whole, last_error="")  # its own line says it
        lines.append(_worker("app", str(APP_LABELS[app]), whole))
        lines += [_worker("job", job.name, _of_job(job)) for job in mine]
    return lines


def _of_job(job: WorkerStatus) -> WorkerSummary:
    return WorkerSummary(job.health, job.last_run_at, job.last_error)


def _worker(kind: str, name: str, health: WorkerSummary) -> dict[str, str]:
    return {
        "kind": kind,
        "name": name,
        "status": str(health.status),
        "label": str(HEALTH_LABELS[Health(health.status)]),
        "last_run": _moment(health.last_run) if health.last_run else "",
        "last_error": health.last_error,
    }


def _moment(at: datetime) -> str:
    """Today's time, or another day's date."""
    at = at.astimezone(zone())
    return f"{at:%H:%M:%S}" if at.date() == local_day() else date_format(at, "SHORT_DATE_FORMAT")
