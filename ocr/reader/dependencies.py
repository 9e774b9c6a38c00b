"""What an engine needs beyond requirements.txt, found out without loading any of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final, NamedTuple

PACKAGES: Final = ("torch", "torchvision", "easyocr")
INSTALL: Final = ".venv/bin/python -m pip install -r requirements-easyocr.txt"
STOCK: Final = "english_g2.pth"  # EasyOCR's own weights


class Missing(NamedTuple):
    """What reading lacks, and what to do about it, for people."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


def missing(engine: str, models: str = "", download: str = "") -> Missing | None:
    """What the engine lacks here, or None; for the options see `engines.easyocr`."""
    if engine != "easyocr":
        return None
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        return Missing(
            f"OCR_ENGINE is easyocr, and not installed: {', '.join(absent)}.",
            f"Run {INSTALL} and start again, or use OCR_ENGINE=rapidocr.",
        )
    if models and not download and not (Path(models) / STOCK).is_file():
        return Missing(
            f"EasyOCR's weights {Path(models) / STOCK} are missing.",
            "Put the file there, or allow its download with OCR_EASYOCR_DOWNLOAD=true, or unset "
            "OCR_EASYOCR_MODELS to read with our own network.",
        )
    return None
