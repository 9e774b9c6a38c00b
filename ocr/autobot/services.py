"""The life of a run: started, updated, stopped, ended, corrected and resumed.

The row is the truth. Exactly one run is unfinished (a constraint of the database's); exactly one
worker leads, and what a worker writes counts only while it does. So any process may be killed at
any moment, and another one continues from the row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import to_builtins

from core.lib.days import local_day
from core.realtime.publish import publish_on_commit
from core.workers.leader import Leadership
from lotto import selectors as archive
from lotto.types import WHEELS
from ocr import selectors
from ocr.autobot import pages, witnesses
from ocr.autobot.votes import FrameChecks
from ocr.events import AutobotStatus
from ocr.models import AutobotConfig, AutobotRun, AutobotStep, AutobotWheel
from ocr.reader.types import NumberReading
from ocr.serializers.autobot import status_document
from ocr.types import (
    STEP_OPTIONS,
    Held,
    Origin,
    RunBusy,
    RunRefused,
    RunState,
    RunStopped,
    StepName,
    StepState,
)

logger = logging.getLogger(__name__)

OPTIONS: Final = tuple(STEP_OPTIONS.values())
WATCHING: Final = (RunState.CAPTURING, RunState.OCR)
STEPS: Final = tuple(name for name in StepName if name != StepName.NOTICE)  # in this order
OUTWARD: Final = (StepName.ARCHIVE, StepName.UPLOAD, StepName.TELEGRAM)
CERTAIN: Final = 100.0  # what a person says


def start(
    *, by: str, extraordinary: bool = False, options: Mapping[str, bool | None] | None = None
) -> AutobotRun:
    """Begin a run of today, which a worker claims within seconds.

    Started before today's draw can have begun it waits for that, and watches from then on.
    `options` that are not None override the configuration. Raises RunBusy while there is another
    run, RunRefused without a stream.
    """
    config = selectors.config()
    url = config.stream_url or settings.OCR_STREAM_URL
    if not url:
        raise RunRefused(_("No stream is configured."))
    wanted = {name: value for name, value in (options or {}).items() if value is not None}
    now = timezone.now()
    day = local_day(now)
    watches_from = max(now, archive.draw_begins_at(day))
    try:
        with transaction.atomic():
            run = AutobotRun.objects.create(
                day=day,
                state=RunState.CAPTURING,
                message="Waiting for the worker.",
                started_at=now,
                until=watches_from + timedelta(minutes=settings.OCR_WINDOW_MINUTES),
                started_by=by,
                is_extraordinary=extraordinary,
                stream_url=url,
                **{name: wanted.get(name, getattr(config, name)) for name in OPTIONS},
            )
            AutobotStep.objects.bulk_create(
                AutobotStep(
                    run=run, name=name, done=_sent(run) if name == StepName.TELEGRAM else {}
                )
                for name in STEPS
                if name != StepName.WITNESS or witnesses.is_on()
            )
            _publish(run)
    except IntegrityError:
        raise _busy() from None
    logger.info("autobot.started run=%s day=%s by=%s", run.pk, run.day, by)
    return run


def stop(*, by: str) -> tuple[str, AutobotRun | None]:
    """End the unfinished run at once, whichever worker has it; the state it was in, and the run.

    Its worker notices within a second and writes nothing more. Without a run: idle.
    """
    with transaction.atomic():
        run = AutobotRun.objects.select_for_update().filter(is_over=False).first()
        if run is None:
            return RunState.IDLE, None
        before = run.state
        # One that is being done still stores its outcome.
        run.steps.filter(state=StepState.RUNNING).update(state=StepState.WAITING)
        _end(run, RunState.IDLE, f"Stopped by {by}.")
    logger.info("autobot.stopped run=%s state=%s by=%s", run.pk, before, by)
    return before, run


def finish(*, by: str) -> bool:
    """Close the window of the run that watches: its steps follow. False without such a run."""
    closed = AutobotRun.objects.filter(is_over=False, state__in=WATCHING).update(
        until=timezone.now()
    )
    if closed:
        logger.info("autobot.window_closed by=%s", by)
    return bool(closed)


def configure(changes: Mapping[str, Any]) -> AutobotConfig:
    """Change AutoBOT's configuration; the stream's address must have been checked."""
    config, _ = AutobotConfig.objects.update_or_create(pk=1, defaults=dict(changes))
    return config


# --- Used by the worker ---------------------------------------------------------------------------


def update(run: AutobotRun, leadership: Leadership, **changes: Any) -> None:
    """Store changes of the run and publish its status. Raises LeaseLost, RunStopped."""
    with leadership.transaction():
        if not AutobotRun.objects.filter(pk=run.pk, is_over=False).update(**changes):
            raise RunStopped
        for name, value in changes.items():
            setattr(run, name, value)
        _publish(run)


def store_wheels(run: AutobotRun, leadership: Leadership, wheels: Iterable[AutobotWheel]) -> None:
    """Store wheels of the run and publish its status. Raises LeaseLost, RunStopped."""
    now = timezone.now()
    with leadership.transaction():
        _lock_unfinished(run)
        for wheel in wheels:
            AutobotWheel.objects.update_or_create(
                run=run,
                wheel=wheel.wheel,
                defaults={
                    "cells": wheel.cells,
                    "looks": wheel.looks,
                    "is_taken": wheel.is_taken,
                    "held": wheel.held,
                    "origin": wheel.origin,
                    "witnesses": wheel.witnesses,
                    "changed_at": now,
                },
            )
        _publish(run)


def end(run: AutobotRun, leadership: Leadership, state: RunState, message: str) -> None:
    """End the run. Raises LeaseLost, RunStopped."""
    with leadership.transaction():
        _lock_unfinished(run)
        _end(run, state, message)
    logger.info("autobot.ended run=%s state=%s message=%s", run.pk, state, message)


def _lock_unfinished(run: AutobotRun) -> None:
    if not AutobotRun.objects.select_for_update().filter(pk=run.pk, is_over=False).first():
        raise RunStopped


def why_held(run: AutobotRun, wheel: str, numbers: Sequence[int]) -> str:
    """Why these numbers are not accepted as today's; "" when they are.

    Whatever the OCR or the AI makes sure passes here, whoever started the run.
    """
    if any(day != run.day for day in archive.days_of(wheel, numbers)):
        return Held.OLD
    if timezone.now() < archive.draw_begins_at(run.day):
        return Held.EARLY
    if not is_expected(run):
        return Held.NO_DRAW
    before = archive.calendar().before(run.day)
    if before and not archive.has_since(wheel, before.day, run.day):
        return Held.BEHIND
    return Held.WITNESS if witnesses.must_agree() else ""


def cells_of(numbers: Iterable[NumberReading]) -> list[Any]:
    """A wheel's five readings as they are stored."""
    return [
        [each.number, round(each.confidence, 2), [[n, round(c, 2)] for n, c in each.candidates]]
        for each in numbers
    ]


# --- Used by staff --------------------------------------------------------------------------------


def correct(run_id: int, wheel: str, numbers: Sequence[int], *, by: str) -> AutobotRun:
    """Replace the numbers of a wheel by a person's, and offer the steps that follow from them.

    Raises RunRefused while the run is at work, and before the draw can have begun.
    """
    with transaction.atomic():
        run = _drawn(run_id)
        row = AutobotWheel.objects.filter(run=run, wheel=wheel).first()
        before = row.numbers if row else []
        AutobotWheel.objects.update_or_create(
            run=run,
            wheel=wheel,
            defaults={
                "cells": [[number, CERTAIN, []] for number in numbers],
                "looks": FrameChecks({tuple(numbers): 1}).stored(),
                "is_taken": True,
                "held": "",
                "origin": Origin.PERSON,
                "witnesses": [],
                "changed_at": timezone.now(),
            },
        )
        _offer(run)
    logger.info(
        "autobot.corrected run=%s wheel=%s before=%s after=%s by=%s",
        run.pk, wheel, before, list(numbers), by,
    )  # fmt: skip
    return run


def reread(run_id: int, is_changed: Callable[[AutobotWheel], bool], *, by: str) -> list[str]:
    """Store the wheels that `is_changed` has changed, and return their codes.

    The steps that follow from them are offered. Raises RunRefused while the run is at work.
    """
    with transaction.atomic():
        run = _finished(run_id)
        changed = []
        for row in run.wheels.select_related("run"):
            if is_changed(row):
                row.changed_at = timezone.now()
                row.save()
                changed.append(row.wheel)
        if changed:
            _offer(run)
    logger.info("autobot.read_again run=%s changed=%s by=%s", run.pk, changed, by)
    return changed


def confirm(run_id: int, *, by: str) -> int:
    """Accept what was held back as today's draw; returns how many wheels it is.

    Numbers that the archive has on another day, or that were seen before the draw can have begun,
    stay held back. Raises RunRefused while the run is at work, and before the draw.
    """
    with transaction.atomic():
        run = _drawn(run_id)
        never = ["", Held.OLD, Held.EARLY]
        waiting = list(run.wheels.filter(is_taken=True).exclude(held__in=never))
        for row in waiting:
            row.held, row.changed_at = "", timezone.now()
            row.save()
        if waiting:
            _offer(run)
    logger.info("autobot.confirmed run=%s wheels=%s by=%s", run.pk, len(waiting), by)
    return len(waiting)


def resume(run_id: int, steps: Iterable[StepName], *, afresh: bool = False) -> AutobotRun:
    """Have a worker do these steps of a run that is over, `afresh` also for what was done before.

    Raises RunBusy while another run is at work, RunRefused while this one is.
    """
    try:
        with transaction.atomic():
            run = _finished(run_id)
            changes: dict[str, Any] = {
                "state": StepState.WAITING, "tries": 0, "due_at": None, "error": "",
            }  # fmt: skip
            if afresh:
                changes["done"] = {}
            run.steps.filter(name__in=list(steps)).update(**changes)
            run.state, run.is_over, run.ended_at = RunState.VALIDATING, False, None
            run.save()
            _publish(run)
    except IntegrityError:
        raise _busy() from None
    return run


def _finished(run_id: int) -> AutobotRun:
    run = AutobotRun.objects.select_for_update().get(pk=run_id)
    if not run.is_over:
        raise RunRefused(_("The run is still at work: stop it, or wait."))
    return run


def _drawn(run_id: int) -> AutobotRun:
    run = _finished(run_id)
    begins_at = archive.draw_begins_at(run.day)
    if timezone.now() < begins_at:
        raise RunRefused(_("The draw begins at %(time)s.") % {"time": f"{begins_at:%H:%M}"})
    return run


def _offer(run: AutobotRun) -> None:
    """Leave it to a person whether steps that were done with other numbers are done again."""
    wheels = as_lists(selectors.published(run))
    for step in run.steps.filter(name__in=OUTWARD):
        if step.done != wheels and step.state != StepState.OFF:
            step.state = StepState.OFFERED
            step.save(update_fields=["state"])
    if run.verified_at:
        run.verified_at = None
        run.save(update_fields=["verified_at"])
    _publish(run)


def as_lists(wheels: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """Wheels as a step's `done` has them, in JSON."""
    return {wheel: list(numbers) for wheel, numbers in wheels.items()}


def is_expected(run: AutobotRun) -> bool:
    """Whether a draw is due on the run's day."""
    return run.is_extraordinary or archive.calendar().on(run.day) is not None


def summary(run: AutobotRun) -> str:
    """The outcome of a run in a sentence or two, in the active language."""
    wheels = selectors.published(run)
    reasons = [wheel.held for wheel in selectors.held(run)]
    parts = []
    if wheels:
        parts.append(_("Wheels read: %(count)s.") % {"count": len(wheels)})
        if names := [WHEELS[code] for code in selectors.missing(run)]:
            parts.append(_("Missing: %(names)s.") % {"names": ", ".join(names)})
    elif not is_expected(run):
        parts.append(_("No draw is due on this day."))
    for reason, text in _REASONS.items():
        if reason in reasons:
            parts.append(str(text) % {"count": reasons.count(reason)})
    if run.pages and not wheels:
        parts.append(_("Seen and not taken: %(pages)s.") % {"pages": pages.listed(run)})
    failed = [step.get_name_display() for step in run.steps.all() if step.state == StepState.FAILED]
    if failed:
        parts.append(_("Failed: %(steps)s.") % {"steps": ", ".join(failed)})
    return " ".join(parts or [_("No board could be read.")])


_REASONS: Final = {
    Held.OLD: gettext_lazy("Wheels that showed a draw of another day, not stored: %(count)s."),
    Held.NO_DRAW: gettext_lazy("Wheels that were seen all the same, not stored: %(count)s."),
    Held.EARLY: gettext_lazy(
        "Wheels that were seen before the draw can have begun, not stored: %(count)s."
    ),
    Held.BEHIND: gettext_lazy(
        "The archive lacks the draw before, so an old board would not be recognised: %(count)s "
        "wheels wait for a person."
    ),
    Held.WITNESS: gettext_lazy("Wheels that no second source has confirmed: %(count)s."),
    Held.DISPUTED: gettext_lazy("Wheels of which a second source has other numbers: %(count)s."),
}


def _sent(run: AutobotRun) -> dict[str, Any]:
    """The wheels that earlier runs of the day have sent: they are not sent again by themselves."""
    steps = AutobotStep.objects.filter(run__day=run.day, name=StepName.TELEGRAM).order_by("run_id")
    return {wheel: numbers for step in steps for wheel, numbers in step.done.items()}


def _end(run: AutobotRun, state: RunState, message: str) -> None:
    run.state, run.message, run.is_over, run.ended_at = state, message, True, timezone.now()
    run.save()
    _publish(run)


def _publish(run: AutobotRun) -> None:
    publish_on_commit(AutobotStatus(to_builtins(status_document(run))))


def _busy() -> RunBusy:
    run = selectors.unfinished()
    return RunBusy(_("AutoBOT is at work already."), run.state if run else RunState.IDLE)
