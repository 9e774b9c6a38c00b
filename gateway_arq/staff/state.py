"""The state of the gateway, on the admin's first page: the dashboard's figures, not live."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from centralino.selectors.channels import active_channels_count
from core.auth.models import ApiKey
from core.workers.models import Health
from core.workers.selectors import statuses
from gateway_arq.dashboard import calls, health, lotto, television
from gateway_arq.dashboard.formats import format_value
from lotto.models import Intake
from ocr import selectors as autobot
from ocr.serializers.autobot import status_document
from webcom.models import Unreadable
from webcom.selectors import active_calls_count
from webtv.models import Alert

LATELY = timedelta(days=1)
EXPIRING = timedelta(days=7)
MAX_COUNT = 100  # more problems of a kind are shown as 100


def show(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme's callback for the index."""
    return {
        **context,
        "title": _("State of the gateway"),
        "cards": list(cards()),
        "problems": list(problems(request)),
        "workers": health.figures()["workers"],
        "draw": lotto.draw(),
    }


def cards() -> Iterator[dict[str, Any]]:
    """Each with a `label`, a `value`, and a `note` under it."""
    today = {name: parts[0] for name, parts in calls.figures()["today"].items()}
    yield _compared(_("Calls today"), today["calls"], "integer")
    yield _compared(_("Minutes today"), today["minutes"], "integer")
    yield _compared(_("Cost today"), today["cost"], "euro")
    yield {"label": _("Calls in progress"), "value": format_value(active_calls_count(), "integer")}
    yield {"label": _("Channels in use"), "value": format_value(active_channels_count(), "integer")}
    yield _audience()
    yield _autobot()


def _compared(label: str, figure: dict[str, Any], how: str) -> dict[str, Any]:
    """A card with the same time of yesterday; the change in percent where there was something."""
    change = figure["yesterday_change"]
    percent = f" ({format_value(change, 'change')})" if change is not None else ""
    note = _("yesterday at this time: %s") % format_value(figure["yesterday"], how)
    return {"label": label, "value": format_value(figure["value"], how), "note": f"{note}{percent}"}


def _audience() -> dict[str, Any]:
    figures = television.figures()
    now = figures["now"] if figures["known"] else None
    note = _("peak of today: %s") % format_value(figures["peak"], "integer")
    return {"label": _("Viewers now"), "value": format_value(now, "integer"), "note": note}


def _autobot() -> dict[str, Any]:
    status = status_document(autobot.latest())
    note = _("%(done)d of %(all)d wheels") % {
        "done": status.wheels_completed,
        "all": status.total_wheels,
    }
    return {"label": "AutoBOT", "value": format_value(status.status, "autobot"), "note": note}


def problems(request: HttpRequest) -> Iterator[dict[str, Any]]:
    """Problems that need attention: `text` and `link` of each; only those that the user may see."""
    for permission, text, link in _found():
        if request.user.has_perm(permission):
            yield {"text": text, "link": link}


def _found() -> Iterator[tuple[str, str, str]]:
    bad = sum(job.health in (Health.DOWN, Health.DEGRADED) for job in statuses())
    if bad:
        text = ngettext("%d worker is in trouble", "%d workers are in trouble", bad) % bad
        yield "workers.view_workerstatus", text, reverse("admin:workers_workerstatus_changelist")
    for alert in Alert.objects.filter(ended_at=None).select_related("rule__stream")[:MAX_COUNT]:
        link = reverse("admin:webtv_alert_change", args=[alert.pk])
        yield "webtv.view_alert", f"{alert.rule.stream}: {alert.detail}", link
    unread = Unreadable.objects.filter(last_at__gt=timezone.now() - LATELY)[:MAX_COUNT].count()
    if unread:
        text = ngettext(
            "%d payload of the carrier could not be read since yesterday",
            "%d payloads of the carrier could not be read since yesterday",
            unread,
        )
        yield "webcom.view_unreadable", text % unread, reverse("admin:webcom_unreadable_changelist")
    yield from _of_lotto()
    yield from _of_access()


def _of_lotto() -> Iterator[tuple[str, str, str]]:
    newest = Intake.objects.first()
    if newest and newest.rejected:
        text = ngettext(
            "%d line was rejected by the last import of draws",
            "%d lines were rejected by the last import of draws",
            newest.rejected,
        )
        link = reverse("admin:lotto_intake_change", args=[newest.pk])
        yield "lotto.view_intake", text % newest.rejected, link


def _of_access() -> Iterator[tuple[str, str, str]]:
    now = timezone.now()
    locked = AccessAttempt.objects.filter(
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT,
        attempt_time__gt=now - settings.AXES_COOLOFF_TIME,
    )[:MAX_COUNT].count()
    if locked:
        text = ngettext("%d login is locked", "%d logins are locked", locked) % locked
        yield "axes.view_accessattempt", text, reverse("admin:axes_accessattempt_changelist")
    soon = ApiKey.objects.filter(revoked_at=None, expires_at__range=(now, now + EXPIRING)).count()
    if soon:
        text = ngettext(
            "%d API key expires within a week", "%d API keys expire within a week", soon
        )
        yield "api_keys.view_apikey", text % soon, reverse("admin:api_keys_apikey_changelist")
