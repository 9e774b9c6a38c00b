"""What the chosen OCR engine lacks, as a Django system check with a hint."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from ocr.reader.needs import missing
from ocr.reading import engine_options


@register
def check_engine(**_kwargs: Any) -> list[CheckMessage]:
    """The packages and weights of OCR_ENGINE are here; nothing is loaded for it."""
    lacking = missing(settings.OCR_ENGINE, *engine_options())
    return [Error(lacking.what, hint=lacking.remedy, id="ocr.E001")] if lacking else []
