"""Every word that the scripts put on the page; they get it from here, in the reader's language."""

from __future__ import annotations

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gateway_arq.workers.models import Health

Words = dict[str, "str | Promise"]

# What a value is called, by the name of the format that looks it up; unknown ones stay as they are.
GROUPS: Final[dict[str, Words]] = {
    "app": {"webcom": "WebCom", "webtv": _("Web TV"), "asterisk": _("Switchboard")},
    "call_state": {"Ringing": _("Ringing"), "Pending": _("In progress")},
    "health": {
        Health.HEALTHY.value: _("Working"),
        Health.DEGRADED.value: _("In trouble"),
        Health.DOWN.value: _("Down"),
        Health.DISABLED.value: _("Switched off"),
    },
    "line_type": {"all": _("All"), "Unknown": _("other")},
    "caller": {"": _("Anonymous")},
    "extension": {
        "online": _("free"),
        "busy": _("busy"),
        "offline": _("offline"),
        "unknown": _("unknown"),
    },
    "verdict": {"passed": _("Passed"), "blocked": _("Blocked")},
    "reason": {
        "clean": _("nothing against it"),
        "allow-list": _("allow list"),
        "screening-off": _("screening is off"),
        "anonymous": _("hidden number"),
        "blacklist": _("blacklist"),
        "answered-24h": _("already answered"),
        "manual": _("by hand"),
        "manual-permanent": _("by hand, for ever"),
        "import": _("imported"),
    },
}
TEXTS: Final[Words] = {
    "now": _("Today"),
    "yesterday": _("Yesterday"),
    "last_week": _("A week ago"),
    "calls": _("Calls"),
    "calls_before": _("Calls at the same time yesterday"),
    "viewers": _("Viewers on average"),
    "peak": _("Peak"),
    "time": _("Time"),
    "blocked": _("%(number)s is blocked."),
    "released": _("%(number)s is released."),
    "undone": _("Undone: %(number)s is as before."),
    "undo": _("Undo"),
    "failed": _("That did not work: %(why)s"),
    "no_answer": _("the gateway does not answer"),
    "upstream_away": _(
        "%(app)s gives no answer: its data are from %(since)s. It is tried again by itself."
    ),
    "for_ever": _("for ever"),
    "until": _("until %(when)s"),
}


def words() -> dict[str, Any]:
    """All of them as plain texts."""
    groups = {name: _plain(group) for name, group in GROUPS.items()}
    return {"groups": groups, "texts": _plain(TEXTS)}


def _plain(some: Words) -> dict[str, str]:
    return {name: str(text) for name, text in some.items()}
