"""Pages that a run saw and did not take: what is kept of them for people. Pure."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone

from core.lib.labels import label_of
from ocr.labels import PAGE_KINDS
from ocr.models import AutobotRun
from ocr.reader.types import Page
from ocr.types import PageKind

MAX_TITLE: Final = 200
MAX_WORDS: Final = 100


def with_page(run: AutobotRun, page: Page) -> dict[str, Any] | None:
    """The run's pages with this one; None when there is one of its kind already.

    Under its kind are its title, its dates, the words that decided with their weights, and when.
    """
    kind = PageKind.EARLIER if page.kind == PageKind.DRAW else page.kind  # of another day
    if kind in run.pages:
        return None
    seen = {
        "title": page.title[:MAX_TITLE],
        "dates": [str(date) for date in page.dates],
        "words": [f"{each.words} ({each.weight:+})"[:MAX_WORDS] for each in page.reasons],
        "at": timezone.now().isoformat(timespec="seconds"),
    }
    return {**run.pages, kind: seen}


def listed(run: AutobotRun) -> str:
    """The pages that were not taken, in the active language."""
    return ", ".join(
        f"{seen['title']} ({label_of(PAGE_KINDS, kind)})" for kind, seen in run.pages.items()
    )
