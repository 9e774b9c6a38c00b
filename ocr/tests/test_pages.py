"""Pages of every kind as pictures: no wheel from one that is no draw, and no draw lost by that."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from lotto.types import WHEELS
from ocr.images import upright
from ocr.reader.reader import Reader
from ocr.reader.types import SURE, Reading
from ocr.synthetic import boards, damages, pages
from ocr.synthetic.boards import Appearance, Picture
from ocr.synthetic.pages import JUDGED, Title
from ocr.types import PageKind

PAGES: Final = Path(__file__).parent / "data" / "pages"
TRUTH: Final[dict[str, Any]] = json.loads((PAGES / "truth.json").read_text())
DAY: Final = date(2026, 11, 28)
OFTEN: Final = {"a-simbolotto_2.jpg", "c-ritardatari_1.jpg", "b-columns_1.jpg", "b-yesterday_2.jpg"}
CASES: Final = [
    pytest.param(name, marks=() if name in OFTEN else pytest.mark.exhaustive, id=Path(name).stem)
    for name in TRUTH
]
NO_DRAW: Final = Title("LE NOSTRE PREVISIONI", "aggiornate all'estrazione di {day}")


def test_every_page_is_labelled() -> None:
    assert {path.name for path in PAGES.glob("*.jpg")} == set(TRUTH)


def wrong(reading: Reading, wheels: dict[str, Any]) -> list[Any]:
    """What the reading is sure of and that is not so."""
    return [
        (wheel, place, each)
        for wheel, numbers in reading.wheels.items()
        for place, each in enumerate(numbers)
        if each.confidence >= SURE and (wheel not in wheels or each.number != wheels[wheel][place])
    ]


@pytest.mark.parametrize("name", CASES)
def test_a_page_is_known_and_its_wheels_are_its_own(eyes: Reader, name: str) -> None:
    label = TRUTH[name]
    wheels = {code: label["wheels"][n] for code, n in WHEELS.items() if n in label["wheels"]}
    reading = eyes.read(upright((PAGES / name).read_bytes()))
    assert reading.page.kind in (label["page"], PageKind.PREDICTIONS) or not wheels
    assert (reading.page.kind == PageKind.DRAW) == bool(wheels)
    assert not wrong(reading, wheels)
    assert reading.wheels.keys() == wheels.keys()
    assert len(reading.sure()) * 2 > len(wheels) or not wheels


def titled(title: Title, layout: Any, damage: Any = "tv720") -> tuple[dict[str, Any], Picture]:
    dice = random.Random(f"{title} {layout}")
    wheels, picture = pages.titled(dice, title, DAY, layout=layout, ticker_text=pages.TOWNS)
    return wheels, damages.spoil(picture, damage, dice)


def every_case(titles: Any, often: set[int]) -> list[Any]:
    layouts: list[Any] = ["table", "two", "columns", "cards"]
    return [
        pytest.param(
            title,
            layouts[place % 4],
            marks=() if place in often else (pytest.mark.exhaustive,),
            id=title.title,
        )
        for place, title in enumerate(titles)
    ]


@pytest.mark.parametrize(("title", "layout"), every_case(JUDGED.others, {0, 6}))
def test_a_table_under_another_title_has_no_wheel(eyes: Reader, title: Title, layout: Any) -> None:
    _, picture = titled(title, layout)
    reading = eyes.read(picture.image)
    assert reading.page.kind != PageKind.DRAW
    assert reading.sure() == {}


@pytest.mark.parametrize(("title", "layout"), every_case(JUDGED.draws, {2}))
def test_a_draw_under_any_of_its_titles_is_read(eyes: Reader, title: Title, layout: Any) -> None:
    """Also where a ticker names three towns."""
    wheels, picture = titled(title, layout, "clean1080")
    reading = eyes.read(picture.image)
    assert reading.page.is_draw_of(DAY)
    assert not reading.page.is_draw_of(date(2026, 11, 27)) or not reading.page.dates
    assert not wrong(reading, wheels)
    assert len(reading.sure()) > 8


def test_simbolotto_is_read_as_what_it_is(eyes: Reader) -> None:
    wheel, numbers, picture = pages.simbolotto(random.Random(4))
    reading = eyes.read(picture.image)
    assert (reading.page.kind, reading.wheels) == (PageKind.SIMBOLOTTO, {})
    assert reading.simbolotto
    assert reading.simbolotto.wheel == wheel
    assert [each.number for each in reading.simbolotto.numbers] == numbers


@pytest.mark.parametrize("make", [pages.with_delays, pages.with_yesterdays])
def test_what_stands_beside_the_numbers_is_left_out(eyes: Reader, make: Any) -> None:
    wheels, picture = make(random.Random(5))
    assert eyes.read(picture.image).sure() == {w: tuple(n) for w, n in wheels.items()}


@pytest.mark.exhaustive  # a page of towns with a title is among the labelled ones
def test_towns_that_are_no_wheels_tell_a_page_without_a_title(eyes: Reader) -> None:
    reading = eyes.read(pages.five_days(random.Random(6)).image)
    assert (reading.page.kind, reading.wheels) == (PageKind.OTHER, {})


def test_a_title_that_changes_over_the_same_numbers_is_seen(eyes: Reader) -> None:
    """On a stream a known layout is not looked for again: its title is compared all the same."""
    wheels = boards.invented_wheels(random.Random(7))

    def frame(title: Title) -> Any:
        look = Appearance("table", title=title.title, subtitle=title.subtitle)
        return boards.draw(wheels, look).image

    drawn = frame(Title("ESTRAZIONI DEL LOTTO", "sabato 28 novembre 2026"))
    assert len(eyes.watch(drawn).sure()) == 11
    assert eyes.watch(frame(NO_DRAW)).wheels == {}
    assert len(eyes.watch(drawn).sure()) == 11


def test_numbers_of_a_page_without_a_title_are_in_doubt(eyes: Reader) -> None:
    look = Appearance("two", title="", subtitle="", ticker=False)
    reading = eyes.read(boards.draw(boards.invented_wheels(random.Random(8)), look).image)
    assert (reading.page.kind, reading.sure()) == (PageKind.UNKNOWN, {})
    assert len(reading.wheels) == 11
