"""`/api/lotto/`: saving, importing, exporting and syncing draws."""

from __future__ import annotations

from django.http import HttpResponse, QueryDict
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body, read_query
from core.api.rest import problem
from core.lib.days import current_second
from core.lib.upstream import NotConfigured, UpstreamError
from lotto import files, imports, ingest
from lotto.api import schema
from lotto.api.queries import ExportQuery, ImportBody, SaveBody, full_draw, one_draw
from lotto.rules import format_day
from lotto.serializers import (
    DrawSavedDocument,
    ExportedDocument,
    FullDrawSavedDocument,
    import_document,
    sync_document,
)


class SaveView(APIView):
    staff_permission = "lotto.change_extraction"

    @schema.SAVE
    def post(self, request: Request) -> Response | HttpResponse:
        draw, body = one_draw(request.data)
        try:
            saved = ingest.save([draw], source=body.source, overwrite=_overwrite(request, body))
        except ingest.Conflict as exc:
            return problem(409, str(exc), success=False, stored=exc.stored)
        return Response(
            DrawSavedDocument(
                True, format_day(draw.day), draw.wheel, draw.numbers,
                created=bool(saved.created), changed=bool(saved.changed),
                timestamp=current_second(),
            )
        )  # fmt: skip


class SaveFullView(APIView):
    staff_permission = "lotto.change_extraction"

    @schema.SAVE_FULL
    def post(self, request: Request) -> Response | HttpResponse:
        draws, body = full_draw(request.data)
        try:
            saved = ingest.save(draws, source=body.source, overwrite=_overwrite(request, body))
        except ingest.Conflict as exc:
            return problem(409, str(exc), success=False, stored=exc.stored)
        results = {
            wheel: state
            for state in ("created", "changed", "unchanged")
            for wheel in getattr(saved, state)
        }
        return Response(
            FullDrawSavedDocument(
                True, format_day(draws[0].day), len(draws), len(draws), errors=None,
                results=dict(sorted(results.items())), timestamp=current_second(),
            )
        )  # fmt: skip


class ImportView(APIView):
    staff_permission = "lotto.change_extraction"
    parser_classes = [*APIView.parser_classes, MultiPartParser]

    @schema.IMPORT
    def post(self, request: Request) -> Response | HttpResponse:
        upload = request.FILES.get("file")
        try:
            if upload is not None:
                done = imports.import_draws(files.lines_of(upload.file), name=upload.name)
            else:
                data = request.data
                body = read_body(data.dict() if isinstance(data, QueryDict) else data, ImportBody)
                with files.importable(body.file_path) as file:
                    done = imports.import_draws(files.lines_of(file), name=body.file_path)
        except files.Forbidden:
            return problem(403, "Only files of the import folder can be imported.")
        except files.UnreadableArchive as exc:
            raise ValidationError({"file_path" if upload is None else "file": [str(exc)]}) from None
        return Response(import_document(done, now=current_second()))


class SyncView(APIView):
    waits_for_others = True
    staff_permission = "lotto.change_extraction"

    @schema.SYNC
    def post(self, request: Request) -> Response | HttpResponse:
        try:
            done = imports.sync()
        except imports.Busy as exc:
            return problem(409, str(exc), success=False)
        except NotConfigured as exc:
            return problem(503, str(exc), success=False)
        except UpstreamError as exc:
            return problem(502, f"The operator's archive is unavailable: {exc}", success=False)
        return Response(sync_document(done, now=current_second()))


class ExportView(APIView):
    @schema.EXPORT
    def get(self, request: Request) -> Response | HttpResponse:
        query = read_query(request.query_params, ExportQuery)
        if not files.is_name(query.filename):
            raise ValidationError({"filename": ["A file name of A-Z a-z 0-9 . _ - is required."]})
        if query.download:
            # Whole, 4 MB at most in our lifetime: a cursor would belong to one thread.
            return HttpResponse(
                b"\n".join([*ingest.archive_lines(), b""]),
                content_type="text/tab-separated-values; charset=us-ascii",
                headers={"Content-Disposition": f'attachment; filename="{query.filename}"'},
            )
        count, path = files.export(query.filename)
        return Response(ExportedDocument(True, count, str(path), timestamp=current_second()))


def _overwrite(request: Request, body: SaveBody) -> bool:
    return body.overwrite or request.query_params.get("overwrite", "").lower() in ("true", "1")
