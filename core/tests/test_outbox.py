"""Events of committed transactions reach the log, whatever happens to their process or the log."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

import pytest
from django.db import connection, transaction

from core.lib.outage import Outage
from core.realtime.log import EventBody, MemoryLog, Parcel
from core.realtime.models import PendingEvents
from core.realtime.outbox import EVENTS_OF_A_ROW, Outbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_profiles]
WITHIN_S = 10


class Log(MemoryLog):
    """A log that outlives its writers; it may be away."""

    retryable_errors: tuple[type[Exception], ...] = (ConnectionError,)

    def __init__(self) -> None:
        super().__init__(10)
        self.outage = Outage("events.writing")
        self.is_away = False
        self.forgets_answer = False  # writes, and then the connection breaks
        self.numbers: dict[str, int] = {}
        self.words: list[str] = []  # "|" where a new epoch began

    def write(self, parcels: Sequence[Parcel]) -> None:
        if self.is_away:
            raise ConnectionError("away")
        for writer, number, events, broken in parcels:
            if number > self.numbers.get(writer, 0):
                self.numbers[writer] = number
                self.words += ["|"] * broken + [body.decode() for _, body in events]
        if self.forgets_answer:
            self.forgets_answer = False
            raise ConnectionError("no answer")

    def last_numbers(self, writers: Collection[str]) -> dict[str, int]:
        if self.is_away:
            raise ConnectionError("away")
        return {writer: self.numbers.get(writer, 0) for writer in writers}

    def wait_for(self, *words: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while self.words[-len(words) :] != [*words]:
            assert time.monotonic() < deadline, self.words
            time.sleep(0.005)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def outbox(log: Log) -> Iterator[Outbox]:
    outbox = Outbox(log, maximum=10)
    yield outbox
    outbox.close()


def events(*words: object) -> list[EventBody]:
    return [("test", str(word).encode()) for word in words]


def commit(outbox: Outbox, *words: object) -> None:
    with transaction.atomic():
        rows = outbox.store(events(*words))
    outbox.send(rows)


def killed_after_commit(log: Log, *words: object) -> None:
    """A process commits events and is killed before it writes them to the log."""
    with transaction.atomic():
        Outbox(log, maximum=10).store(events(*words))


def test_committed_events_are_in_the_log_and_no_longer_in_the_table(
    log: Log, outbox: Outbox
) -> None:
    commit(outbox, "a", "b")
    commit(outbox, "c")
    log.wait_for("a", "b", "c")
    outbox.close()
    assert not PendingEvents.objects.exists()


def test_what_is_rolled_back_is_not_in_the_log(log: Log, outbox: Outbox) -> None:
    with suppress(ZeroDivisionError), transaction.atomic():
        outbox.store(events("never"))
        raise ZeroDivisionError
    commit(outbox, "a")
    log.wait_for("a")
    assert log.words == ["a"]


def test_what_a_killed_process_left_comes_before_what_was_committed_later(
    log: Log, outbox: Outbox
) -> None:
    commit(outbox, "before")
    log.wait_for("before")
    killed_after_commit(log, "left")
    commit(outbox, "after")
    log.wait_for("before", "left", "after")


def test_what_a_killed_process_left_comes_though_nobody_publishes(log: Log, outbox: Outbox) -> None:
    outbox.start()
    killed_after_commit(log, "left")
    log.wait_for("left")


def test_a_row_that_is_in_the_log_already_is_only_deleted(log: Log, outbox: Outbox) -> None:
    """Its process was killed between the two."""
    killed_after_commit(log, "left")
    row = PendingEvents.objects.get()
    log.write([Parcel(row.writer, row.number, events("left"))])
    commit(outbox, "after")
    log.wait_for("left", "after")
    outbox.close()
    assert log.words == ["left", "after"]
    assert not PendingEvents.objects.exists()


def test_an_answer_that_was_lost_doubles_nothing(log: Log, outbox: Outbox) -> None:
    log.forgets_answer = True
    commit(outbox, "a")
    commit(outbox, "b")
    log.wait_for("a", "b")
    assert log.words == ["a", "b"]


def test_nothing_is_lost_or_turned_round_while_the_log_is_away(log: Log, outbox: Outbox) -> None:
    outbox._maximum = 1_000
    log.is_away = True
    for number in range(150):  # more than are kept in memory
        commit(outbox, number)
    log.is_away = False
    log.wait_for("149")
    assert log.words == [str(number) for number in range(150)]


def test_beyond_the_maximum_the_oldest_are_dropped_for_a_new_epoch(
    log: Log, outbox: Outbox
) -> None:
    log.is_away = True
    for number in range(25):
        with transaction.atomic():
            outbox.store(events(number))
    outbox._drop_beyond_maximum()
    assert PendingEvents.objects.count() == 11, "ten rows and the mark"
    log.is_away = False
    outbox.start()
    log.wait_for("24", "|")
    assert log.words[:-1] == [str(number) for number in range(15, 25)]


def test_a_broken_connection_to_the_database_loses_nothing(
    log: Log, outbox: Outbox, postgres_url: str
) -> None:
    commit(outbox, "a")
    log.wait_for("a")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    killed_after_commit(log, "left")
    commit(outbox, "b")
    log.wait_for("a", "left", "b")


def test_a_long_transaction_is_several_rows(log: Log, outbox: Outbox) -> None:
    words = [str(number) for number in range(2 * EVENTS_OF_A_ROW + 1)]
    with transaction.atomic():
        rows = outbox.store(events(*words))
    assert len(rows) == 3
    outbox.send(rows)
    log.wait_for(*words)


def test_closing_writes_all_that_is_stored(log: Log, outbox: Outbox) -> None:
    outbox.start()
    for number in range(30):
        killed_after_commit(log, number)
    outbox.close()
    assert log.words == [str(number) for number in range(30)]
    assert not PendingEvents.objects.exists()
