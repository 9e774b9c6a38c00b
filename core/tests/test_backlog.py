"""Facts that wait for the database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lib.backlog import Backlog


def test_facts_wait_in_order_until_they_are_stored():
    backlog: Backlog[int] = Backlog("calls")
    backlog.add(range(5))
    assert backlog.first(2) == [0, 1]
    assert backlog.first(2) == [0, 1]
    backlog.stored()
    backlog.add([5])
    assert backlog.first() == [2, 3, 4, 5]
    backlog.stored()
    assert len(backlog) == 0


def test_the_oldest_are_dropped_counted_and_told_once(caplog: pytest.LogCaptureFixture):
    backlog: Backlog[int] = Backlog("calls", maximum=3)
    for number in range(8):
        backlog.add([number])
    assert [record.getMessage() for record in caplog.records] == ["calls.losing most=3"]
    assert backlog.first() == [5, 6, 7]
    backlog.stored()
    assert [record.getMessage() for record in caplog.records][1:] == ["calls.lost count=5"]
    backlog.stored()
    assert len(caplog.records) == 2


@given(st.lists(st.integers(0, 6)), st.integers(1, 6))
def test_what_is_dropped_while_it_is_being_stored_takes_nothing_else_along(
    counts, returned_together
):
    backlog: Backlog[int] = Backlog("calls", maximum=5)
    number = stored_to = 0
    for count in counts:
        batch = backlog.first(returned_together)
        backlog.add(range(number, number + count))  # while the batch is being written
        number += count
        backlog.stored()
        stored_to = max([stored_to, *(item + 1 for item in batch)])
        assert backlog.first() == list(range(max(stored_to, number - 5), number))
