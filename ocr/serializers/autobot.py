"""JSON documents of AutoBOT."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Final

from core.api.documents import Document, Instant, like
from core.api.shapes import SLASHED_DAY
from core.lib.days import local_day
from lotto.rules import format_day
from lotto.types import WHEELS
from ocr import selectors
from ocr.models import AutobotConfig, AutobotRun
from ocr.serializers.common import Failure, Success, TimedDocument, Wheels, texts
from ocr.types import STEP_OPTIONS, AutobotOptions, RunState, StepName, StepState

_STATES: Final = "|".join(RunState)
StreamUrl = Annotated[str, like("https://cdn.example.com/stream.m3u8")]


class AutobotStepStateDocument(Document):
    state: Annotated[str, like("waiting", "|".join(StepState))]
    tries: Annotated[int, like(0)]
    error: Annotated[str, like("", "The last one; empty without")]


class AutobotStateDocument(Document, kw_only=True):
    """The fields from `run` on are additions to the reference."""

    status: Annotated[str, like("ocr", _STATES)]
    wheels_completed: Annotated[int, like(1, "Beyond doubt, and today's")]
    total_wheels: Annotated[int, like(11)]
    last_run: Annotated[
        Instant | None, like("2025-12-02T20:01:00Z", "When it was started; null: never")
    ]
    run: Annotated[int | None, like(7)]
    date: Annotated[str | None, like("2025/12/02", "The run's day"), SLASHED_DAY]
    message: Annotated[str, like("The board is on the air.", "What it does, or its outcome")]
    wheels: Wheels
    missing: Annotated[list[str], like(["CAGLIARI"])]
    confirmed_by: Annotated[
        dict[str, list[str]],
        like(
            {"BARI": ["ocr", "televideo"]}, "Who read each wheel, and the second sources that agree"
        ),
    ]
    steps: Annotated[
        dict[str, AutobotStepStateDocument],
        like({"archive": {"state": "waiting", "tries": 0, "error": ""}}),
    ]


class AutobotStateAtDocument(AutobotStateDocument, kw_only=True):
    timestamp: Annotated[Instant, like("2025-12-09T10:00:00Z")]


class AutobotStartedDocument(AutobotStateAtDocument):
    success: Success


class AutobotBusyDocument(AutobotStateDocument):
    detail: Annotated[str, like("AutoBOT is at work already. State: ocr.")]
    success: Failure


class AutobotStoppedDocument(TimedDocument):
    success: Success
    status: Annotated[str, like("idle")]
    previous_status: Annotated[str, like("capturing", _STATES)]
    message: Annotated[str, like("AutoBOT stopped")]


class AutobotConfigurationDocument(TimedDocument):
    stream_url: StreamUrl
    default_stream_url: StreamUrl
    schedule: Annotated[str, like("20:01 daily", "As the admin has it; `off`: not at all")]
    config: AutobotOptions


class AutobotConfiguredDocument(TimedDocument):
    success: Success
    config: AutobotOptions
    stream_url: StreamUrl
    message: Annotated[str, like("Configuration updated")]


def status_document(run: AutobotRun | None) -> AutobotStateDocument:
    """The `autobot/status` of the reference for that run, with our additions.

    A run that was stopped, or is over and of another day, does not count: AutoBOT is idle.
    """
    is_past = run is None or (run.is_over and run.day != local_day())
    state = RunState.IDLE if run is None or is_past else RunState(run.state)
    wheels = {} if run is None or state == RunState.IDLE else selectors.published(run)
    steps = run.steps.exclude(name=StepName.NOTICE) if run else ()
    return AutobotStateDocument(
        status=state.value,
        wheels_completed=len(wheels),
        total_wheels=len(WHEELS),
        last_run=run.started_at.astimezone(UTC).replace(microsecond=0) if run else None,
        run=run.pk if run else None,
        date=format_day(run.day) if run else None,
        message=run.message if run else "",
        wheels={WHEELS[code]: texts(wheels[code]) for code in wheels},
        confirmed_by={
            WHEELS[row.wheel]: [row.origin, *row.witnesses]
            for row in (run.wheels.all() if run else ())
            if row.wheel in wheels
        },
        missing=[WHEELS[code] for code in WHEELS if run and code not in wheels],
        steps={
            step.name: AutobotStepStateDocument(step.state, step.tries, step.error)
            for step in steps
        },
    )


def options_document(config: AutobotConfig) -> AutobotOptions:
    return AutobotOptions(**{name: getattr(config, name) for name in STEP_OPTIONS.values()})
