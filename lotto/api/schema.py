"""OpenAPI of `/api/lotto/*`: what the documents and the queries do not say themselves."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from core.api.documents import accepted, described
from core.api.openapi import in_query, query_parameters
from core.api.shapes import ANY_DAY
from lotto.api.queries import (
    ArchiveQuery,
    CalendarQuery,
    CheckTicketBody,
    DelaysQuery,
    ExportQuery,
    LatestQuery,
    PairsQuery,
    RangeQuery,
    SearchQuery,
)
from lotto.game_documents import TicketDocument
from lotto.serializers import (
    EXAMPLE_NUMBERS,
    CalendarDocument,
    CombinationSearchDocument,
    DayDeletedDocument,
    DelayedNumbersDocument,
    DrawConflictDocument,
    DrawOfDayDocument,
    DrawOfWheelDocument,
    DrawRangeDocument,
    DrawSavedDocument,
    ExportedDocument,
    FullDrawSavedDocument,
    ImportedDocument,
    ImportForbiddenDocument,
    LatestDrawsDocument,
    LottoStatsDocument,
    NoSuchDrawDocument,
    NumberStatisticsDocument,
    PairStatisticsDocument,
    SyncedDocument,
    SyncProblemDocument,
    WheelDeletedDocument,
)
from lotto.types import DRAWN, HIGHEST, WHEELS, Source

_TAGS: Final = ["Lotto"]
_DAY: Final = str((ANY_DAY.extra_json_schema or {})["pattern"])
_WHEEL: Final = "^[A-Za-z]{2,20}$"
_PART: Final = {
    "from_date": "Only from this day on, YYYY/MM/DD or YYYY-MM-DD",
    "to_date": "Only up to this day",
}
_OF_ARCHIVE: Final = {
    "ruota": "A wheel by code or name, or TUTTE: the ten city wheels without Nazionale",
    **_PART,
}
_MISSING: Final = {404: described(NoSuchDrawDocument)}


def _example(value: str) -> list[OpenApiExample]:
    return [OpenApiExample("Example", value)]


def _in_path(name: str, pattern: str, text: str, example: str) -> OpenApiParameter:
    schema = {"type": "string", "pattern": pattern}
    return OpenApiParameter(
        name, schema, OpenApiParameter.PATH, description=text, examples=_example(example)
    )


def _shown(parameters: list[OpenApiParameter], **examples: str) -> list[OpenApiParameter]:
    """The parameters, with examples of those that the snippets of `/docs` need."""
    for one in parameters:
        one.examples = _example(examples[one.name]) if one.name in examples else []
    return parameters


_DAY_IN_PATH: Final = _in_path("data", _DAY, "2025/12/07 or 2025-12-07", "2025/12/07")
_WHEEL_IN_PATH: Final = _in_path("ruota", _WHEEL, f"{', '.join(WHEELS)}, or a name (BARI)", "BA")

STATS: Final = extend_schema(
    tags=_TAGS, summary="Get counts of the archive", responses=described(LottoStatsDocument)
)
LATEST: Final = extend_schema(
    tags=_TAGS,
    summary="Get the latest draws by date",
    description="`?format=csv` (addition) has a row for each date.",
    parameters=query_parameters(LatestQuery, limit="Dates"),
    responses=described(LatestDrawsDocument),
)
CALENDAR: Final = extend_schema(
    tags=_TAGS,
    summary="Get the days of draws",
    description="On which days draws are held: by the weekly rule of the time since 1939, moved "
    "from national holidays, with the exceptions that staff have entered (addition to the "
    "reference). `next` is the first one that has not begun.",
    parameters=_shown(
        query_parameters(
            CalendarQuery, from_="First day; default: today", to="Last day; default: 30 days later"
        ),
        **{"from": "2026-12-01", "to": "2026-12-31"},
    ),
    responses=described(CalendarDocument),
)
DAY: Final = extend_schema(
    operation_id="lotto_date",
    tags=_TAGS,
    summary="Get all wheels of a date",
    parameters=[_DAY_IN_PATH],
    responses={200: described(DrawOfDayDocument), **_MISSING},
)
WHEEL: Final = extend_schema(
    operation_id="lotto_date_wheel",
    tags=_TAGS,
    summary="Get one wheel of a date",
    parameters=[_DAY_IN_PATH, _WHEEL_IN_PATH],
    responses={200: described(DrawOfWheelDocument), **_MISSING},
)
DELETE_DAY: Final = extend_schema(
    operation_id="lotto_date_delete",
    tags=_TAGS,
    summary="Delete all wheels of a date",
    parameters=[_DAY_IN_PATH],
    responses={200: described(DayDeletedDocument), **_MISSING},
)
DELETE_WHEEL: Final = extend_schema(
    operation_id="lotto_date_wheel_delete",
    tags=_TAGS,
    summary="Delete one wheel of a date",
    parameters=[_DAY_IN_PATH, _WHEEL_IN_PATH],
    responses={200: described(WheelDeletedDocument), **_MISSING},
)
RANGE: Final = extend_schema(
    tags=_TAGS,
    summary="Get the draws of a range of dates",
    parameters=_shown(
        query_parameters(
            RangeQuery,
            from_date="First day, YYYY/MM/DD or YYYY-MM-DD",
            to_date="Last day",
            ruota="One wheel, by code or name",
        ),
        from_date="2025-12-01",
        to_date="2025-12-07",
    ),
    responses=described(DrawRangeDocument),
)
NUMBERS: Final = extend_schema(
    tags=_TAGS,
    summary="Get frequency and delay of every number",
    description="Of each wheel, and of TUTTE (addition to the reference).",
    parameters=query_parameters(ArchiveQuery, **_OF_ARCHIVE),
    responses=described(NumberStatisticsDocument),
)
DELAYS: Final = extend_schema(
    tags=_TAGS,
    summary="Get the most delayed numbers of every wheel",
    description="The table of the ritardatari (addition to the reference).",
    parameters=query_parameters(DelaysQuery, limit="Numbers per wheel", **_OF_ARCHIVE),
    responses=described(DelayedNumbersDocument),
)
PAIRS: Final = extend_schema(
    tags=_TAGS,
    summary="Get frequency and delay of pairs",
    description="Of the 4,005 pairs (ambi) on one wheel, or on TUTTE (default) (addition to the "
    "reference).",
    parameters=query_parameters(
        PairsQuery,
        sort="Greatest first, by",
        numero="Only pairs with this number",
        **_OF_ARCHIVE,
    ),
    responses=described(PairStatisticsDocument),
)
SEARCH: Final = extend_schema(
    tags=_TAGS,
    summary="Search a combination in all draws",
    description="The draws in which the numbers came out together on one wheel, newest first "
    "(addition to the reference). A date is searched wheel by wheel.",
    parameters=_shown(
        query_parameters(
            SearchQuery,
            numeri="One to ten numbers: 5,12,90",
            ruota="A wheel by code or name; default TUTTE: the ten city wheels",
            sorte="The minimum outcome; default: all the numbers, up to five",
            **_PART,
        ),
        numeri="5,12",
    ),
    responses=described(CombinationSearchDocument),
)


CHECK: Final = extend_schema(
    tags=_TAGS,
    summary="Check a ticket",
    description="What a ticket won in a draw: the numbers that came out on each of its wheels, and "
    "the gross prize in cents by the operator's multiples of today (addition to the reference). "
    "TUTTE are the ten city wheels, without Nazionale. Stores nothing.",
    request=accepted(CheckTicketBody),
    responses={200: described(TicketDocument), **_MISSING},
)


def _numbers() -> s.ListField:
    child = s.IntegerField(min_value=1, max_value=HIGHEST)
    return s.ListField(child=child, min_length=DRAWN, max_length=DRAWN)


_OVERWRITE: Final = in_query("overwrite", bool, "Replace other numbers; also in the body")
_SAVE_FIELDS: Final[dict[str, Any]] = {
    "source": s.ChoiceField(choices=[source.value for source in Source], required=False),
    "overwrite": s.BooleanField(required=False, help_text="Replace other numbers"),
}
_CONFLICT: Final = {409: described(DrawConflictDocument)}


def _request(example: Any) -> list[OpenApiExample]:
    return [OpenApiExample("Request", example, request_only=True)]


SAVE: Final = extend_schema(
    tags=_TAGS,
    summary="Save one wheel of a date",
    parameters=[_OVERWRITE],
    request=inline_serializer(
        "SaveDraw",
        {
            "data": s.RegexField(_DAY),
            "ruota": s.RegexField(_WHEEL),
            "numeri": _numbers(),
            **_SAVE_FIELDS,
        },
    ),
    responses={200: described(DrawSavedDocument), **_CONFLICT},
    examples=_request(
        {"data": "2025/12/07", "ruota": "BA", "numeri": EXAMPLE_NUMBERS, "source": "manual"}
    ),
)
SAVE_FULL: Final = extend_schema(
    tags=_TAGS,
    summary="Save all wheels of a date",
    description="All or nothing: a wrong wheel is a 400 that names it, other numbers a 409.",
    parameters=[_OVERWRITE],
    request=inline_serializer(
        "SaveFullDraw",
        {"data": s.RegexField(_DAY), "wheels": s.DictField(child=_numbers()), **_SAVE_FIELDS},
    ),
    responses={200: described(FullDrawSavedDocument), **_CONFLICT},
    examples=_request({"data": "2025/12/07", "wheels": {"BARI": EXAMPLE_NUMBERS}, "source": "ocr"}),
)
IMPORT: Final = extend_schema(
    tags=_TAGS,
    summary="Import an archive file",
    description="A file of the import folder, or (addition) one uploaded as `file`: the operator's "
    "text, plain, gzip or ZIP. Lines that are wrong are reported and do not stop the others.",
    request={
        "application/json": inline_serializer("ImportFile", {"file_path": s.CharField()}),
        "multipart/form-data": inline_serializer("ImportUpload", {"file": s.FileField()}),
    },
    responses={200: described(ImportedDocument), 403: described(ImportForbiddenDocument)},
    examples=_request({"file_path": "storico.tsv"}),
)
EXPORT: Final = extend_schema(
    tags=_TAGS,
    summary="Export the archive as a TSV file",
    description="Into the export folder, for which a key needs the scope `write`; with "
    "`download=1` (addition) as the response itself, which any key may have.",
    parameters=query_parameters(ExportQuery, download="Stream the file"),
    responses={
        (200, "application/json"): described(ExportedDocument),
        (200, "text/tab-separated-values"): OpenApiTypes.STR,
    },
)
_NO_SYNC: Final = {
    409: "A sync is running already.",
    502: "The operator's archive is unavailable: no connection.",
    503: "The sync is switched off: LOTTO_ARCHIVE_URLS is empty.",
}
SYNC: Final = extend_schema(
    tags=_TAGS,
    summary="Sync with the operator's archive",
    description="Downloads the operator's ZIP and adds the draws that are missing. Draws that "
    "people or the OCR had stored otherwise are corrected, logged and published; those that agree "
    "become verified.",
    request=None,
    responses={200: described(SyncedDocument)}
    | {
        status: described(SyncProblemDocument, example={"detail": text, "success": False})
        for status, text in _NO_SYNC.items()
    },
)
