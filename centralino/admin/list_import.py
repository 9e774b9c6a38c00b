"""Files of the lists: tables as spreadsheets write them, the good rows of which are listed."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from import_export.fields import Field
from import_export.formats.base_formats import CSV
from import_export.resources import ModelResource
from import_export.results import Result
from tablib import Dataset

from centralino.models import ListEntry
from centralino.services import lists
from centralino.types import DEFAULT_HOURS, MAX_HOURS, Reason
from core.admin.workbooks import BoundedXlsx
from core.lib.numbers import NumberError, canonical
from core.lib.spreadsheets import time_of
from core.lib.table_files import ARCHIVE, BadLine, Table, UnreadableFile, lines_of, spelling
from core.lib.texts import is_plain, one_line

_READ: Final = ("number", "allowed", "note", "hours", "permanent", "expires_at")
_COLUMNS: Final = {spelling(name): name for name in _READ}
_LINE, _REASON = "line", "rejected because"  # of every row of a file: its place, and what is wrong
_YES: Final = ("1", "true", "vero")  # as programs and Italian spreadsheets write it
_NO: Final = ("", "0", "false", "falso")


class ListTable(CSV):
    """CSV with any usual separator and encoding."""

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def create_dataset(self, in_stream: bytes) -> Dataset:
        """The rows, each with its line. Raises UnreadableFile."""
        dataset = Dataset(headers=[*_READ, _LINE, _REASON])
        table = Table(lines_of(io.BytesIO(in_stream)), columns=_COLUMNS, required={"number"})
        for line, row in table.rows():
            cells, reason = ({}, str(row)) if isinstance(row, BadLine) else (row.cells, "")
            dataset.append([*(cells.get(name, "") for name in _READ), line, reason])
        return dataset


class ListWorkbook(BoundedXlsx):
    """The first sheet of a workbook."""

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> Dataset:
        """The rows, each with its line. Raises UnreadableFile."""
        if not in_stream.startswith(ARCHIVE):
            raise UnreadableFile(_("this is no workbook"))
        sheet = super().create_dataset(in_stream)
        names = [_COLUMNS.get(spelling(str(name)), name) for name in sheet.headers or ()]
        if "number" not in names:
            raise UnreadableFile(
                _("the first line must name the columns, among them %s") % "number"
            )
        dataset = Dataset(headers=[*_READ, _LINE, _REASON])
        for line, values in enumerate(sheet, 2):
            cells = dict(zip(names, map(_text, values), strict=True))
            if any(cells.values()):
                dataset.append([*(cells.get(name, "") for name in _READ), line, ""])
        return dataset


class PartialResult(Result):
    """What became of a file: rows that are wrong do not stop the others."""

    def has_validation_errors(self) -> bool:
        """Whether there is nothing else in the file."""
        return bool(self.invalid_rows) and not self.valid_rows()

    def append_invalid_row(self, number: int, row: Any, validation_error: Any) -> None:
        super().append_invalid_row(row[_LINE], row, validation_error)


class ImportedEntry(ModelResource):
    """One row is one number, listed as if staff had done it by hand.

    Columns: `number`; optionally `allowed` (1), `note`, and one of `hours`, `permanent` (1) and
    `expires_at` (local). Without those three a number is listed for 24 hours, an allowed one
    permanently.
    """

    number = Field("number", "number")
    allowed = Field("allowed", "allowed")
    hours = Field("hours", "hours")
    note = Field("note", "note")

    class Meta:
        model = ListEntry
        fields = ("number", "allowed", "hours", "note")
        import_id_fields = ("number",)
        skip_diff = True
        store_row_values = True  # the preview shows them

    @classmethod
    def get_result_class(cls) -> type[Result]:
        return PartialResult

    def get_or_init_instance(self, instance_loader: Any, row: Any) -> tuple[ListEntry, bool]:
        return ListEntry(), True

    def import_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        if row[_REASON]:
            raise ValidationError(row[_REASON])
        instance.number = _number(row["number"])
        instance.allowed = _flag(row, "allowed")
        instance.note = _note(row["note"])
        instance.hours = _hours(row, None if instance.allowed else DEFAULT_HOURS)

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        if instance.allowed:
            lists.allow_number(instance.number, hours=instance.hours, note=instance.note)
        else:
            lists.blacklist_number(
                instance.number, hours=instance.hours, reason=Reason.IMPORTED, note=instance.note
            )


def rejected_message(result: Result) -> str:
    """How many rows of a file were left out, and in which lines they stand."""
    lines = [row.number for row in result.invalid_rows]
    shown = ", ".join(map(str, lines[:20])) + (", ..." if len(lines) > 20 else "")
    text = ngettext("%(count)d row was left out: line %(lines)s.",
                    "%(count)d rows were left out: lines %(lines)s.", len(lines))  # fmt: skip
    return text % {"count": len(lines), "lines": shown}


def _text(value: Any) -> str:
    """A cell of a workbook as text, whatever type the spreadsheet gave it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _number(cell: str) -> str:
    try:
        return canonical(cell)
    except NumberError as exc:
        raise ValidationError({"number": str(exc)}) from None


def _note(cell: str) -> str:
    note = one_line(cell)[:200]
    if not is_plain(note):
        raise ValidationError({"note": _("Control characters are not allowed.")})
    return note


def _flag(row: Any, name: str) -> bool:
    text = row[name].lower()
    if text not in _YES + _NO:
        raise ValidationError({name: _("%s is neither 0 nor 1.") % repr(text[:20])})
    return text in _YES


def _hours(row: Any, default: int | None) -> int | None:
    """How long the row's number is listed; None: permanently."""
    hours, expires_at = row["hours"], row["expires_at"]
    if _flag(row, "permanent"):
        return None
    if hours:
        if not (hours.isascii() and hours.isdigit() and 1 <= int(hours[:6]) <= MAX_HOURS):
            reason = _("%(cell)s is not 1 to %(max)d hours.")
            raise ValidationError({"hours": reason % {"cell": repr(hours[:20]), "max": MAX_HOURS}})
        return int(hours)
    return _hours_until(expires_at) if expires_at else default


def _hours_until(cell: str) -> int:
    """Whole hours, rounded up, until the local time in `cell`."""
    try:
        at = time_of(cell)
    except ValueError:
        reason = _("%s is not a date with its time, as 31/12/2026 18:00.") % repr(cell[:40])
        raise ValidationError({"expires_at": reason}) from None
    hours = -((timezone.now() - at) // timedelta(hours=1))
    if not 1 <= hours <= MAX_HOURS:
        raise ValidationError({"expires_at": _("It is over, or more than ten years from now.")})
    return hours
