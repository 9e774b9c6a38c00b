"""The rules and the operator's file, line by line."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotto.tsv import DrawLines, draw_of, line_of
from lotto.types import CITIES, WHEELS, Draw, RuleError

LINE = b"2025/12/07\tBA\t12\t45\t67\t23\t89"
DRAWS = st.builds(
    Draw,
    st.dates(date(1939, 1, 7), date(2026, 5, 30)),
    st.sampled_from(sorted(WHEELS)),
    st.lists(st.integers(1, 90), min_size=5, max_size=5, unique=True).map(tuple),
)


# A whole day as other archives have it: the national wheel last.
ORDER = (*CITIES, "RN")
DAY = {wheel: [9 * n + 1 + each for each in range(5)] for n, wheel in enumerate(CITIES)}
DAY["RN"] = [90, 89, 88, 87, 86]
WHOLE_DAY = [line_of(Draw(date(2025, 12, 6), wheel, tuple(DAY[wheel]))) for wheel in ORDER]


def canonical(line: bytes) -> bytes:
    """The one draw in a line. Raises its RuleError."""
    [draw] = DrawLines().read(line)
    if isinstance(draw, RuleError):
        raise draw
    return draw


def day(*, order: tuple[str, ...] = ORDER, mark: str = "\t") -> str:
    """`DAY` in one line, without names."""
    return mark.join(["06/12/2025", *(str(n) for wheel in order for n in DAY[wheel])])


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
        b"07/12/2025\tBA\t12\t45\t67\t23\t89",
        b"7-12-2025;BAR.;12;45;67;23;89",
        b"7.12.2025,bari,12,45,67,23,89",
        b"20251207|BA|12|45|67|23|89",
        b"2025/12/07  BA  12  45 67\xa023 89",
        "2025/12/07\xa0BA 12 45 67 23 89".encode(),
        b"2025-12-07 00:00:00;BA;12;45;67;23;89",
        b'"07/12/2025";"BA";"12";"45";"67";"23";"89"',
        b"2025/12/07\tBA\t12-45-67-23-89",
        b"2025/12/07;BA;12 45 67 23 89",
        b"196;07/12/2025;BA;12;45;67;23;89",
        b"Bari;07/12/2025;12;45;67;23;89",
        b"2025/12/07\tBA\t12\t45\t67\t23\t89\t\t",
    ],
)
def test_other_spellings_become_the_operators(line: bytes) -> None:
    assert canonical(line) == LINE


@pytest.mark.parametrize(
    ("name", "wheel"),
    [("RO", "RM"), ("ROM", "RM"), ("Roma", "RM"), ("NAZ", "RN"), ("Naz.", "RN"), ("NZ", "RN"),
     ("Nazionale", "RN"), ("NAP", "NA"), ("na", "NA"), ("VEN", "VE")],
)  # fmt: skip
def test_a_wheel_is_known_by_every_usual_name(name: str, wheel: str) -> None:
    line = LINE.replace(b"BA", name.encode())
    assert canonical(line) == LINE.replace(b"BA", wheel.encode())


@pytest.mark.parametrize("mark", ["\t", ";", " ", ","], ids=["tab", ";", "blank", ","])
def test_a_day_in_one_line_has_its_wheels_in_their_order(mark: str) -> None:
    assert DrawLines().read(day(mark=mark).encode()) == WHOLE_DAY
    before_2005 = day(order=CITIES, mark=mark).encode()
    assert DrawLines().read(before_2005) == WHOLE_DAY[:-1]


def test_a_day_in_one_line_may_lack_wheels() -> None:
    for blank in ("", "-", "0"):
        cells = day().split("\t")
        cells[6:11] = [blank] * 5  # Cagliari
        expected = [line for line in WHOLE_DAY if b"\tCA\t" not in line]
        assert DrawLines().read("\t".join(cells).encode()) == expected
    cells[-5:] = [""] * 5
    assert DrawLines().read("\t".join(cells).encode()) == expected[:-1]


@pytest.mark.parametrize("named", ["{}1;{}2;{}3;{}4;{}5", "{};;;;"])
def test_a_header_names_the_wheels_of_a_day_in_one_line(named: str) -> None:
    order = tuple(WHEELS)  # the operator's: the national wheel is the ninth
    header = ";".join(["DATA", *(named.replace("{}", wheel) for wheel in order)])
    reader = DrawLines()
    assert reader.read(header.encode()) == []
    found = reader.read(day(order=order, mark=";").encode())
    assert sorted(found, key=str) == sorted(WHOLE_DAY)


def test_a_day_in_one_line_may_name_each_wheel() -> None:
    named = [f"{wheel.lower()} " + " ".join(map(str, DAY[wheel])) for wheel in ORDER]
    assert DrawLines().read(f"2025-12-06 {' '.join(named)}".encode()) == WHOLE_DAY


def test_one_wrong_wheel_of_a_day_costs_no_other() -> None:
    cells = day().split("\t")
    cells[1] = "91"
    wrong, *good = DrawLines().read("\t".join(cells).encode())
    assert str(wrong) == "BA: 91 is not a number from 1 to 90."
    assert good == WHOLE_DAY[1:]


@pytest.mark.parametrize("count", [5, 49, 51, 54, 56, 60])
def test_a_day_of_which_it_is_not_clear_whose_the_numbers_are_is_refused(count: int) -> None:
    numbers = "\t".join(str(n % 90 + 1) for n in range(count))
    with pytest.raises(RuleError, match="no wheel before"):
        canonical(f"06/12/2025\t{numbers}".encode())


@pytest.mark.parametrize(
    "line",
    [b"", b"\xef\xbb\xbf", b" \t", b"\x1a", b"sep=;", b"DATA\tRUOTA\tN1\tN2\tN3\tN4\tN5",
     b"Concorso;Data;Ruota"],
)  # fmt: skip
def test_what_has_no_draw_is_no_wrong_draw(line: bytes) -> None:
    assert DrawLines().read(line) == []


def test_leading_zeros_and_the_other_name_of_the_national_wheel() -> None:
    assert canonical(b"2025/12/07\tNZ\t01\t2\t3\t4\t5") == b"2025/12/07\tRN\t1\t2\t3\t4\t5"


@pytest.mark.parametrize(
    "line",
    [
        b"2025/12/07\tBA\t12\t45\t67\t23",
        b"2025/12/07\tBA\t12\t45\t67\t23\t89\t1",
        b"07/12/25\tBA\t12\t45\t67\t23\t89",
        b"11/26/2025\tBA\t12\t45\t67\t23\t89",
        b"2025/12/07\tBA\t12\tx\t67\t23\t89",
        b"2025/12/07\tR\t12\t45\t67\t23\t89",
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
    for draw in DrawLines().read(line):
        assert isinstance(draw, RuleError) or draw == line_of(draw_of(draw))
