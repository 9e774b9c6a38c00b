"""Control characters: no text that people write has them, and no spreadsheet may hold them."""

from __future__ import annotations

import re
from typing import Final

# As character classes without their brackets. U+FFFE and U+FFFF are in no XML, so in no XLSX.
NOT_IN_TEXT: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff"
NOT_IN_LINE: Final = r"\x00-\x1f\x7f-\x9f\ufffe\uffff"
TEXT: Final = rf"^[^{NOT_IN_TEXT}]*\Z"  # of any number of lines, with tabs
LINE: Final = rf"^[^{NOT_IN_LINE}]*\Z"

_LINE_BREAKS: Final = re.compile(r"\s*[\r\n]\s*")
_NOT_IN_TEXT: Final = re.compile(f"[{NOT_IN_TEXT}]")
_NOT_IN_LINE: Final = re.compile(f"[{NOT_IN_LINE}]")


def is_plain(text: str, *, lines: bool = False) -> bool:
    """Whether `text` has no control characters; with `lines` it may have tabs and line breaks."""
    return not (_NOT_IN_TEXT if lines else _NOT_IN_LINE).search(text)


def one_line(text: str) -> str:
    """`text` with a blank for each break of a line."""
    return _LINE_BREAKS.sub(" ", text) if "\n" in text or "\r" in text else text


def plain(text: str) -> str:
    """`text` without control characters; tabs and line breaks stay."""
    return _NOT_IN_TEXT.sub("", text)


def without_control(text: str) -> str:
    """`text` with a blank for each control character, line breaks included."""
    return _NOT_IN_LINE.sub(" ", text)
