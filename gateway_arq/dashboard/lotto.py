"""The last draw as a board, and AutoBOT's progress."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse
from msgspec import to_builtins
from msgspec.structs import asdict

from core.lib.days import local_day
from lotto import selectors as archive
from lotto.dieci_e_lotto import dieci_e_lotto
from lotto.game_documents import evening_document
from lotto.rules import ROME, format_day
from lotto.types import WHEELS
from ocr import selectors
from ocr.autobot import services
from ocr.models import AutobotRun, Evidence
from ocr.serializers.autobot import status_document
from ocr.types import RunState

AT_WORK: Final = [RunState.CAPTURING.value, RunState.OCR.value, RunState.VALIDATING.value]
BOARD: Final = "board"  # in the place of a wheel's code: the whole picture


def draw() -> dict[str, Any]:
    """`day` (YYYY/MM/DD; None without a draw) and `wheels`: all eleven, each with its `numbers`.

    `next` is when the next draw begins, in Rome's time; `dieci` is the evening's 10eLotto as in
    `lotto_draw_saved`, or without fields.
    """
    newest, following = archive.latest(1), archive.next_draw()
    day, drawn = newest[0] if newest else (None, {})
    return {
        "day": format_day(day) if day else None,
        "wheels": _wheels(drawn),
        "dieci": to_builtins(evening_document(dieci_e_lotto(day, drawn))) if day else None,
        "next": f"{following[1].astimezone(ROME):%Y-%m-%d %H:%M}" if following else None,
    }


def autobot() -> dict[str, Any]:
    """The newest run as in `autobot_status`, but with `wheels` as on a board and a list of `steps`.

    `pictures` are those that the run has stored so far; `draw_due`: the calendar has a draw today.
    """
    run = selectors.latest()
    status = status_document(run)
    numbers = {code: status.wheels.get(name, ()) for code, name in WHEELS.items()}
    return {
        **{name: getattr(status, name) for name in ("status", "wheels_completed", "run")},
        # A run reports its progress in the API's language; its summary is in the reader's.
        "message": services.summary(run) if run and run.is_over else "",
        "total_wheels": status.total_wheels,
        "last_run": int(run.started_at.timestamp()) if run else None,
        "working": run is not None and not run.is_over,
        "draw_due": archive.calendar().on(local_day()) is not None,
        "schedule": selectors.schedule(),
        "wheels": _wheels(numbers),
        "steps": [{"name": name, **asdict(step)} for name, step in status.steps.items()],
        "pictures": _pictures(run) if run else [],
    }


def _pictures(run: AutobotRun) -> list[dict[str, Any]]:
    """Each with the `code` of its wheel or BOARD, `name`, and a `url` that changes when it does."""
    stored = {one.wheel: one for one in Evidence.objects.filter(run=run).only("wheel", "at")}
    return [
        {
            "code": code or BOARD,
            "name": WHEELS[code].capitalize() if code else BOARD,
            "url": reverse("dashboard-picture", args=[run.pk, code or BOARD])
            + f"?at={stored[code].at.timestamp():.3f}",
        }
        for code in ("", *WHEELS)
        if code in stored
    ]


def picture(run: int, wheel: str) -> bytes | None:
    """The JPEG of a run's wheel, or of its BOARD."""
    return selectors.picture(run, "" if wheel == BOARD else wheel)


def _wheels(drawn: Any) -> list[dict[str, Any]]:
    return [
        {"code": code, "name": name.capitalize(), "numbers": list(map(int, drawn.get(code, ())))}
        for code, name in WHEELS.items()
    ]
