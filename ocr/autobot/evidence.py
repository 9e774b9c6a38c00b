"""The stored pictures of a run: the board, and of each wheel the part with its numbers."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import numpy as np
from django.conf import settings
from django.utils import timezone
from PIL import Image

from ocr.models import AutobotRun, Evidence
from ocr.reader.types import Box, Pixels

BOARD: Final = ""  # in the place of a wheel's code
QUALITY: Final = 88
ROOM: Final = 0.15  # around a wheel, of its own height


def jpeg(image: Pixels) -> bytes:
    """The picture as a file."""
    return _file(image, "JPEG", quality=QUALITY)


def png(image: Pixels) -> bytes:
    """The picture as a lossless file; quickly made, not small."""
    return _file(image, "PNG", compress_level=1)


def _file(image: Pixels, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image[:, :, ::-1])).save(file, kind, **options)
    return file.getvalue()


def store_board(run: AutobotRun, image: Pixels) -> None:
    """Store the whole picture in place of the one before."""
    _store(run, BOARD, jpeg(image))


def store_wheels(run: AutobotRun, image: Pixels, boxes: Mapping[str, Box]) -> None:
    """Store each wheel's part of the picture."""
    for wheel, box in boxes.items():
        part = cropped(image, box)
        if part.size:
            _store(run, wheel, jpeg(part))


def cropped(image: Pixels, box: Box) -> Pixels:
    """That part of the picture, with a little around it; empty where it is outside."""
    left, top, right, bottom = box
    room = int((bottom - top) * ROOM)
    return image[max(top - room, 0) : bottom + room, max(left - room, 0) : right + room]


def prune() -> int:
    """Delete pictures that are older than OCR_EVIDENCE_DAYS; returns how many there were."""
    if not settings.OCR_EVIDENCE_DAYS:
        return 0
    old: Any = Evidence.objects.filter(
        at__lt=timezone.now() - timedelta(days=settings.OCR_EVIDENCE_DAYS)
    )
    return int(old.delete()[0])


def _store(run: AutobotRun, wheel: str, file: bytes) -> None:
    Evidence.objects.update_or_create(
        run=run, wheel=wheel, defaults={"at": timezone.now(), "jpeg": file}
    )
