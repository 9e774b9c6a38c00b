"""What is done with the numbers of a run: each step on its own, retried, safe to repeat.

A step knows the wheels that it was done for (`done`); what is published and not among them is its
work, so nothing is done twice and a wheel that becomes sure later is done then. Its beginning is
stored before, its outcome after: a step that is found `running` without its worker was cut off.
The archive and the site accept the same numbers again without harm. A message that was cut off may
have arrived; it is sent again, with a note.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from html import escape
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core.lib.clock import is_due, is_within
from core.lib.upstream import NotConfigured, UpstreamError
from core.workers.leader import Leadership
from core.workers.leases import LeaseLost
from lotto import ingest
from lotto import selectors as archive
from lotto.types import WHEELS, Draw, Source
from ocr import selectors
from ocr.ai import services as ai
from ocr.autobot import evidence, witnesses
from ocr.autobot import services as runs
from ocr.models import AutobotRun, AutobotStep, AutobotWheel
from ocr.outlets import lotto_site, telegram
from ocr.reader.types import SURE, Candidate, NumberReading, Reading
from ocr.selectors import Wheels
from ocr.types import (
    STEP_OPTIONS,
    Held,
    ImageRefused,
    Origin,
    RunStopped,
    StepName,
    StepState,
)

logger = logging.getLogger(__name__)

TRIES: Final = 8
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
MAX_WAIT_S: Final = 900.0  # that a service may ask for
ASLEEP_S: Final = 0.5
STEP_S: Final = 600.0  # the longest that one may take: an AI, asked again and again
IN_DOUBT: Final = SURE - 10  # the highest confidence of a wheel on which the checks do not agree


class Action(NamedTuple):
    """What does a step, for the leader, and whether its service is configured."""

    is_available: Callable[[], bool]
    do: Callable[[AutobotRun, Leadership, AutobotStep], Wheels | None]


class StepError(Exception):
    """A step failed for some wheels; the message is for people.

    `done`: the other ones. `is_final`: it would fail the same way again.
    """

    def __init__(self, text: str, *, done: Wheels, is_final: bool = False) -> None:
        super().__init__(text)
        self.done, self.is_final = done, is_final


def settle(run: AutobotRun, leadership: Leadership, halt: threading.Event) -> bool:
    """Do the run's steps until each of them is done or has failed; False when halted before.

    Raises LeaseLost, RunStopped.
    """
    while not halt.is_set():
        leadership.check(round_s=STEP_S)
        open_steps = [step for step in _steps(run) if _has_work(run, step)]
        if not open_steps:
            return True
        if any(step.name == StepName.WITNESS for step in open_steps):  # before all that is outward
            open_steps = [step for step in open_steps if step.name not in runs.OUTWARD]
        due = [step for step in open_steps if is_due(step.due_at, within_s=MAX_WAIT_S)]
        for step in due:
            if halt.is_set():
                return False
            leadership.check(round_s=STEP_S)
            _do(run, leadership, step)
        if not due:
            halt.wait(ASLEEP_S)
    return False


def report_contradictions(run: AutobotRun) -> None:
    """Compare what a run published with the archive; a difference is sent to staff once.

    The run is verified when the operator confirms all of it.
    """
    ours, stored = selectors.published(run), archive.stored(run.day)
    differ = {
        wheel: tuple(stored[wheel].numbers)
        for wheel, numbers in ours.items()
        if wheel in stored and tuple(stored[wheel].numbers) != numbers
    }
    if differ:
        step, _ = AutobotStep.objects.get_or_create(run=run, name=StepName.NOTICE)
        if step.done != runs.as_lists(differ) and _may_try(step):
            _try(step, lambda: _notify(run, step, ours, differ), on=_is_on(run, StepName.TELEGRAM))
    elif ours and all(wheel in stored and stored[wheel].verified for wheel in ours):
        AutobotRun.objects.filter(pk=run.pk).update(verified_at=timezone.now())
        logger.info("autobot.verified run=%s day=%s", run.pk, run.day)


# --- One step -------------------------------------------------------------------------------------


def _steps(run: AutobotRun) -> list[AutobotStep]:
    order: list[StepName] = list(runs.STEPS)
    found = run.steps.filter(name__in=order)
    return sorted(found, key=lambda step: order.index(StepName(step.name)))


def _has_work(run: AutobotRun, step: AutobotStep) -> bool:
    if step.state in (StepState.WAITING, StepState.RUNNING):
        return True
    is_outward = step.name in runs.OUTWARD
    if not is_outward or step.state not in (StepState.DONE, StepState.SKIPPED):
        return False
    return bool(_work(step, selectors.published(run)))  # the AI has made a wheel sure since


def _work(step: AutobotStep, wheels: Wheels) -> Wheels:
    """Those that the step was not done for, or with other numbers."""
    return {w: numbers for w, numbers in wheels.items() if step.done.get(w) != list(numbers)}


def _is_on(run: AutobotRun, name: StepName) -> bool:
    option = STEP_OPTIONS.get(name)
    is_wanted = option is None or bool(getattr(run, option))
    return is_wanted and ACTIONS[name].is_available()


def _do(run: AutobotRun, leadership: Leadership, step: AutobotStep) -> None:
    runs.update(run, leadership, message=f"{step.name}: at work")
    name = StepName(step.name)
    _try(step, lambda: ACTIONS[name].do(run, leadership, step), on=_is_on(run, name))


def _try(step: AutobotStep, do: Callable[[], Wheels | None], *, on: bool) -> None:
    """Do it once, and store the outcome; None from `do`: there was nothing to do."""
    if not on:
        _store(step, StepState.OFF)
        return
    was_cut_off = step.state == StepState.RUNNING
    if not _begin(step):
        return  # another process does it
    step.detail["was_cut_off"] = was_cut_off
    try:
        done = do()
    except (DatabaseFailure, LeaseLost, RunStopped):
        raise  # it stays `running`, and is done again by the next worker
    except StepError as exc:
        step.done = {**step.done, **runs.as_lists(exc.done)}
        _failed(step, str(exc), is_final=exc.is_final)
    except UpstreamError as exc:
        _failed(step, str(exc), exc.retry_after_s, is_final=exc.is_refused)
    except (NotConfigured, ImageRefused) as exc:
        _failed(step, str(exc), is_final=True)
    except Exception as exc:  # a bug of ours, but no reason to leave the other steps undone
        logger.exception("autobot.step_failing step=%s run=%s", step.name, step.run_id)
        _failed(step, type(exc).__name__)
    else:
        step.done = {**step.done, **runs.as_lists(done or {})}
        nothing_done = done is None and not step.done
        _store(step, StepState.SKIPPED if nothing_done else StepState.DONE)


def _begin(step: AutobotStep) -> bool:
    """Store that it begins; False when another process has begun it in the meantime."""
    begun = AutobotStep.objects.filter(pk=step.pk, tries=step.tries, state=step.state).update(
        state=StepState.RUNNING, tries=step.tries + 1, at=timezone.now()
    )
    step.tries += 1
    return bool(begun)


def _failed(
    step: AutobotStep, why: str, wait_s: float | None = None, *, is_final: bool = False
) -> None:
    pause_s = min(FIRST_PAUSE_S * 2 ** (step.tries - 1), LONGEST_PAUSE_S)
    pause_s = max(pause_s, min(wait_s or 0.0, MAX_WAIT_S))
    step.due_at = timezone.now() + timedelta(seconds=pause_s)
    is_last = is_final or step.tries >= TRIES
    _store(step, StepState.FAILED if is_last else StepState.WAITING, error=why)
    logger.warning("autobot.step_failed step=%s run=%s error=%s", step.name, step.run_id, why)


def _store(step: AutobotStep, state: StepState, *, error: str = "") -> None:
    """Store the outcome, even if the run was stopped meanwhile: it has happened."""
    step.state, step.error, step.at = state, error[:500], timezone.now()
    if state != StepState.WAITING:
        step.due_at = None
    step.detail.pop("was_cut_off", None)
    fields = ["state", "error", "at", "due_at", "done", "detail"]
    step.save(update_fields=fields)


def _may_try(step: AutobotStep) -> bool:
    """Whether a step that belongs to no run at work is due."""
    if step.state == StepState.RUNNING:  # cut off, or being done now
        return step.at is not None and not is_within(step.at, timedelta(minutes=2))
    if step.state in (StepState.FAILED, StepState.OFF):
        return False
    return is_due(step.due_at, within_s=MAX_WAIT_S)


# --- The steps ------------------------------------------------------------------------------------


def _validate(run: AutobotRun, leadership: Leadership, step: AutobotStep) -> Wheels | None:
    """Ask the AI where the OCR is in doubt; what both agree on is accepted."""
    picture = selectors.picture(run.pk, evidence.BOARD)
    # The picture is today's, and the draw's.
    rows = {row.wheel: row for row in run.wheels.exclude(held__in=[Held.OLD, Held.PAGE])}
    if picture is None or not rows:
        return None
    found = ai.validate(picture, Reading({code: _reading(row) for code, row in rows.items()}))
    sure = found.reading.sure()
    newly = [rows[code] for code in sure if not rows[code].is_taken]
    for row in newly:
        row.cells = runs.cells_of(found.reading.wheels[row.wheel])
        row.is_taken, row.origin = True, Origin.AI
        row.held = runs.why_held(run, row.wheel, sure[row.wheel])
    if newly:
        runs.store_wheels(run, leadership, newly)
    step.detail = {
        "model": found.model,
        "confidence": found.confidence,
        "agreed": runs.as_lists(found.agreed),
        "corrections": [list(each) for each in found.corrections],
        "disputed": [list(each) for each in found.disputed],
    }
    return selectors.published(run)


def _ask_witnesses(run: AutobotRun, leadership: Leadership, step: AutobotStep) -> Wheels | None:
    """Compare what was read with the second sources; what they contradict or lack is held."""
    held = ["", Held.WITNESS, Held.DISPUTED]
    rows = list(run.wheels.filter(is_taken=True, held__in=held).exclude(origin=Origin.PERSON))
    if not rows:
        return None
    answers = {**witnesses.ask(run.day), witnesses.AI: _agreed_by_ai(run)}
    for row in rows:
        numbers = tuple(number for number in row.numbers if number is not None)
        row.witnesses, row.held = witnesses.verdict(
            row.wheel, numbers, answers, needed=settings.OCR_CONFIRMED_BY
        )
    runs.store_wheels(run, leadership, rows)
    step.detail = {
        name: {w: list(n) for w, n in wheels.items()} for name, wheels in answers.items()
    }
    if waiting := [WHEELS[row.wheel] for row in rows if row.held == Held.WITNESS]:
        names, by = ", ".join(waiting), ", ".join(settings.OCR_CONFIRMED_BY)
        raise StepError(f"Not confirmed by {by} yet: {names}.", done=selectors.published(run))
    return selectors.published(run)


def _agreed_by_ai(run: AutobotRun) -> Wheels:
    """The wheels whose five numbers the AI said too, when it validated them."""
    step = run.steps.filter(name=StepName.VALIDATE).first()
    agreed = step.detail.get("agreed", {}) if step else {}
    return {wheel: tuple(numbers) for wheel, numbers in agreed.items()}


def _reading(row: AutobotWheel) -> tuple[NumberReading, ...]:
    """A wheel as a reading; one that is not accepted is in doubt, whatever its cells say."""
    maximum = 100.0 if row.is_taken else IN_DOUBT
    return tuple(
        NumberReading(
            number,
            min(confidence, maximum),
            tuple(Candidate(n, min(c, maximum)) for n, c in candidates),
        )
        for number, confidence, candidates in row.cells
    )


def _archive(run: AutobotRun, _leadership: Leadership, step: AutobotStep) -> Wheels | None:
    """Save what is missing; numbers of other sources or verified by the operator stay."""
    wheels = _work(step, selectors.published(run))
    if not wheels:
        return None
    by_person = {row.wheel for row in run.wheels.filter(origin=Origin.PERSON)}
    stored = archive.stored(run.day)
    differ = {w for w, n in wheels.items() if w in stored and tuple(stored[w].numbers) != n}
    theirs = {
        w for w in differ
        if stored[w].verified or (stored[w].source != Source.OCR and w not in by_person)
    }  # fmt: skip
    done: Wheels = {}
    for source, mine in (
        (Source.OCR, wheels.keys() - by_person),
        (Source.MANUAL, wheels.keys() & by_person),
    ):
        draws = [Draw(run.day, w, wheels[w]) for w in wheels if w in mine - theirs]
        if draws:
            ingest.save(draws, source=source, overwrite=bool(differ & mine - theirs))
            done |= {draw.wheel: draw.numbers for draw in draws}
    if theirs:
        names = ", ".join(WHEELS[wheel] for wheel in WHEELS if wheel in theirs)
        raise StepError(f"Stored with other numbers: {names}.", done=done, is_final=True)
    return done


def _upload(run: AutobotRun, _leadership: Leadership, step: AutobotStep) -> Wheels | None:
    wheels = _work(step, selectors.published(run))
    if not wheels:
        return None
    results = lotto_site.upload(run.day, wheels)
    done = {each.wheel: wheels[each.wheel] for each in results if each.is_done}
    failed = [each for each in results if not each.is_done]
    if failed or len(done) < len(wheels):
        why = "; ".join(f"{WHEELS[each.wheel]}: {each.detail}" for each in failed)
        raise StepError(why or "The site did not confirm all wheels.", done=done)
    return done


def _send_news(run: AutobotRun, _leadership: Leadership, step: AutobotStep) -> Wheels | None:
    """Send what is new; also that a draw was expected and nothing was found."""
    wheels = selectors.published(run)
    news = _work(step, wheels)
    if not news and (wheels or not runs.is_expected(run)):
        return None
    with translation.override(settings.LANGUAGE_CODE):
        text = _message(run, step, wheels, news)
    picture = selectors.picture(run.pk, evidence.BOARD)
    telegram.send(text, parse_mode="HTML", picture=picture)
    return news


def _message(run: AutobotRun, step: AutobotStep, wheels: Wheels, news: Wheels) -> str:
    parts = [f"<b>AutoBOT {run.day:%d/%m/%Y}</b>"]
    if news:
        parts = [telegram.draw_message(run.day, news)]
    if news and step.done:
        parts.insert(0, f"<b>{escape(_('Update'))}</b>")
    if step.detail.get("was_cut_off"):
        parts.append(escape(_("(Sent after an interruption: it may have come before.)")))
    if news and (evening := telegram.evening_message(run.day, wheels)):
        parts.append(evening)
    if news and (confirmed := _confirmed(run, news)):
        parts.append(escape(confirmed))
    if len(wheels) < len(WHEELS):
        parts.append(escape(runs.summary(run)))
    return "\n\n".join(parts)


def _confirmed(run: AutobotRun, wheels: Wheels) -> str:
    """Which second sources have confirmed how many of these wheels; "" without any."""
    counts = Counter(
        name for row in run.wheels.all() if row.wheel in wheels for name in row.witnesses
    )
    if not counts:
        return ""
    names = ", ".join(f"{name} ({count})" for name, count in counts.most_common())
    return _("Confirmed by: %(names)s.") % {"names": names}


def _notify(
    run: AutobotRun, step: AutobotStep, ours: Mapping[str, Any], differ: Wheels
) -> Wheels | None:
    """Send that the archive has other numbers now than were sent before."""
    with translation.override(settings.LANGUAGE_CODE):
        title = _("The draw of %(day)s is corrected") % {"day": f"{run.day:%d/%m/%Y}"}
    lines = [f"<b>{escape(title)}</b>", ""]
    for wheel, numbers in _work(step, differ).items():
        before, after = (" ".join(f"{n:02}" for n in each) for each in (ours[wheel], numbers))
        lines.append(f"<code>{escape(WHEELS[wheel].ljust(10))} {before} → {after}</code>")
    telegram.send("\n".join(lines), parse_mode="HTML")
    return differ


ACTIONS: Final = {
    StepName.VALIDATE: Action(ai.is_on, _validate),
    StepName.WITNESS: Action(witnesses.is_on, _ask_witnesses),
    StepName.ARCHIVE: Action(lambda: True, _archive),
    StepName.UPLOAD: Action(lotto_site.is_on, _upload),
    StepName.TELEGRAM: Action(telegram.is_on, _send_news),
}
