"""Labels of the carrier's states."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from core.lib.labels import Labels

CALL_STATES: Final[Labels] = {  # those of `types.STAGES`
    "Ringing": _("Ringing"),
    "Pending": _("In progress"),
    "Lost": _("Ended, nobody knows how"),
    "Ok": _("Concluded"),
    "Busy": _("Busy"),
    "NoAnswer": _("No answer"),
    "Cancelled": _("Cancelled"),
    "Failed": _("Failed"),
    "Rejected": _("Rejected"),
}
