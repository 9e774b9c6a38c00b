from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from ocr.api.schema.common import ADDED, TAGS, refused
from ocr.types import STEP_OPTIONS, RunState, StepState

_AT: Final = "2025-12-09T10:00:00Z"
_STATES: Final = "|".join(RunState)


class AutobotStepState(s.Serializer[Any]):
    state = s.CharField(help_text="|".join(StepState))
    tries = s.IntegerField()
    error = s.CharField(help_text="The last one; empty without")


class AutobotState(s.Serializer[Any]):
    status = s.CharField(help_text=_STATES)
    wheels_completed = s.IntegerField(help_text="Beyond doubt, and today's")
    total_wheels = s.IntegerField()
    last_run = s.DateTimeField(allow_null=True, help_text="When it was started; null: never")
    run = s.IntegerField(allow_null=True, help_text=ADDED)
    date = s.CharField(allow_null=True, help_text=f"The run's day {ADDED}")
    message = s.CharField(help_text=f"What it does, or what became of it {ADDED}")
    wheels = s.DictField(child=s.ListField(child=s.CharField()), help_text=ADDED)
    missing = s.ListField(child=s.CharField(), help_text=ADDED)
    steps = s.DictField(child=AutobotStepState(), help_text=f"What is done with them {ADDED}")


class AutobotStarted(AutobotState):
    success = s.BooleanField()
    timestamp = s.DateTimeField()


class AutobotBusy(AutobotState):
    detail = s.CharField()
    success = s.BooleanField()


class AutobotOptions(s.Serializer[Any]):
    ai_validation = s.BooleanField()
    auto_upload = s.BooleanField()
    telegram_notify = s.BooleanField()
    save_to_db = s.BooleanField()


def _example(state: str, **more: Any) -> dict[str, Any]:
    return {
        "status": state,
        "wheels_completed": 1,
        "total_wheels": 11,
        "last_run": "2025-12-02T20:01:00Z",
        "run": 7,
        "date": "2025/12/02",
        "message": "The board is on the air.",
        "wheels": {"BARI": ["50", "29", "12", "47", "73"]},
        "missing": ["CAGLIARI"],
        "steps": {"archive": {"state": "waiting", "tries": 0, "error": ""}},
        **more,
    }


def _response(shape: Any, example: Any) -> OpenApiResponse:
    return OpenApiResponse(
        shape, examples=[OpenApiExample("As documented", example, response_only=True)]
    )


_OPTIONAL: Final[dict[str, Any]] = {
    name: s.BooleanField(required=False, allow_null=True, help_text="Null: as configured")
    for name in STEP_OPTIONS.values()
}

STATUS: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_autobot_status",
    summary="Get what AutoBOT does",
    description="It starts by itself at 20:01 (Europe/Rome); `/ws` sends the same as it changes.",
    responses={200: _response(AutobotState, _example("ocr"))},
)
START: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_autobot_start",
    summary="Start reading the draw off the live stream",
    request=inline_serializer(
        "AutobotStart",
        {
            **_OPTIONAL,
            "extraordinary": s.BooleanField(
                required=False, help_text=f"A draw is due though it is no draw day {ADDED}"
            ),
        },
    ),
    responses={
        200: _response(
            AutobotStarted,
            _example("capturing", success=True, message="AutoBOT started", timestamp=_AT),
        ),
        409: OpenApiResponse(
            AutobotBusy,
            examples=[
                OpenApiExample(
                    "At work",
                    _example(
                        "ocr", detail="AutoBOT is at work already. State: ocr.", success=False
                    ),
                )
            ],
        ),
        503: refused("No stream is configured."),
    },
)
STOP: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_autobot_stop",
    summary="Stop AutoBOT",
    description=(
        "The run is over at once; what it has read stays and can be seen, sent and stored from the "
        "admin. Its worker lets the stream go within 5 s. A success also where nothing was at work."
    ),
    request=None,
    responses={
        200: _response(
            inline_serializer(
                "AutobotStopped",
                {
                    "success": s.BooleanField(),
                    "status": s.CharField(help_text="idle"),
                    "previous_status": s.CharField(help_text=_STATES),
                    "message": s.CharField(),
                    "timestamp": s.DateTimeField(),
                },
            ),
            {
                "success": True,
                "status": "idle",
                "previous_status": "capturing",
                "message": "AutoBOT stopped",
                "timestamp": _AT,
            },
        )
    },
)
_CONFIGURED: Final = dict.fromkeys(STEP_OPTIONS.values(), True)
_STREAM: Final = "https://cdn.example.com/stream.m3u8"
CONFIG: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_autobot_config",
    summary="Get how AutoBOT is configured",
    responses={
        200: _response(
            inline_serializer(
                "AutobotConfiguration",
                {
                    "stream_url": s.CharField(),
                    "default_stream_url": s.CharField(),
                    "schedule": s.CharField(help_text="As the admin has it; `off`: not at all"),
                    "config": AutobotOptions(),
                    "timestamp": s.DateTimeField(),
                },
            ),
            {
                "stream_url": _STREAM,
                "default_stream_url": _STREAM,
                "schedule": "20:01 daily",
                "config": _CONFIGURED,
                "timestamp": _AT,
            },
        )
    },
)
CONFIGURE: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_autobot_configure",
    summary="Change how AutoBOT is configured",
    description=(
        "What is left out stays. The stream's address must be http or https, and must not lead to "
        "an internal network; an empty one is the default."
    ),
    request=inline_serializer(
        "AutobotConfigure",
        {
            "stream_url": s.CharField(
                required=False, allow_null=True, allow_blank=True, max_length=2000
            ),
            **_OPTIONAL,
        },
    ),
    responses={
        200: _response(
            inline_serializer(
                "AutobotConfigured",
                {
                    "success": s.BooleanField(),
                    "config": AutobotOptions(),
                    "stream_url": s.CharField(),
                    "message": s.CharField(),
                    "timestamp": s.DateTimeField(),
                },
            ),
            {
                "success": True,
                "config": _CONFIGURED,
                "stream_url": _STREAM,
                "message": "Configuration updated",
                "timestamp": _AT,
            },
        )
    },
)
