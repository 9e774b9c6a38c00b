from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from core.lib.locks import lock_for_transaction, only_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_profiles]


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


def test_one_holder_at_a_time_and_each_name_is_its_own():
    with only_one("a") as mine:
        assert mine
        assert not in_a_thread(lambda: is_free("a"))
        assert in_a_thread(lambda: is_free("b"))
    assert in_a_thread(lambda: is_free("a"))


def test_a_name_is_free_again_after_an_error():
    with pytest.raises(ZeroDivisionError), only_one("a"):
        raise ZeroDivisionError
    assert in_a_thread(lambda: is_free("a"))


def test_who_did_not_get_it_does_not_free_it():
    with only_one("a"):
        in_a_thread(lambda: is_free("a"))
        assert not in_a_thread(lambda: is_free("a"))


def test_a_dead_holder_leaves_nothing_behind(postgres_url: str):
    with only_one("a"):
        connection.close()  # as when the process is killed
    assert in_a_thread(lambda: is_free("a"))


def test_transactions_take_turns():
    held, order = threading.Event(), []

    def second() -> None:
        held.wait(10)
        with transaction.atomic():
            lock_for_transaction("turns")
            order.append("second")

    thread = threading.Thread(target=in_a_thread, args=(second,))
    thread.start()
    with transaction.atomic():
        lock_for_transaction("turns")
        held.set()
        thread.join(0.2)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]
