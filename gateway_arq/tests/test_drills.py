"""What the drills count, and that each has its promise; `make drills` inflicts them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from drills import faults, promises, runs
from drills.ledger import Ledger
from drills.runs import Figures
from drills.traffic import receive


def message(call: str, revision: int, *, ended: bool = True) -> dict[str, object]:
    return {
        "type": "call_event_realtime",
        "id": call,
        "revision": revision,
        "endedAt": 1 if ended else None,
    }


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger(clients=2)
    ledger.place(["a", "b"])
    return ledger


def test_call_is_known_when_every_client_has_its_end(ledger):
    for client in ledger.clients:
        receive(client, message("a", 3))
    receive(ledger.clients[0], message("b", 3))
    receive(ledger.clients[1], message("b", 2, ended=False))
    assert ledger.unknown(["a", "b"]) == ["b"]
    assert ledger.pushed(["a", "b"]) == 3
    receive(ledger.clients[1], {"type": "resync"})
    assert ledger.unknown(["a", "b"]) == []


def test_same_revision_twice_on_one_client_is_doubled(ledger):
    first, second = ledger.clients
    for client, revision in ((first, 1), (first, 2), (second, 1), (second, 1)):
        receive(client, message("a", revision, ended=False))
    assert ledger.doubled(["a", "b"]) == 1


def test_requests_that_failed_are_counted_by_outcome_and_kind(ledger):
    for kind, outcome in (("read", "200"), ("read", "503"), ("webhook", "502"), ("read", "503")):
        ledger.note(kind, outcome)
    assert ledger.failures(0, float("inf"), "read") == {"503": 2}
    assert ledger.last_failure(0, "webhook") == ledger.requests[2].ended_at
    assert ledger.last_failure(0, "livez") == 0


def test_longest_time_without_exactly_one_active_listener(ledger):
    ledger.active["ami"] = [(1, 1), (2, 0), (3, 2), (5, 1), (6, 0), (7, 1)]
    assert ledger.not_one_active(0, 10) == 3
    ledger.active["screening"] = [(4, 0)]
    assert ledger.not_one_active(0, 10) == 6


def test_every_drill_has_its_promise_in_the_documentation():
    assert promises.promises().keys() == faults.DRILLS.keys()


def test_row_that_promises_nothing_is_refused(tmp_path: Path):
    document = tmp_path / "architecture.md"
    head = "| drill | a | b | c | d | e | f |\n|---|---|---|---|---|---|---|\n"
    document.write_text(f"{head}| `one` | x | 502, 503 | may be | 10 s | | 20 |\n\nMore.")
    [promise] = promises.promises(document).values()
    assert promise == promises.Promise("one", frozenset({"502", "503"}), True, 10.0, None, 20)
    document.write_text(f"{head}| `one` | x | few | no | 10 s | | 20 |")
    with pytest.raises(ValueError, match="few"):
        promises.promises(document)


@pytest.mark.parametrize(
    ("figures", "what"),
    [
        (Figures(lost=1), "1 lost"),
        (Figures(doubled=2), "2 doubled"),
        (Figures(resyncs=4), "4 resyncs"),
        (Figures(failed=Counter({"500": 1, "503": 9})), "reads 500x1 503x9"),
        (Figures(unalive=Counter({"ReadTimeout": 1})), "/livez ReadTimeoutx1"),
        (Figures(one_active_s=11), "not one active for 11 s"),
        (Figures(lines=Counter({"beat-1": 21, "http-1": 3})), "21 lines of beat-1"),
        (Figures(recovery_s=[1, 12]), "back after 12 s"),
        (Figures(problems=["Redis: not within 60 s"]), "Redis: not within 60 s"),
    ],
)
def test_broken_promise_is_named(figures, what):
    promise = promises.Promise("one", frozenset({"503"}), False, 10.0, 10.0, 20)
    figures.recovery_s = figures.recovery_s or [1.0]
    assert runs.broken(figures, promise) == [what]
    kept = Figures(failed=Counter({"503": 9}), one_active_s=9, recovery_s=[9.0])
    assert runs.broken(runs.together([kept, kept]), promise) == []
