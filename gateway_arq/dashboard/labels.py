"""Labels and texts that the scripts put on the page, in the reader's language."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from centralino.labels import ENDPOINTS, REASONS, VERDICTS, WHYS
from core.lib.labels import Labels
from core.workers.models import Health
from ocr.labels import RUN_STATES, STEP_STATES, STEPS
from webcom.labels import CALL_STATES

# Labels of values, by the name of the format that looks them up; unknown values stay as they are.
GROUPS: Final[dict[str, Labels]] = {
    "app": {"webcom": "WebCom", "webtv": _("Web TV"), "asterisk": _("Switchboard")},
    "call_state": CALL_STATES,
    "health": dict(Health.choices),
    "line_type": {"all": _("All lines"), "Unknown": _("other")},
    "caller": {"": _("Anonymous")},
    "extension": ENDPOINTS,
    "autobot": RUN_STATES,
    "step": STEPS,
    "step_state": STEP_STATES,
    "picture": {"board": _("The whole board")},
    "span": {"all": _("15 draws"), "last3": _("3 draws")},
    "verdict": VERDICTS,
    "reason": {**WHYS, **REASONS},
}
TEXTS: Final[Labels] = {
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
    "provisional": _("provisional"),
    "failed": _("That did not work: %(why)s"),
    "riscontri_unavailable": _("The riscontri are unavailable now."),
    "no_answer": _("the gateway does not answer"),
}


def labels() -> dict[str, Any]:
    """`groups` of labels and `texts`, as plain strings."""
    groups = {name: _plain(group) for name, group in GROUPS.items()}
    return {"groups": groups, "texts": _plain(TEXTS)}


def _plain(group: Labels) -> dict[str, str]:
    return {str(name): str(text) for name, text in group.items()}
