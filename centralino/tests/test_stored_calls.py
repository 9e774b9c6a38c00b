"""Finished calls in the database: each once, whatever their linkedid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from centralino.channel_table import Table
from centralino.models import PbxCall
from centralino.services.calls import store_state
from centralino.types import PbxCallRecord

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def record(**facts: Any) -> PbxCallRecord:
    started_at = facts.pop("started_at", NOON)
    known = {
        "server": "asterisk_1", "linkedid": "1.1", "caller": "331", "caller_name": "",
        "exten": "899748963", "started_at": started_at, "answered_at": None,
        "ended_at": started_at + timedelta(seconds=9), "cause": 16, "cause_text": "",
    }  # fmt: skip
    return PbxCallRecord(**(known | facts))


OTHERS = [
    record(started_at=NOON + timedelta(hours=2)),
    record(started_at=NOON + timedelta(seconds=10)),
    record(ended_at=NOON + timedelta(hours=2)),
    record(caller="332", ended_at=NOON + timedelta(seconds=10)),
]


@pytest.mark.parametrize(
    "other", OTHERS, ids=["another start", "soon after", "another end", "another caller"]
)
@pytest.mark.parametrize("batches", [1, 2])
def test_a_linkedid_that_comes_again_is_another_call(other: PbxCallRecord, batches: int) -> None:
    both = [record(), other]
    for _ in range(2):  # a failed batch is written again
        for batch in [both] if batches == 1 else [[record()], [other]]:
            store_state("asterisk_1", Table(), 0, batch)
    stored = PbxCall.objects.order_by("id").values_list("linkedid", "caller", "ended_at")
    assert list(stored) == [
        ("1.1", "331", NOON + timedelta(seconds=9)),
        (f"1.1~{int(other.ended_at.timestamp())}", other.caller, other.ended_at),
    ]


def test_the_same_call_found_out_a_little_later_is_stored_once() -> None:
    late = NOON + timedelta(seconds=30)
    for ended_at in (NOON + timedelta(seconds=9), late):
        store_state("asterisk_1", Table(), 0, [record(ended_at=ended_at)])
    assert PbxCall.objects.get().ended_at == NOON + timedelta(seconds=9)


def test_the_same_linkedid_on_another_server_is_its_own() -> None:
    store_state("asterisk_1", Table(), 0, [record()])
    store_state("asterisk_2", Table(), 0, [record(server="asterisk_2", caller="332")])
    assert list(PbxCall.objects.values_list("linkedid", flat=True)) == ["1.1", "1.1"]
