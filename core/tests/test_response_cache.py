from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import close_old_connections, connection, connections, transaction

from core.api import response_cache as module
from core.api.response_cache import MAX_CACHED, cached
from core.workers.models import WorkerStatus

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_profiles]


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    module._responses.clear()
    yield
    module._responses.clear()


def names() -> bytes:
    return ",".join(WorkerStatus.objects.values_list("name", flat=True)).encode()


def elsewhere(work) -> None:
    """Run `work` in another thread, thus over another connection."""

    def run() -> None:
        work()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_an_answer_is_made_once_while_nothing_is_committed():
    counts = []
    for attempt in range(50):  # other databases of this server move its snapshot on, too
        made: list[int] = []
        for _ in range(3):
            response = cached(attempt, lambda made=made: made.append(1) or b"answer")  # type: ignore[misc]
            assert response == b"answer"
        counts.append(len(made))
    assert min(counts) == 1


def test_names_have_answers_of_their_own():
    assert [cached(n, lambda n=n: str(n).encode()) for n in (1, 2, 1)] == [b"1", b"2", b"1"]  # type: ignore[misc]


def test_a_commit_of_this_connection_is_seen_at_once():
    assert cached("names", names) == b""
    WorkerStatus.objects.create(name="webcom.calls")
    assert cached("names", names) == b"webcom.calls"
    WorkerStatus.objects.all().delete()
    assert cached("names", names) == b""


def test_a_commit_of_another_connection_is_seen_at_once():
    assert cached("names", names) == b""
    elsewhere(lambda: WorkerStatus.objects.create(name="webcom.calls"))
    assert cached("names", names) == b"webcom.calls"


def test_what_another_connection_has_not_committed_is_not_seen_and_not_kept():
    begun, go_on = threading.Event(), threading.Event()

    def writer() -> None:
        with transaction.atomic():
            WorkerStatus.objects.create(name="webcom.calls")
            begun.set()
            go_on.wait(10)

    thread = threading.Thread(target=elsewhere, args=(writer,))
    thread.start()
    assert begun.wait(10)
    assert cached("names", names) == b""
    go_on.set()
    thread.join()
    assert cached("names", names) == b"webcom.calls"


def test_inside_a_transaction_its_own_changes_are_seen():
    assert cached("names", names) == b""
    with transaction.atomic():
        WorkerStatus.objects.create(name="webcom.calls")
        assert cached("names", names) == b"webcom.calls"
        transaction.set_rollback(True)
    assert cached("names", names) == b""


def test_a_new_connection_takes_no_answer_of_the_old_one():
    assert cached("names", names) == b""
    connection.close()
    elsewhere(lambda: WorkerStatus.objects.create(name="webcom.calls"))
    close_old_connections()
    assert cached("names", names) == b"webcom.calls"


def test_only_so_many_answers_are_kept():
    for number in range(MAX_CACHED + 10):
        cached(number, lambda: b"")
    assert len(module._responses) == MAX_CACHED
