"""The rules and the operator's file, line by line."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotto.tsv import canonical, draw_of, line_of
from lotto.types import WHEELS, Draw, RuleError

LINE = b"2025/12/07\tBA\t12\t45\t67\t23\t89"
DRAWS = st.builds(
    Draw,
    st.dates(date(1939, 1, 7), date(2026, 5, 30)),
    st.sampled_from(sorted(WHEELS)),
    st.lists(st.integers(1, 90), min_size=5, max_size=5, unique=True).map(tuple),
)


@given(DRAWS)
def test_a_draw_survives_its_line(draw: Draw) -> None:
    line = line_of(draw)
    assert draw_of(line) == draw
    assert canonical(line) is line


def test_every_line_of_the_archive_is_canonical(archive: bytes) -> None:
    for line in archive.splitlines():
        assert canonical(line) is line


@pytest.mark.parametrize(
    "line",
    [
        b"2025-12-07\tBA\t12\t45\t67\t23\t89",
        b"2025/12/7\tbari\t12\t45\t67\t23\t89",
        b"\xef\xbb\xbf2025/12/07\t Ba \t12\t45\t67\t23\t89 ",
    ],
)
def test_other_spellings_become_the_operators(line: bytes) -> None:
    assert canonical(line) == LINE


def test_leading_zeros_and_the_other_name_of_the_national_wheel() -> None:
    assert canonical(b"2025/12/07\tNZ\t01\t2\t3\t4\t5") == b"2025/12/07\tRN\t1\t2\t3\t4\t5"


@pytest.mark.parametrize(
    "line",
    [
        b"2025/12/07\tBA\t12\t45\t67\t23",
        b"2025/12/07\tBA\t12\t45\t67\t23\t89\t1",
        b"2025/12/07 BA 12 45 67 23 89",
        b"2025/13/07\tBA\t12\t45\t67\t23\t89",
        b"2025/02/29\tBA\t12\t45\t67\t23\t89",
        b"2025-12/07\tBA\t12\t45\t67\t23\t89",
        b"2999/12/07\tBA\t12\t45\t67\t23\t89",
        b"0000/12/07\tBA\t12\t45\t67\t23\t89",
        b"2025/12/07\tXX\t12\t45\t67\t23\t89",
        b"2025/12/07\t\t12\t45\t67\t23\t89",
        b"2025/12/07\tBA\t0\t45\t67\t23\t89",
        b"2025/12/07\tBA\t91\t45\t67\t23\t89",
        b"2025/12/07\tBA\t99\t45\t67\t23\t89",
        b"2025/12/07\tBA\t12\t12\t67\t23\t89",
        b"2025/12/07\tBA\t12\t012\t67\t23\t89",
        b"2025/12/07\tBA\t-1\t45\t67\t23\t89",
        b"2025/12/07\tBA\t1.5\t45\t67\t23\t89",
        pytest.param(b"2025/12/07\tBA\t\xd9\xa3\t45\t67\t23\t89", id="an Arabic digit"),
        b"<html>",
        pytest.param(b"\0", id="NUL"),
        pytest.param(b"9" * 5_000, id="5,000 digits"),
    ],
)
def test_an_invalid_line_is_refused_with_a_reason(line: bytes) -> None:
    with pytest.raises(RuleError, match=r"\w"):
        canonical(line)


@given(st.binary(max_size=60))
def test_random_bytes_raise_nothing_but_rule_errors(line: bytes) -> None:
    with suppress(RuleError):
        assert canonical(line) == line_of(draw_of(line))
