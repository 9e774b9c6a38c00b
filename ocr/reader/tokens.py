"""Lines of text taken apart: names of wheels, and places of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lotto.types import WHEELS
from ocr.reader.page_words import NO_WHEELS, OF_WHEELS
from ocr.reader.types import Name, Number, TextLine

CODES: Final = {
    **{code: code for code in WHEELS},
    **{name[:3]: code for code, name in WHEELS.items()},
    "RO": "RM", "NZ": "RN", "NAZ": "RN", "NAZ.LE": "RN",
}  # fmt: skip
SHORTEST_NAME: Final = 4  # ROMA; the end of CAGLIARI is no BARI
ALIKE: Final = 0.74  # of a name's letters; one of ROMA's four may be wrong
LIKER: Final = 0.9  # a word that it is rather than the name
MAX_LETTERS_GONE: Final = 1  # of a name
DIGITS_APART: Final = 0.72  # of the line's height, from middle to middle: more is another number
UNEVEN: Final = 1.2  # of the gaps between a number's digits: those that part numbers
LETTERS_APART: Final = 1.3
LONGEST_NUMBER: Final = 2


def names_and_numbers(lines: Iterable[TextLine]) -> tuple[list[Name], list[Number]]:
    """What on these lines may be a wheel's name, and what may be a number."""
    names, numbers = [], []
    for line in lines:
        runs = list(_runs(line))
        is_prose = _is_prose([text for text, _ in runs])
        begins: float | None = None  # a word before a name that goes with it: "R. NAZ."
        for text, places in runs:
            wheel = wheel_of(text)
            if wheel and not is_prose:
                names.append(
                    _name(wheel, line, places[0] if begins is None else begins, places[-1])
                )
                begins = None
            elif text.isdigit() or len(line.text) <= LONGEST_NUMBER:
                begins = None
                for at in _numbers(line, text, places):
                    numbers.append(Number(tuple(_at(line, at).tolist()), _height(line)))
            elif begins is None:
                begins = places[0]
    return names, numbers


def wheel_of(text: str) -> str:
    """The wheel of this name or code, or "": also where another word explains it better."""
    if text in CODES:
        return CODES[text]
    if len(text) < SHORTEST_NAME:
        return ""
    upper = text.upper()
    alike = {code: _alike(upper, name) for code, name in WHEELS.items()}
    best = max(alike, key=lambda code: alike[code])
    if alike[best] < ALIKE or len(text) < len(WHEELS[best]) - MAX_LETTERS_GONE:
        return ""
    if alike[best] == 1:
        return best
    other = max(_alike(upper, word) for word in NO_WHEELS)
    return "" if other >= LIKER and other > alike[best] else best


def is_code(line: TextLine) -> bool:
    """Whether it is a wheel's code and nothing else."""
    return line.text.strip(" .:") in CODES


def _is_prose(words: Sequence[str]) -> bool:
    """Whether words stand on the line that neither are wheels nor go with them.

    "ROMA 12° MILANO 9° FTSE MIB", "PALERMO CALCIO": names in prose are not a board's.
    """
    others = [word for word in words if word.isalpha() and not wheel_of(word)]
    has_codes = any(word in CODES for word in words)
    shortest = 2 if has_codes else SHORTEST_NAME
    return any(len(word) >= shortest and word.upper() not in OF_WHEELS for word in others)


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _numbers(line: TextLine, text: str, places: Sequence[float]) -> list[float]:
    """The middles of the numbers in a run of digits, which wider gaps part into pairs."""
    if len(text) > LONGEST_NUMBER:
        gaps = np.diff(places)
        groups = np.split(np.array(places), np.flatnonzero(gaps > _parting(gaps)) + 1)
    else:
        groups = [np.array(places)]
    return [float(group.mean()) for group in groups if len(group) <= LONGEST_NUMBER]


def _parting(gaps: NDArray[np.float64]) -> float:
    """The gap over which numbers are parted: where narrow and wide ones differ least within."""
    ranked = np.sort(gaps)
    cuts = range(1, len(ranked))
    within = [ranked[:cut].var() * cut + ranked[cut:].var() * (len(ranked) - cut) for cut in cuts]
    cut = int(np.argmin(within)) + 1
    narrow, wide = ranked[:cut].mean(), ranked[cut:].mean()
    return float(ranked[cut - 1] if wide > narrow * UNEVEN else ranked[-1])


def _runs(line: TextLine) -> Iterator[tuple[str, Sequence[float]]]:
    """The line's words and numbers, with the places of their characters."""
    wide, high = _width(line), _height(line)
    start = 0
    for end in range(1, len(line.text) + 1):
        if end < len(line.text):
            one, other = line.text[end - 1], line.text[end]
            apart = (line.places[end] - line.places[end - 1]) * wide / high
            maximum = DIGITS_APART if one.isdigit() and other.isdigit() else LETTERS_APART
            alike = one.isdigit() == other.isdigit() and one.isalnum() and other.isalnum()
            if alike and apart <= maximum:
                continue
        text = line.text[start:end]
        if text.isalnum():
            yield text, line.places[start:end]
        start = end


def _name(wheel: str, line: TextLine, first: float, last: float) -> Name:
    letters = sum(first <= place <= last for place in line.places)
    half = (last - first) / max(letters - 1, 1) / 2  # places are of characters' middles
    left, right = _at(line, max(first - half, 0)), _at(line, min(last + half, 1))
    middle = (left + right) / 2
    ends = tuple(left.tolist()), tuple(middle.tolist()), tuple(right.tolist())
    return Name(wheel, *ends, _height(line))


def _at(line: TextLine, place: float) -> Any:
    left, right = (line.quad[0] + line.quad[3]) / 2, (line.quad[1] + line.quad[2]) / 2
    return left + (right - left) * place


def _width(line: TextLine) -> float:
    return float(np.hypot(*(line.quad[1] - line.quad[0])))


def _height(line: TextLine) -> float:
    return max(float(np.hypot(*(line.quad[3] - line.quad[0]))), 1.0)
