"""What follows from checks of a wheel."""

from __future__ import annotations

from ocr.autobot.votes import FrameChecks

A, B = (1, 2, 3, 4, 5), (1, 2, 3, 4, 6)


def test_one_check_that_agrees_is_enough() -> None:
    checks = FrameChecks()
    assert checks.accepted() is None
    checks.count(A, A)
    assert checks.accepted() == A


def test_check_in_doubt_counts_for_nothing() -> None:
    checks = FrameChecks()
    checks.count(A, None)
    assert (checks.accepted(), checks.contradicted) == (None, 0)


def test_contradiction_is_outvoted_by_three_checks_only() -> None:
    checks = FrameChecks()
    checks.count(A, B)
    for accepted in (None, None, A):
        checks.count(A, A)
        assert checks.accepted() == accepted


def test_accepted_numbers_are_in_doubt_when_others_are_seen() -> None:
    checks = FrameChecks()
    checks.count(A, A)
    checks.count(B, B)
    assert checks.accepted() is None
    checks.count(B, B)
    checks.count(B, B)
    assert checks.accepted() == B


def test_checks_are_restored_as_they_were_stored() -> None:
    checks = FrameChecks()
    checks.count(A, A)
    checks.count(A, B)
    assert FrameChecks.restored(checks.stored()) == checks
    assert FrameChecks.restored({}) == FrameChecks()
