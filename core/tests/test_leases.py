"""Who may work, until when, and what a holder that is late may still write: nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from core.workers import leases
from core.workers.leader import only_one
from core.workers.leases import LEASE_S, LeaseLost
from core.workers.models import Lease, WorkerStatus

NAME = "job"

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]


def expires_in(seconds: float) -> None:
    Lease.objects.filter(name=NAME).update(expires_at=Now() + timedelta(seconds=seconds))


@pytest.fixture
def another_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on this is another process."""
    return lambda: monkeypatch.setattr(leases, "_PROCESS", "another")


def test_a_lease_is_one_s_alone_until_it_expires() -> None:
    first = leases.take(NAME)
    assert first is not None
    assert leases.take(NAME) is None
    expires_in(-1)
    second = leases.take(NAME)
    assert second is not None
    assert second > first
    assert not leases.renew(NAME, first)
    assert leases.renew(NAME, second)


def test_an_expired_lease_that_nobody_took_goes_on() -> None:
    token = leases.take(NAME)
    assert token is not None
    expires_in(-60)
    assert leases.renew(NAME, token)
    assert leases.take(NAME) is None


def test_a_freed_lease_is_free_at_once_and_its_token_is_worth_nothing() -> None:
    token = leases.take(NAME)
    assert token is not None
    leases.release(NAME, token)
    assert Lease.objects.get().holder == ""
    with pytest.raises(LeaseLost), transaction.atomic():
        leases.hold(NAME, token)
    assert not leases.renew(NAME, token)
    assert (leases.take(NAME) or 0) > token


def test_a_late_holder_frees_nothing() -> None:
    token = leases.take(NAME)
    assert token is not None
    expires_in(-1)
    leases.take(NAME)
    leases.release(NAME, token)
    assert leases.take(NAME) is None


def test_an_end_that_nobody_can_have_set_is_none() -> None:
    """The database's clock was an hour ahead, and the holder was killed then."""
    leases.take(NAME)
    expires_in(3_600)
    assert leases.take(NAME) is not None


def test_what_is_written_without_the_lease_is_not_written() -> None:
    token = leases.take(NAME)
    expires_in(-1)
    leases.take(NAME)

    def write() -> None:
        with transaction.atomic():
            WorkerStatus.objects.create(name="late")
            leases.hold(NAME, token)

    with pytest.raises(LeaseLost):
        write()
    assert not WorkerStatus.objects.exists()


def test_on_sqlite_a_restarted_process_leads_at_once(another_process: Callable[[], None]) -> None:
    """Nobody else can be alive there. On PostgreSQL the lease of a killed process expires."""
    first = leases.take(NAME)
    another_process()
    second = leases.take(NAME)
    if connection.vendor == "sqlite":
        assert (first, second) == (1, 2)
    else:
        assert second is None


def test_names_fit() -> None:
    assert len(leases.holder()) <= Lease._meta.get_field("holder").max_length
    assert LEASE_S < 10


# --- Transactions in earnest: two connections -------------------------------------------------


def in_a_thread(work: Callable[[], Any]) -> Any:
    """What `work` returns in another thread, with a connection of its own."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    return results[0]


def is_free(name: str) -> bool:
    with only_one(name) as mine:
        return mine


@pytest.mark.django_db(transaction=True)
def test_one_run_at_a_time_and_each_name_is_its_own() -> None:
    with only_one("a") as mine:
        assert mine
        assert not in_a_thread(lambda: is_free("a"))
        assert in_a_thread(lambda: is_free("b"))
    assert in_a_thread(lambda: is_free("a"))


@pytest.mark.django_db(transaction=True)
def test_a_name_is_free_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), only_one("a"):
        raise ZeroDivisionError
    assert in_a_thread(lambda: is_free("a"))


@pytest.mark.django_db(transaction=True)
def test_who_did_not_get_it_does_not_free_it() -> None:
    with only_one("a"):
        in_a_thread(lambda: is_free("a"))
        assert not in_a_thread(lambda: is_free("a"))


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_not_taken_between_the_check_and_the_commit(postgres_url: str) -> None:
    token = leases.take(NAME)
    expires_in(-1)
    taken: list[Any] = []
    with transaction.atomic():
        WorkerStatus.objects.create(name="in time")
        leases.hold(NAME, token)
        thread = threading.Thread(
            target=lambda: taken.append(in_a_thread(lambda: leases.take(NAME)))
        )
        thread.start()
        thread.join(0.3)
        assert taken == []
    thread.join(10)
    assert taken == [(token or 0) + 1]
    assert WorkerStatus.objects.exists()
