"""The labels that staff read for verdicts, reasons and states."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from centralino.types import Reason, Verdict, Why
from core.lib.labels import Labels

VERDICTS: Final[Labels] = {Verdict.PASSED: _("Passed"), Verdict.BLOCKED: _("Blocked")}
WHYS: Final[Labels] = {
    Why.CLEAN: _("nothing against it"),
    Why.ALLOWED: _("allow list"),
    Why.ANONYMOUS: _("hidden number"),
    Why.LISTED: _("blacklist"),
    Why.FORGED: _("forged"),
    Why.FOREIGN: _("foreign"),
    Why.IMPOSSIBLE: _("impossible number"),
    Why.SHORT: _("short code"),
    Why.REPEATED: _("repeated"),
    Why.OFF: _("screening is off"),
}
REASONS: Final[Labels] = {
    Reason.ANSWERED: _("already answered"),
    Reason.MANUAL: _("by hand"),
    Reason.MANUAL_PERMANENT: _("by hand, permanent"),
    Reason.IMPORTED: _("imported"),
}
ENDPOINTS: Final[Labels] = {  # ARI's, and `busy` for those with a channel
    "online": _("available"),
    "busy": _("on a call"),
    "offline": _("not connected"),
    "unknown": _("unknown"),
}
HANGUPS: Final[Labels] = {  # ARI's reasons
    "normal": _("normal end"),
    "busy": _("busy line"),
    "congestion": _("congestion"),
    "no_answer": _("no answer"),
}
