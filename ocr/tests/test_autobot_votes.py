"""What looks at a wheel amount to."""

from __future__ import annotations

from ocr.autobot.votes import Looks

A, B = (1, 2, 3, 4, 5), (1, 2, 3, 4, 6)


def test_one_look_that_agrees_is_enough() -> None:
    looks = Looks()
    assert looks.taken() is None
    looks.count(A, A)
    assert looks.taken() == A


def test_a_look_in_doubt_counts_for_nothing() -> None:
    looks = Looks()
    looks.count(A, None)
    assert (looks.taken(), looks.contradicted) == (None, 0)


def test_a_contradiction_is_outvoted_by_three_looks_only() -> None:
    looks = Looks()
    looks.count(A, B)
    for taken in (None, None, A):
        looks.count(A, A)
        assert looks.taken() == taken


def test_what_was_taken_is_doubted_when_other_numbers_are_seen() -> None:
    looks = Looks()
    looks.count(A, A)
    looks.count(B, B)
    assert looks.taken() is None
    looks.count(B, B)
    looks.count(B, B)
    assert looks.taken() == B


def test_looks_come_back_as_they_were_stored() -> None:
    looks = Looks()
    looks.count(A, A)
    looks.count(A, B)
    assert Looks.restored(looks.stored()) == looks
    assert Looks.restored({}) == Looks()
