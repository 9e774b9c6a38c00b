"""`/api/lotto/`: saving, importing, exporting and syncing draws."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body, read_query
from core.api.rest import problem
from core.lib.batches import batched
from lotto import files, imports, ingest
from lotto.api.queries import (
    ExportQuery,
    ImportBody,
    full_draw,
    one_draw,
)
from lotto.api.schema import archive
from lotto.api.views.responses import now_s
from lotto.rules import format_day
from lotto.types import OperatorError


class SaveView(APIView):
    staff_permission = "lotto.change_extraction"

    @archive.SAVE
    def post(self, request: Request) -> Response | HttpResponse:
        draw, wish = one_draw(request.data)
        try:
            saved = ingest.save([draw], source=wish.source, overwrite=_overwrite(request, wish))
        except ingest.Conflict as exc:
            return problem(409, str(exc), success=False, stored=exc.stored)
        return Response(
            {
                "success": True,
                "data": format_day(draw.day),
                "ruota": draw.wheel,
                "numeri": list(draw.numbers),
                "created": bool(saved.created),
                "changed": bool(saved.changed),
                "timestamp": now_s(),
            }
        )


class SaveFullView(APIView):
    staff_permission = "lotto.change_extraction"

    @archive.SAVE_FULL
    def post(self, request: Request) -> Response | HttpResponse:
        draws, wish = full_draw(request.data)
        try:
            saved = ingest.save(draws, source=wish.source, overwrite=_overwrite(request, wish))
        except ingest.Conflict as exc:
            return problem(409, str(exc), success=False, stored=exc.stored)
        results = {
            wheel: state
            for state in ("created", "changed", "unchanged")
            for wheel in getattr(saved, state)
        }
        return Response(
            {
                "success": True,
                "data": format_day(draws[0].day),
                "saved": len(draws),
                "total": len(draws),
                "errors": None,
                "results": dict(sorted(results.items())),
                "timestamp": now_s(),
            }
        )


class ImportView(APIView):
    staff_permission = "lotto.change_extraction"
    parser_classes = [*APIView.parser_classes, MultiPartParser]

    @archive.IMPORT
    def post(self, request: Request) -> Response | HttpResponse:
        upload = request.FILES.get("file")
        try:
            if upload is not None:
                done = imports.import_draws(files.lines_of(upload.file), name=upload.name)
            else:
                body = request.data
                wish = read_body(body.dict() if isinstance(body, QueryDict) else body, ImportBody)
                with files.importable(wish.file_path) as file:
                    done = imports.import_draws(files.lines_of(file), name=wish.file_path)
        except files.Forbidden:
            return problem(403, "Only files of the import folder can be imported.")
        except files.Unreadable as exc:
            raise ValidationError({"file_path" if upload is None else "file": [str(exc)]}) from None
        return Response(
            {
                "success": True,
                "inserted": done.inserted,
                "skipped": done.skipped,
                "rejected": done.rejected,
                "errors": done.errors,
                "duration_seconds": done.duration_s,
                "timestamp": now_s(),
            }
        )


class SyncView(APIView):
    staff_permission = "lotto.change_extraction"

    @archive.SYNC
    def post(self, request: Request) -> Response | HttpResponse:
        try:
            done = imports.sync()
        except imports.Busy as exc:
            return problem(409, str(exc), success=False)
        except imports.Disabled as exc:
            return problem(503, str(exc), success=False)
        except OperatorError as exc:
            return problem(502, f"The operator's archive cannot be had: {exc}", success=False)
        return Response(
            {
                "success": True,
                "imported": done.inserted,
                "skipped": done.skipped,
                "verified": done.verified,
                "corrected": done.corrected,
                "rejected": done.rejected,
                "errors": done.errors,
                "message": f"Sync completed: {done.inserted} new records imported",
                "timestamp": now_s(),
            }
        )


class ExportView(APIView):
    @archive.EXPORT
    def get(self, request: Request) -> Response | HttpResponse | StreamingHttpResponse:
        query = read_query(request.query_params, ExportQuery)
        if not files.is_name(query.filename):
            raise ValidationError({"filename": ["A file's name of A-Z a-z 0-9 . _ - is needed."]})
        if query.download:
            return StreamingHttpResponse(
                (b"\n".join([*some, b""]) for some in batched(ingest.archive_lines(), 1_000)),
                content_type="text/tab-separated-values; charset=us-ascii",
                headers={"Content-Disposition": f'attachment; filename="{query.filename}"'},
            )
        count, path = files.export(query.filename)
        return Response(
            {"success": True, "exported": count, "file_path": str(path), "timestamp": now_s()}
        )


def _overwrite(request: Request, wish: Any) -> bool:
    return bool(wish.overwrite) or request.query_params.get("overwrite", "").lower() in (
        "true",
        "1",
    )
