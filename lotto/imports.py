"""Imports of files, and the sync with the operator's archive."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.lib.upstream import NotConfigured, UpstreamError
from core.workers import services as workers
from core.workers.leader import only_one
from lotto import files, ingest
from lotto.ingest import CheckedLines
from lotto.models import Intake
from lotto.types import Operator, Source
from lotto.upstream import HttpOperator

logger = logging.getLogger(__name__)

NAME: Final = "lotto.sync"  # the worker's
Lines = Iterable[bytes]


class Busy(Exception):
    """A sync is running already."""


def import_draws(lines: Lines, *, name: str) -> Intake:
    """Store the new draws of a file called `name`, and record the result.

    All of it or nothing, and nothing is locked while the file is read. Raises
    files.UnreadableArchive.
    """
    began = time.monotonic()
    return _stored(ingest.check_lines(lines), began, name=name, source=Source.IMPORT)


@transaction.atomic
def _stored(
    checked: CheckedLines, began: float, *, name: str, source: str, etag: str = ""
) -> Intake:
    report = ingest.store_checked(checked, source=source)
    return Intake.objects.create(
        at=timezone.now(),
        source=source,
        name=name[:200],
        inserted=report.inserted,
        skipped=report.skipped,
        verified=report.verified,
        corrected=report.corrected,
        rejected=report.rejected,
        errors=[error._asdict() for error in report.errors],
        duration_s=round(time.monotonic() - began, 3),
        etag=etag,
        version=ingest.version(),
    )


def sync(*, progress: Callable[[Lines], Lines] = iter) -> Intake:
    """Bring the archive in step with the operator's at LOTTO_ARCHIVE_URLS.

    `progress` gets the file's lines and yields them. Raises NotConfigured, Busy, or
    UpstreamError when no address has a readable archive; nothing is stored then.
    """
    if not settings.LOTTO_ARCHIVE_URLS:
        workers.disabled(NAME)
        raise NotConfigured("The sync is switched off: LOTTO_ARCHIVE_URLS is empty.")
    with only_one(NAME) as mine:
        if not mine:
            raise Busy("A sync is running already.")
        with workers.watched(NAME):
            operator = HttpOperator(timeout_s=settings.LOTTO_TIMEOUT_S)
            return sync_with(operator, settings.LOTTO_ARCHIVE_URLS, progress)


def sync_with(
    operator: Operator, urls: Iterable[str], progress: Callable[[Lines], Lines]
) -> Intake:
    """Import the operator's file from the first address that has it. Raises UpstreamError."""
    before = Intake.objects.filter(source=Source.SYNC).first()
    # "Unchanged" at the operator's counts only if our archive is unchanged as well.
    unchanged = before is not None and before.version == ingest.version()
    failures = []
    for url in urls:
        etag = before.etag if before and unchanged and before.name == url[:200] else ""
        try:
            document = operator.fetch(url, etag=etag)
            if document is None:
                return _unchanged(before)
            lines = progress(files.lines_of(io.BytesIO(document.body)))
            return _imported(lines, url, document.etag)
        except (UpstreamError, files.UnreadableArchive) as exc:
            failures.append(str(exc))
            logger.warning("lotto.archive_unusable url=%s error=%s", url, exc)
    raise UpstreamError("; ".join(failures))


def _imported(lines: Lines, url: str, etag: str) -> Intake:
    began = time.monotonic()
    checked = ingest.check_lines(lines)
    with transaction.atomic():
        done = _stored(checked, began, name=url, source=Source.SYNC, etag=etag)
        if not (done.inserted or done.skipped or done.corrected):
            raise UpstreamError(f"{url} contains no usable draw.")
    return done


def _unchanged(before: Intake | None) -> Intake:
    """The record of a sync whose file is the one imported by `before`."""
    assert before is not None  # only its ETag can have been confirmed
    return Intake.objects.create(
        at=timezone.now(),
        source=Source.SYNC,
        name=before.name,
        inserted=0,
        skipped=before.inserted + before.skipped + before.corrected,
        rejected=before.rejected,
        errors=before.errors,
        duration_s=0,
        etag=before.etag,
        version=before.version,
    )
