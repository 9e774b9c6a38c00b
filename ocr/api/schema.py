"""OpenAPI of `/api/ocr/*`: what the documents and the queries do not say themselves."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from core.api.documents import Document, described
from core.api.openapi import query_parameters
from ocr.api.queries import (
    AutobotConfigureBody,
    AutobotStartBody,
    LegacyDatesQuery,
    LegacyRiscontriQuery,
    OcrAiQuestionBody,
    OcrProcessBody,
    OcrUploadBody,
    RiscontriQuery,
    TelegramMessageBody,
)
from ocr.serializers.ai import OcrAiAnswerDocument, OcrAiModelsDocument, OcrConfigDocument
from ocr.serializers.autobot import (
    AutobotBusyDocument,
    AutobotConfigurationDocument,
    AutobotConfiguredDocument,
    AutobotStartedDocument,
    AutobotStateDocument,
    AutobotStoppedDocument,
)
from ocr.serializers.common import (
    ImageTooLargeDocument,
    LegacyRefusedDocument,
    OcrRefusedDocument,
    OcrWrongDocument,
    TelegramRefusedDocument,
)
from ocr.serializers.legacy import (
    LegacyDatesDocument,
    LegacyExtractionDocument,
    LegacyRiscontriDocument,
)
from ocr.serializers.readings import (
    OcrProcessedDocument,
    OcrRiscontriDocument,
    OcrUploadedDocument,
    TelegramSentDocument,
)

_TAGS: Final = ["OCR Lotto"]
# A white PNG of 32 by 32 pixels: what an example of a picture may be.
_PICTURE: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQAAAABbAUdZAAAAEU"
    "lEQVR42mP8z8DAwMQwaAkAswEBP25AfJYAAAAASUVORK5CYII="
)


def _refused(kind: type[Document], text: str, **more: Any) -> OpenApiResponse:
    return described(kind, example={"detail": text, **more})


def _off(text: str) -> OpenApiResponse:
    return _refused(OcrRefusedDocument, text, success=False)


def _not_sent(text: str) -> OpenApiResponse:
    return _refused(TelegramRefusedDocument, text, success=False, sent=0)


def _request(**fields: Any) -> list[OpenApiExample]:
    return [OpenApiExample("Request", fields, request_only=True)]


_TOO_LARGE: Final = described(ImageTooLargeDocument)
_NO_AI: Final = {
    502: _off("OpenRouter: Provider returned error"),
    503: _off("AI validation is not configured."),
}
_NO_SITE: Final = {
    502: _off("The Lotto site: POST /api/draws: the connection was cut"),
    503: _off("The Lotto site is not configured."),
}
_NO_LEGACY: Final = {
    502: _refused(LegacyRefusedDocument, "The legacy database is not as documented."),
    503: _refused(LegacyRefusedDocument, "The legacy database does not answer. Try again."),
}
_NO_DRAW: Final = {404: _refused(LegacyRefusedDocument, "The legacy database has no draw.")}

PROCESS: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_process",
    summary="Read the numbers of a draw off an image",
    description=(
        "`wheels` holds only wheels whose five numbers are all beyond doubt; the other wheels of "
        "the board are in `doubtful`. An image without a board has neither. With `ai_validation` "
        "a number in doubt becomes sure where the AI and the OCR, or the AI twice, agree on it; a "
        "sure number is never changed. What fails afterwards (AI, Telegram, upload) is reported "
        "in its own field, and the reading stays."
    ),
    request=OcrProcessBody,
    responses={
        200: described(OcrProcessedDocument),
        413: _TOO_LARGE,
        503: _off("Too many images are waiting to be read. Try again."),
    },
    examples=_request(image_base64=_PICTURE),
)
TELEGRAM: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_telegram_send",
    summary="Send a message to staff on Telegram",
    description="A message longer than Telegram takes is sent in parts.",
    request=TelegramMessageBody,
    responses={
        200: described(TelegramSentDocument),
        400: _not_sent("Telegram: Bad Request: can't parse entities"),
        413: _TOO_LARGE,
        502: _not_sent("Telegram: POST /sendMessage: no connection (refused or unreachable)"),
        503: _not_sent("Telegram is not configured."),
    },
    examples=_request(message="<b>BARI</b> 50 29 12 47 73", parse_mode="HTML"),
)
UPLOAD: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_lotto_upload",
    summary="Put a draw on the Lotto site",
    description=(
        "Safe to repeat: the site keeps one draw per day and wheel, and other numbers replace it. "
        "Nothing is sent when any wheel is wrong (400). `success`: whether all wheels are there."
    ),
    request=OcrUploadBody,
    responses={200: described(OcrUploadedDocument), **_NO_SITE},
    examples=_request(
        wheels={"BARI": ["50", "29", "12", "47", "73"]}, data_estrazione="2025-12-02"
    ),
)
RISCONTRI: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_riscontri",
    summary="The Lotto site's page of wins",
    description=(
        "The page as the site gives it, up to 2 MB. It is another site's HTML: show it in a "
        "sandboxed frame only."
    ),
    parameters=query_parameters(RiscontriQuery, da="Entries to skip"),
    responses={200: described(OcrRiscontriDocument), **_NO_SITE},
)
AI_VALIDATE: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_ai_validate",
    summary="Ask a vision model about an image",
    description=(
        "The text goes to the model with the image, and its answer comes back as it is: nothing is "
        "stored but what it cost. To have a reading validated use `ai_validation` of "
        "`/api/ocr/process`. 503 with `Retry-After` when OpenRouter asks to wait, or the month's "
        "budget is used up."
    ),
    request=OcrAiQuestionBody,
    responses={
        200: described(OcrAiAnswerDocument),
        400: _refused(
            OcrWrongDocument,
            "There is no vision model 'openai/gpt-3.5-turbo' to ask.",
            success=False,
        ),
        413: _TOO_LARGE,
        **_NO_AI,
    },
    examples=_request(image_base64=_PICTURE, prompt="Verify these numbers: BARI 50 29 12 47 73"),
)
AI_MODELS: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_ai_models",
    summary="The vision models that may be asked",
    description="OpenRouter's list, at most an hour old; `OPENROUTER_MODELS` may narrow it.",
    responses={200: described(OcrAiModelsDocument), **_NO_AI},
)
OCR_CONFIG: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_config",
    summary="What of the OCR is switched on",
    responses=described(OcrConfigDocument),
)
STATUS: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_autobot_status",
    summary="Get what AutoBOT does",
    description="It starts by itself at 20:01 (Europe/Rome); `/ws` sends the same as it changes.",
    responses=described(AutobotStateDocument),
)
START: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_autobot_start",
    summary="Start reading the draw off the live stream",
    request=AutobotStartBody,
    responses={
        200: described(AutobotStartedDocument),
        409: described(AutobotBusyDocument),
        503: _off("No stream is configured."),
    },
)
STOP: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_autobot_stop",
    summary="Stop AutoBOT",
    description=(
        "The run is over at once; what it has read stays and can be seen, sent and stored from the "
        "admin. Its worker lets the stream go within 5 s. A success also where nothing was at work."
    ),
    request=None,
    responses=described(AutobotStoppedDocument),
)
CONFIG: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_autobot_config",
    summary="Get how AutoBOT is configured",
    responses=described(AutobotConfigurationDocument),
)
CONFIGURE: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_autobot_configure",
    summary="Change how AutoBOT is configured",
    description=(
        "What is left out stays. The stream's address must be http or https, and must not lead to "
        "an internal network; an empty one is the default."
    ),
    request=AutobotConfigureBody,
    responses=described(AutobotConfiguredDocument),
)
LEGACY_DATES: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_riscontri2_dates",
    summary="Get the days with a draw in the legacy database",
    parameters=query_parameters(LegacyDatesQuery, limit="Days, newest first"),
    responses={200: described(LegacyDatesDocument), **_NO_LEGACY},
)
LEGACY_EXTRACTION: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_riscontri2_extraction",
    summary="Get the newest draw of the legacy database",
    responses={200: described(LegacyExtractionDocument), **_NO_DRAW, **_NO_LEGACY},
)
LEGACY_RISCONTRI: Final = extend_schema(
    tags=_TAGS,
    operation_id="ocr_riscontri2_riscontri",
    summary="Compare the predictions of the legacy database with its newest draw",
    description=(
        "The predictions made for the last `by_dates` draws, each against the newest one. "
        "`stats_last3` counts those of the three newest days among them."
    ),
    parameters=query_parameters(
        LegacyRiscontriQuery, by_dates="Draws that predictions are looked for"
    ),
    responses={200: described(LegacyRiscontriDocument), **_NO_DRAW, **_NO_LEGACY},
)
