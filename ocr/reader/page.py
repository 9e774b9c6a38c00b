"""What a page says that it is: its title and words, weighed. Pure.

Television shows the same table of eleven wheels for a draw, for yesterday's, for predictions and
for what was counted; only words tell them apart. What stands above the board counts; tickers,
clocks and panels beside it do not. A page is a draw's from MIN_FOR on; less, with a word against
it, makes it that word's kind, and without one nobody knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lotto.types import WHEELS
from ocr.reader.dates import dates_in
from ocr.reader.page_words import DRAWING, LOTTO, PLAIN, TABLE, Words
from ocr.reader.tokens import wheel_of
from ocr.reader.types import Layout, Page, PageDate, PageReason, Quad, TextLine
from ocr.types import PageKind

MIN_FOR: Final = 2  # weight of a draw's page
MIN_AGAINST: Final = 4
UNEXPLAINED: Final = -2  # a title with words of its own
OWN_TITLE: Final = 1  # one that names the Lotto and nothing else
DATED: Final = 1
OTHER_NAMES: Final = -6
BELOW: Final = -4  # what stands below a board counts less, and only against it
BELOW_KINDS: Final = (PageKind.PREDICTIONS, PageKind.TICKET, PageKind.BETTING)
LONG_WORD, FUZZY_WORD = 6, 8  # letters: found anywhere; found with a letter misread
SHORTEST: Final = 4  # letters of a word that a title must explain
TITLE: Final = 0.8  # of the highest heading's height
CENTRED: Final = 0.06  # of the width that the texts take
TOP: Final = 0.3  # of a page without a board: its headings
STRANGE: Final = 0.5  # likeness to a wheel's name, below which it is another
MIN_STRANGERS, STRANGERS = 3, 0.3  # names that are none: at least, and of the wheels' names
_CLOCK: Final = re.compile(r"\d{1,2}[:.]\d\d([:.]\d\d)?")
_SLIPS: Final = str.maketrans("0158", "OISB")


class _Heading(NamedTuple):
    """Lines of one level that follow each other."""

    text: str
    height: float


class Judged(NamedTuple):
    """The page, and where the words stand that decide what it is."""

    page: Page
    headings: list[Quad]


def page_of(lines: Sequence[TextLine], layout: Layout | None) -> Judged:
    """What the page with these lines, tickers left out, says that it is."""
    above, below = _around(lines, layout)
    at_top = above or below
    headings = _joined(at_top)
    reasons: dict[str, PageReason] = {}
    dates: list[tuple[bool, PageDate]] = []
    highest = max((each.height for each in headings), default=0.0)
    titles = [each for each in headings if each.height >= TITLE * highest]
    for heading in headings:
        weighed = _weighed(heading.text)
        for reason in weighed.reasons:
            reasons.setdefault(reason.words, reason)
        is_draws = any(each.kind == PageKind.DRAW for each in weighed.reasons)
        dates += [(is_draws, date) for date in weighed.dates]
    title = " ".join(each.text for each in titles)
    named = [date for is_draws, date in dates if is_draws] or [date for _, date in dates]
    found = (
        *reasons.values(),
        *_of_title(title),
        *(PageReason(str(each), PageKind.DRAW, DATED) for each in named[:1]),
        *_below(below if above else []),
        *_strangers(lines, layout),
    )
    wheels = len(layout.cells) if layout else 0
    page = Page(_kind(found, wheels), title, tuple(dict.fromkeys(named)), found, wheels)
    return Judged(page, [line.quad for line in at_top])


def draw_dates(lines: Iterable[str]) -> set[PageDate]:
    """The dates on lines that name the draw, of a page of text."""
    return {
        date
        for line in lines
        if any(each.kind == PageKind.DRAW for each in _weighed(line).reasons)
        for date in _weighed(line).dates
    }


def _kind(reasons: Sequence[PageReason], wheels: int) -> PageKind:
    # It goes with one wheel of the draw.
    if wheels == 1 and any(each.kind == PageKind.SIMBOLOTTO for each in reasons):
        return PageKind.SIMBOLOTTO
    against = [each for each in reasons if each.weight < 0]
    if sum(each.weight for each in reasons) >= MIN_FOR:
        return PageKind.DRAW
    worst = min(against, key=lambda each: each.weight, default=None)
    return worst.kind if worst and worst.weight <= -MIN_AGAINST else PageKind.UNKNOWN


# --- Where lines stand ----------------------------------------------------------------------------


def _around(
    lines: Sequence[TextLine], layout: Layout | None
) -> tuple[list[TextLine], list[TextLine]]:
    """The lines above the board that are its headings, and those below it."""
    lines = [line for line in lines if _is_prose(line.text)]
    if not lines:
        return [], []
    quads = np.array([line.quad for line in lines], float)
    if layout is None or not layout.cells:
        middle = quads[:, :, 1].mean(1)
        low, high = float(middle.min()), float(max(middle.max(), 1))
        return [line for line, y in zip(lines, middle, strict=True) if y - low <= TOP * high], []
    along, down = _axes(layout)
    across, level = quads @ along, quads @ down
    points = _points(layout)
    half = layout.height / 2
    left, right = float((points @ along).min()), float((points @ along).max())
    top, bottom = float((points @ down).min()) - half, float((points @ down).max()) + half
    is_over = (across.min(1) < right) & (across.max(1) > left)
    middle = (float(across.min()) + float(across.max())) / 2
    room = CENTRED * float(np.ptp(across))
    is_centred = np.abs(across.mean(1) - middle) < room
    is_above = level.mean(1) < top - half / 2
    heights = np.where(is_above, np.ptp(level, axis=1), 0)
    is_highest = heights >= heights.max()
    is_heading = is_above & (is_over | is_centred | is_highest)
    is_below = (level.mean(1) > bottom + half / 2) & is_over
    return (
        [line for line, it_is in zip(lines, is_heading, strict=True) if it_is],
        [line for line, it_is in zip(lines, is_below, strict=True) if it_is],
    )


def _axes(layout: Layout) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    along, down = layout.across.astype(float)
    return along / np.hypot(*along), down / np.hypot(*down)


def _points(layout: Layout) -> NDArray[np.float64]:
    """The middles of the numbers and the ends of the names."""
    cells = np.concatenate(list(layout.cells.values()))
    ends = [end for ends in layout.names.values() for end in ends]
    return np.concatenate([cells, np.array(ends).reshape(-1, 2)]).astype(float)


def _joined(lines: Sequence[TextLine]) -> list[_Heading]:
    """Lines that stand beside each other as one."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: float(line.quad[:, 1].mean())):
        last = rows[-1][-1] if rows else None
        if last is not None and abs(_middle(line) - _middle(last)) < 0.4 * _high(last):
            rows[-1].append(line)
        else:
            rows.append([line])
    joined = []
    for row in rows:
        row.sort(key=lambda line: float(line.quad[:, 0].min()))
        joined.append(_Heading(" ".join(each.text for each in row), max(map(_high, row))))
    return joined


def _middle(line: TextLine) -> float:
    return float(line.quad[:, 1].mean())


def _high(line: TextLine) -> float:
    return float(np.hypot(*(line.quad[3] - line.quad[0])))


def _is_prose(text: str) -> bool:
    """Whether it is neither a clock nor numbers."""
    return sum(map(str.isalpha, text)) >= 3 and not _CLOCK.fullmatch(text.strip())


# --- What they say --------------------------------------------------------------------------------


class _Weighed(NamedTuple):
    reasons: tuple[PageReason, ...]
    dates: tuple[PageDate, ...]
    rest: tuple[str, ...]  # words that the table does not explain


@lru_cache(256)  # of a stream's frames most have the same lines
def _weighed(text: str) -> _Weighed:
    """The words of a line that the table knows, the dates of the draw, and the other words."""
    text = re.split(r"\bhome\b", text, flags=re.IGNORECASE)[0]  # from there on it is a menu
    plain = _plain(text)
    taken = [False] * len(plain)
    found: list[tuple[int, str, Words]] = []
    for word, words in _by_length():
        at = _find(word, plain, taken)
        if at is not None:
            start, end = at
            taken[start:end] = [True] * (end - start)
            found.append((start, text[start:end].strip(), words))
    found.sort(key=lambda each: each[0])
    reasons = tuple(
        PageReason(said.upper(), words.kind, _weight(place, words, found))
        for place, said, words in found
        if words.weight
    )
    # A line's date is the draw's unless something else comes first: a next draw, an update.
    is_draws = not found or found[0][2].kind == PageKind.DRAW
    return _Weighed(
        reasons, tuple(dates_in(text)) if is_draws else (), tuple(_left(plain, taken).split())
    )


def _left(plain: str, taken: Sequence[bool]) -> str:
    return "".join(" " if gone else letter for letter, gone in zip(plain, taken, strict=True))


def _weight(place: int, words: Words, found: Sequence[tuple[int, str, Words]]) -> int:
    if words.beside_draw is None:
        return words.weight
    before = [said for at, said, each in found if each.kind == PageKind.DRAW and at < place]
    is_beside = any(_plain(said).startswith((DRAWING, LOTTO)) for said in before)
    return words.beside_draw if is_beside else words.weight


def _of_title(title: str) -> list[PageReason]:
    """Whether the title is the Lotto's own, or has words that nobody knows."""
    weighed = _weighed(title)
    if any(reason.weight < 0 for reason in weighed.reasons):
        return []
    strange = [word for word in weighed.rest if _is_strange(word)]
    if strange:
        return [PageReason(" ".join(strange), PageKind.UNKNOWN, UNEXPLAINED)]
    if LOTTO in map(_plain, (reason.words for reason in weighed.reasons)):
        return [PageReason(title, PageKind.DRAW, OWN_TITLE)]
    return []


def _is_strange(word: str) -> bool:
    if len(word) < SHORTEST or word in PLAIN or not word.isalpha():
        return False
    return all(_alike(word, each) < 0.8 for each in PLAIN)


def _below(lines: Sequence[TextLine]) -> list[PageReason]:
    return [
        reason._replace(weight=BELOW)
        for line in lines
        for reason in _weighed(line.text).reasons
        if reason.kind in BELOW_KINDS
    ]


def _strangers(lines: Iterable[TextLine], layout: Layout | None) -> list[PageReason]:
    """Names of no wheel in the column of the wheels' names: it is another table."""
    if layout is None or layout.kind != "row" or len(layout.names) < MIN_STRANGERS:
        return []
    along, down = _axes(layout)
    ends = np.array(list(layout.names.values()), float)
    left, right = (ends[:, 0] @ along), (ends[:, 1] @ along)
    level = (ends @ down).mean(1)
    strangers = []
    for line in lines:
        quad = np.asarray(line.quad, float)
        start, end, at = (quad @ along).min(), (quad @ along).max(), (quad @ down).mean()
        over = (left < end) & (right > start)
        if over.any() and level[over].min() < at < level[over].max() and _is_other_name(line.text):
            strangers.append(line.text)
    if len(strangers) < max(MIN_STRANGERS, STRANGERS * len(layout.names)):
        return []
    return [PageReason(", ".join(strangers[:5]), PageKind.OTHER, OTHER_NAMES)]


def _is_other_name(text: str) -> bool:
    word = "".join(filter(str.isalpha, _plain(text)))
    if len(word) < SHORTEST or wheel_of(word):
        return False
    return all(_alike(word, name) < STRANGE for name in WHEELS.values())


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


# --- Finding words --------------------------------------------------------------------------------


def _plain(text: str) -> str:
    """In capitals without accents and signs, as long as it was; a recogniser's 0 is an O."""
    letters = []
    for letter in text:
        base = unicodedata.normalize("NFD", letter)[0].upper()[:1]
        letters.append(base if base.isalnum() else " ")
    return "".join(letters).translate(_SLIPS)


@cache
def _by_length() -> list[tuple[str, Words]]:
    """Every word of the table, the longest first: a 10eLotto is no Lotto."""
    every = []
    for words in TABLE:
        for word in words.words:
            stem, *endings = word.translate(_SLIPS).split("|")
            every += [(stem + ending, words) for ending in endings or [""]]
    return sorted(every, key=lambda each: -len(each[0]))


def _find(word: str, plain: str, taken: Sequence[bool]) -> tuple[int, int] | None:
    """Where the word stands among what is not taken yet: its start and end."""
    text = _left(plain, taken)
    if " " in word or len(word) < LONG_WORD:
        ending = "" if " " in word else r"\b"
        match = re.search(r"\b" + word.replace(" ", r"\s*") + ending, text)
        return match.span() if match else None
    at = text.find(word)
    if at < 0 and len(word) >= FUZZY_WORD:
        at = _nearly(word, text)
    return (at, at + len(word)) if at >= 0 else None


def _nearly(word: str, text: str) -> int:
    """Where the word stands with one letter misread; -1 if nowhere."""
    for start in range(len(text) - len(word) + 1):
        wrong = 0
        for one, other in zip(word, text[start:], strict=False):
            wrong += one != other
            if wrong > 1:
                break
        else:
            return start
    return -1
