from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from webtv import ingest, retention
from webtv.models import Stream, ViewerRollup, ViewerSample
from webtv.rollups import DAY
from webtv.types import Sample

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

NOW = datetime(2025, 11, 15, 18, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _ten_days(stream: Stream) -> Any:
    with time_machine.travel(NOW, tick=False):
        ingest.store_samples([Sample(stream.pk, NOW - timedelta(days=n), n) for n in range(10)])
        yield


def test_seven_whole_days_before_today_are_stored(settings: Any) -> None:
    retention.prune()
    assert sorted(ViewerSample.objects.values_list("viewers", flat=True)) == list(range(8))
    assert ViewerRollup.objects.filter(span_s=DAY).count() == 8


def test_daily_figures_may_be_permanent(settings: Any) -> None:
    settings.WEBTV_DAILY_RETENTION_DAYS = 0
    settings.WEBTV_HOURLY_RETENTION_DAYS = 2
    retention.prune()
    assert ViewerRollup.objects.filter(span_s=DAY).count() == 10
    assert ViewerRollup.objects.exclude(span_s=DAY).count() == 6
    assert ViewerSample.objects.count() == 8


def test_many_rows_are_deleted_in_short_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK_SIZE", 1)
    assert retention.prune() == 8  # two days: a sample and three rollups each
    assert retention.prune() == 0
