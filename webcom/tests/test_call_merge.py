from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from webcom.call_merge import merged
from webcom.tests.factories import NOON, call_payload, ended, record
from webcom.types import STAGES, CallRecord, Stage, parse_call

IN_PROGRESS = [state for state, stage in STAGES.items() if stage < Stage.LOST] + ["Transferring"]
ENDINGS = [state for state, stage in STAGES.items() if stage == Stage.ENDED]


def merged_in_order(updates: Iterable[CallRecord]) -> CallRecord:
    call = reduce(merged, updates, None)
    assert call is not None
    return call


@st.composite
def histories(draw: st.DrawFn) -> list[CallRecord]:
    """Updates of one call by the contract: revisions grow, known fields stay."""
    known: dict[str, Any] = {"id": "a", "timestamp": NOON}
    updates = []
    states = draw(st.lists(st.sampled_from(IN_PROGRESS), max_size=3))
    states.sort(key=lambda state: STAGES.get(state, Stage.TALKING))
    endings = draw(st.lists(st.sampled_from(ENDINGS), max_size=2))
    for revision, state in enumerate([*states, *endings] or ["Ringing"], 1):
        news = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "caller": st.sampled_from(["331", "332"]),
                    "cost": st.sampled_from([0.1, 0.2]),
                    "duration": st.integers(0, 9),
                    "timestamp": st.integers(NOON, NOON + 9),
                    "quality": st.integers(1, 3),
                },
            )
        )
        if state in ENDINGS:
            news["endedAt"] = NOON + 60
        known |= news
        updates.append(parse_call({**known, "state": state, "revision": revision}))
    return updates


@given(histories(), st.data())
def test_any_order_and_any_repetition_of_updates_give_the_same_call(
    updates: list[CallRecord], data: st.DataObject
):
    repeated = updates + data.draw(st.lists(st.sampled_from(updates), max_size=4))
    shuffled = data.draw(st.permutations(repeated))
    assert merged_in_order(shuffled) == merged_in_order(updates) == updates[-1]


@given(
    st.lists(
        st.tuples(st.sampled_from([*STAGES, "Transferring"]), st.integers(1, 50)),
        min_size=1,
        unique_by=lambda update: update[1],
    ),
    st.data(),
)
def test_updates_in_any_order_never_move_a_call_backwards(
    updates: list[tuple[str, int]], data: st.DataObject
):
    calls = [record(id="a", state=state, revision=revision) for state, revision in updates]
    stages, call = [], None
    for update in data.draw(st.permutations(calls)):
        call = merged(call, update)
        stages.append(call.stage)
    assert stages == sorted(stages)
    assert call == max(calls, key=lambda update: (update.stage, update.revision))


def test_an_update_without_news_gives_the_same_object():
    call = ended()
    assert merged(call, parse_call(call_payload(id=call.id, revision=1, state="Ringing"))) is call
    assert merged(call, call) is call


def test_fields_missing_from_the_later_update_stay():
    early = parse_call(call_payload(id="a", caller="331", quality=3, revision=1))
    late = parse_call({"id": "a", "state": "Ok", "timestamp": NOON, "revision": 2, "codec": "g711"})
    call = merged(early, late)
    assert (call.state, call.caller, call.cost) == ("Ok", "331", early.cost)
    assert call.extra == '{"codec":"g711","quality":3}'


def test_a_corrected_cost_replaces_the_first_one():
    assert merged(ended(id="a", cost=1, revision=3), ended(id="a", cost=2, revision=4)).cost == 2
    assert merged(ended(id="a", cost=2, revision=4), ended(id="a", cost=1, revision=3)).cost == 2


def test_updates_without_revision_apply_in_order_of_arrival():
    call = merged(record(id="a", cost=1, revision=4), record(id="a", cost=2, revision=0))
    assert (call.cost, call.revision) == (2, 4)


def test_a_lost_call_can_still_get_its_real_end():
    lost = record(id="a", state="Lost")
    assert merged(lost, ended(id="a")).state == "Ok"
    assert merged(lost, record(id="a", revision=9)).state == "Lost"


def test_an_unknown_state_is_stored_unchanged():
    assert (
        merged(record(id="a", state="Ringing", revision=1), record(id="a", state="In coda 7")).state
        == "In coda 7"
    )
