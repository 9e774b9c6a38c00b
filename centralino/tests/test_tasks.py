from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from centralino import tasks
from centralino.models import ListEntry, PbxCall, ScreenedCall
from centralino.services import lists
from core.tests.published import Commit, PublishedEvents
from core.workers.models import Health, WorkerStatus

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

NOON = datetime(2025, 12, 9, 11, 0, tzinfo=UTC)


def test_expired_entries_are_deleted_and_published(
    published_events: PublishedEvents, commit: Commit
):
    with time_machine.travel(NOON, tick=False) as clock:
        lists.blacklist_number("+393331234567", hours=1)
        lists.blacklist_number("+393339999999", hours=2)
        lists.blacklist_number("+3989*", hours=None)
        lists.allow_number("+393338888888", hours=1)
        clock.shift(timedelta(hours=1))
        with commit():
            tasks.expire()
    assert {entry.number for entry in ListEntry.objects.all()} == {"+393339999999", "+3989*"}
    (removed,) = published_events.of("blacklist_removed")
    assert (removed["number"], removed["reason"]) == ("3331234567", "expired")
    assert WorkerStatus.objects.get(name="asterisk.expire").health == Health.HEALTHY


def test_one_run_deletes_all_chunks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lists, "CHUNK_SIZE", 2)
    with time_machine.travel(NOON, tick=False) as clock:
        for n in range(5):
            lists.blacklist_number(f"+39333000000{n}", hours=1)
        clock.shift(timedelta(hours=1))
        tasks.expire()
    assert not ListEntry.objects.exists()


def screened(name: str, at: datetime) -> None:
    ScreenedCall.objects.create(
        server="asterisk_1", channel_id=name, verdict="passed", why="clean", at=at
    )


def called(name: str, at: datetime) -> None:
    PbxCall.objects.create(
        server="asterisk_1", linkedid=name, started_at=at, ended_at=at, duration_s=0
    )


@pytest.mark.parametrize(("days", "kept"), [(30, ["new"]), (0, ["new", "old"])])
def test_calls_past_their_retention_are_deleted(settings: Any, days: int, kept: list[str]):
    settings.PBX_RETENTION_DAYS = days
    for make in (called, screened):
        make("old", NOON - timedelta(days=30, seconds=1))
        make("new", NOON - timedelta(days=30))
    with time_machine.travel(NOON, tick=False):
        tasks.prune()
    assert sorted(PbxCall.objects.values_list("linkedid", flat=True)) == kept
    assert sorted(ScreenedCall.objects.values_list("channel_id", flat=True)) == kept


def test_a_failing_run_is_seen_among_the_workers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lists, "expire", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        tasks.expire()
    assert WorkerStatus.objects.get(name="asterisk.expire").health == Health.DEGRADED
