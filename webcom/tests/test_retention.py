from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from webcom import ingest, retention, rollups, selectors
from webcom.models import Call, CallRollup, Delivery, Unreadable
from webcom.tests.factories import NOON, ended, epoch, stored

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]


@pytest.fixture
def ten_days(settings: Any) -> Any:
    """Calls are kept ten days, and it is NOON."""
    settings.CALL_RETENTION_DAYS = 10
    with time_machine.travel(NOON, tick=False):
        yield


def test_calls_are_permanent_by_default():
    stored(ended(timestamp=epoch(2001, 1, 1)))
    assert retention.prune() == 0
    assert Call.objects.exists()


def test_whole_local_days_are_pruned(ten_days: None):
    first_kept = epoch(2025, 11, 4, 23)  # midnight in Rome
    stored(ended(id="old", timestamp=first_kept - 1))
    stored(ended(id="kept", timestamp=first_kept))
    assert retention.prune() == 1
    assert list(Call.objects.values_list("id", flat=True)) == ["kept"]


def test_figures_are_pruned_with_the_calls(ten_days: None):
    ingest.store_calls(
        [ended(timestamp=epoch(2025, 11, 1, 12)), ended(timestamp=NOON - 7_200)], announce=False
    )
    rollups.recount()
    retention.prune()
    assert selectors.day_totals(date(2025, 11, 1)).calls == 0
    rollups.recount()
    assert selectors.day_totals(date(2025, 11, 1)).calls == 0
    assert selectors.day_totals(date(2025, 11, 15)).calls == 1
    assert CallRollup.objects.count() == 2


def test_pruning_goes_in_small_batches(ten_days: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "CHUNK_SIZE", 3)
    ingest.store_calls([ended(timestamp=epoch(2025, 10, 1) + n) for n in range(7)], announce=False)
    sizes: list[int] = []
    real = rollups.mark_dirty
    monkeypatch.setattr(
        rollups,
        "mark_dirty",
        lambda epochs: (marked := list(epochs), sizes.append(len(marked)), real(marked)),
    )
    assert retention.prune() == 7
    assert sizes == [3, 3, 1]


def test_deliveries_and_unreadable_payloads_have_their_own_time():
    now = timezone.now()
    for name, age in (("old", timedelta(days=2, hours=1)), ("new", timedelta(days=1))):
        Delivery.objects.create(id=name, received_at=now - age)
    for name, age in (("old", timedelta(days=91)), ("new", timedelta(days=89))):
        Unreadable.objects.create(digest=name, first_at=now - age, last_at=now - age)
    assert retention.prune() == 0
    assert [row.pk for row in (*Delivery.objects.all(), *Unreadable.objects.all())] == [
        "new",
        "new",
    ]


def test_the_oldest_unreadable_payloads_beyond_their_number_are_pruned(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(retention, "MAX_UNREADABLE", 2)
    now = timezone.now()
    for minutes in range(5):
        at = now - timedelta(minutes=minutes)
        Unreadable.objects.create(digest=str(minutes), first_at=at, last_at=at)
    retention.prune()
    assert set(Unreadable.objects.values_list("digest", flat=True)) == {"0", "1"}
