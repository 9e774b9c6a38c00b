from __future__ import annotations

import re

import pytest

from core.lib.spreadsheets import safe_cell
from core.lib.texts import LINE, TEXT, is_plain, one_line, plain


@pytest.mark.parametrize("odd", ["\x00", "\x01", "\x0b", "\x1f", "\x7f", "\x85", "\ufffe"])
def test_a_control_character_is_in_no_text(odd: str) -> None:
    for text in (odd, f"a{odd}b"):
        assert not is_plain(text)
        assert not is_plain(text, lines=True)
        assert not re.search(LINE, text)
        assert not re.search(TEXT, text)
        assert odd not in plain(text)


def test_tabs_and_line_breaks_are_in_texts_and_in_no_line() -> None:
    text = "first\n\tsecond\r\n"
    assert is_plain(text, lines=True)
    assert re.search(TEXT, text)
    assert plain(text) == text
    assert one_line(text) == "first second "
    assert not is_plain(text)
    assert not re.search(LINE, text)


@pytest.mark.parametrize("text", ["", "perché no", "\U0001f600 5 €", "日本"])
def test_what_people_write_is_plain(text: str) -> None:
    assert is_plain(text)
    assert plain(text) == text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("rings\x01 at night", "rings at night"),
        ("\x01=cmd()", "'=cmd()"),
        ("\x7f+1+1", "'+1+1"),
        ("+39", "+39"),
        (5, 5),
        (None, None),
    ],
)
def test_a_cell_has_no_control_character_and_hides_no_formula_behind_one(
    value: object, cell: object
) -> None:
    assert safe_cell(value) == cell
