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
    "line_type": {"all": _("All lines"), "Unknown": _("other")},
    "caller": {"": _("Anonymous")},
    "extension": {
        "online": _("available"),
        "busy": _("on a call"),
        "offline": _("not connected"),
        "unknown": _("unknown"),
    },
    "autobot": {
        "idle": _("idle"),
        "capturing": _("looking for the board"),
        "ocr": _("reading"),
        "validating": _("checking and passing on"),
        "completed": _("completed"),
        "error": _("nothing was read"),
    },
    "step": {
        "validate": _("Validation by AI"),
        "archive": _("Archive"),
        "upload": _("Lotto site"),
        "telegram": _("Telegram"),
    },
    "step_state": {
        "waiting": _("waiting"),
        "running": _("running"),
        "done": _("done"),
        "failed": _("failed"),
        "off": _("off"),
        "skipped": _("nothing to do"),
        "offered": _("to be confirmed"),
    },
    "picture": {"board": _("The whole board")},
    "span": {"all": _("15 draws"), "last3": _("3 draws")},
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
    "hour_runs": _("Today: the hour is not over"),
    "time": _("Time"),
    "blocked": _("%(number)s is blocked."),
    "released": _("%(number)s is released."),
    "undone": _("Undone: %(number)s is as before."),
    "started": _("AutoBOT has been started."),
    "stopped": _("AutoBOT has been stopped."),
    "all_wheels": _("All wheels"),
    "daily": _("every day at %(time)s"),
    "off": _("off"),
    "failed": _("That did not work: %(why)s"),
    "riscontri_away": _("The riscontri cannot be had now."),
    "no_answer": _("the gateway does not answer"),
}


def words() -> dict[str, Any]:
    """All of them as plain texts."""
    groups = {name: _plain(group) for name, group in GROUPS.items()}
    return {"groups": groups, "texts": _plain(TEXTS)}


def _plain(some: Words) -> dict[str, str]:
    return {name: str(text) for name, text in some.items()}
