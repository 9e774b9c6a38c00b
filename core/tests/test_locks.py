from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from core.lib.locks import lock_for_transaction

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_profiles]


def test_transactions_take_turns():
    held, order = threading.Event(), []

    def second() -> None:
        try:
            held.wait(10)
            with transaction.atomic():
                lock_for_transaction("turns")
                order.append("second")
        finally:
            connection.close()

    thread = threading.Thread(target=second)
    thread.start()
    with transaction.atomic():
        lock_for_transaction("turns")
        held.set()
        thread.join(0.2)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]
