"""Workbooks that staff upload."""

from __future__ import annotations

import io
import zipfile

import pytest
import tablib
from django.utils import translation

from core.admin import workbooks
from core.admin.workbooks import BoundedXlsx


def test_a_workbook_is_read() -> None:
    file = tablib.Dataset(["3331234567"], headers=["number"]).export("xlsx")
    assert BoundedXlsx().create_dataset(file).dict == [{"number": "3331234567"}]


def test_a_workbook_that_unpacks_into_very_much_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", 1_000_000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(1_000_001))
    assert len(out.getvalue()) < 10_000
    with translation.override("en"), pytest.raises(ValueError, match="too large"):
        BoundedXlsx().create_dataset(out.getvalue())
