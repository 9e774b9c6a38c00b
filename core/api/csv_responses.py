"""Answers as CSV, line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from msgspec import Struct
from msgspec.structs import asdict
from rest_framework.renderers import BaseRenderer

from core.api.rest import JsonRenderer, to_json
from core.lib.days import local_day
from core.lib.spreadsheets import safe_cell


class CsvRenderer(BaseRenderer):
    """Makes `?format=csv` and `Accept: text/csv` known; the view streams the lines.

    What it does not stream itself (what OPTIONS describes) is JSON all the same.
    """

    media_type = "text/csv"
    format = "csv"

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        (renderer_context or {})["response"]["Content-Type"] = JsonRenderer.media_type
        return to_json(data)


def csv_response(
    name: str, fields: Sequence[str], documents: Iterable[Struct | Mapping[str, Any]]
) -> StreamingHttpResponse:
    """The documents as the file `<name>-<today>.csv`."""
    return StreamingHttpResponse(
        csv_lines(fields, documents),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}-{local_day()}.csv"'},
    )


def csv_lines(
    fields: Sequence[str], documents: Iterable[Struct | Mapping[str, Any]]
) -> Iterator[str]:
    """The header and one line for each document; no cell is a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(fields)
    for document in documents:
        row = asdict(document) if isinstance(document, Struct) else document
        writer.writerow([safe_cell(row[field]) for field in fields])
        if buffer.tell() > 64_000:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
