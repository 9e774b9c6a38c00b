"""Workbooks that staff upload: a small file may unpack into any size."""

from __future__ import annotations

import io
from typing import Any, Final
from zipfile import ZipFile

from django.utils.translation import gettext as _
from import_export.formats.base_formats import XLSX

MAX_UNPACKED: Final = 50 * 1024 * 1024  # bytes: a hundred thousand rows of a list


def refuse_large(file: bytes) -> None:
    """Raise ValueError for a workbook that unpacks into too much, BadZipFile for none at all."""
    with ZipFile(io.BytesIO(file)) as archive:
        # The sizes that it names are as much as zipfile unpacks.
        if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
            raise ValueError(_("The workbook is too large unpacked."))


class BoundedXlsx(XLSX):
    """XLSX, refused before it is unpacked where it is larger than a list ever is."""

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> Any:
        """The first sheet. Raises as `refuse_large`."""
        refuse_large(in_stream)
        return super().create_dataset(in_stream, **kwargs)
