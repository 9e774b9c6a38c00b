"""Labels for the states of AutoBOT's runs, wheels and steps."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from core.lib.labels import Labels
from ocr.types import Held, Origin, PageKind, RunState, StepName, StepState

RUN_STATES: Final[Labels] = {
    RunState.IDLE: _("idle"),
    RunState.CAPTURING: _("looking for the board"),
    RunState.OCR: _("reading"),
    RunState.VALIDATING: _("checking and passing on"),
    RunState.COMPLETED: _("completed"),
    RunState.ERROR: _("nothing was read"),
}
HELD: Final[Labels] = {
    Held.OLD: _("a draw of another day"),
    Held.NO_DRAW: _("no draw is due on this day"),
    Held.EARLY: _("seen before the draw can have begun"),
    Held.BEHIND: _("the archive lacks the draw before"),
    Held.PAGE: _("the page does not say what it is"),
    Held.WITNESS: _("not confirmed by a second source yet"),
    Held.DISPUTED: _("a second source has other numbers"),
}
PAGE_KINDS: Final[Labels] = {
    PageKind.DRAW: _("board of the draw"),
    PageKind.UNKNOWN: _("a page that does not say what it is"),
    PageKind.EARLIER: _("an earlier draw"),
    PageKind.PREDICTIONS: _("predictions"),
    PageKind.STATISTICS: _("statistics"),
    PageKind.SIMBOLOTTO: _("Simbolotto"),
    PageKind.OTHER_GAME: _("another game"),
    PageKind.WEATHER: _("weather"),
    PageKind.SPORT: _("sport"),
    PageKind.BETTING: _("betting"),
    PageKind.TICKET: _("a ticket"),
    PageKind.OTHER: _("something else"),
}
ORIGINS: Final[Labels] = {
    Origin.OCR: _("OCR"),
    Origin.AI: _("AI"),
    Origin.PERSON: _("a person"),
}
STEPS: Final[Labels] = {
    StepName.VALIDATE: _("Validation by AI"),
    StepName.WITNESS: _("Second source"),
    StepName.ARCHIVE: _("Archive"),
    StepName.UPLOAD: _("Lotto site"),
    StepName.TELEGRAM: _("Telegram"),
    StepName.NOTICE: _("Notice of a correction"),
}
STEPS_AGAIN: Final[Labels] = {
    StepName.VALIDATE: _("Validate again"),
    StepName.WITNESS: _("Ask the second source again"),
    StepName.ARCHIVE: _("Save again"),
    StepName.UPLOAD: _("Upload again"),
    StepName.TELEGRAM: _("Send again"),
}
STEP_STATES: Final[Labels] = {
    StepState.WAITING: _("waiting"),
    StepState.RUNNING: _("running"),
    StepState.DONE: _("done"),
    StepState.FAILED: _("failed"),
    StepState.OFF: _("off"),
    StepState.SKIPPED: _("nothing to do"),
    StepState.OFFERED: _("to be confirmed"),
}
