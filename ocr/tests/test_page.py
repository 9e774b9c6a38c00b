"""What a page says that it is: titles, words and dates, without a picture."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from lotto.types import WHEELS
from ocr.reader import regions
from ocr.reader.dates import dates_in
from ocr.reader.page import page_of
from ocr.reader.tokens import names_and_numbers, wheel_of
from ocr.reader.types import Layout, Page, PageDate, TextLine
from ocr.synthetic.pages import JUDGED, TUNED, Title, written
from ocr.types import PageKind

DAY = date(2026, 11, 28)
HIGH = 30.0


def line(text: str, x: float, y: float, *, high: float = HIGH) -> TextLine:
    """Its middle there; letters half as wide as they are high."""
    half, up = max(len(text), 1) * high / 4, high / 2
    corners = [[x - half, y - up], [x + half, y - up], [x + half, y + up], [x - half, y + up]]
    places = tuple((i + 0.5) / max(len(text), 1) for i in range(len(text)))
    return TextLine(np.array(corners, np.float32), text, places, 1.0)


def table(wheels: int = 11, *, left: float = 500, top: float = 300) -> Layout:
    """Rows 60 px apart: a name, and five numbers 100 px apart."""
    rows = {wheel: top + 60 * row for row, wheel in enumerate([*WHEELS][:wheels])}
    cells = {
        wheel: np.array([[left + 300 + 100 * i, y] for i in range(5)], np.float32)
        for wheel, y in rows.items()
    }
    names = {wheel: ((left, y), (left + 200, y)) for wheel, y in rows.items()}
    return Layout("row", cells, np.array([[HIGH, 0], [0, HIGH]], np.float32), HIGH, names)


def page(title: str, subtitle: str = "", *more: TextLine, wheels: int = 11) -> Page:
    """A page 1,920 px wide with a title, a line below it, and a table."""
    lines = [line(title, 960, 60, high=56), line(subtitle, 960, 130), *more]
    return page_of([each for each in lines if each.text], table(wheels)).page


def filled(title: Title) -> tuple[str, str]:
    return title.title, title.subtitle.format(day=written(DAY))


@pytest.mark.parametrize("title", [*TUNED.draws, *JUDGED.draws], ids=lambda title: title.title)
def test_titles_of_draws_are_known(title: Title) -> None:
    found = page(*filled(title))
    assert found.kind == PageKind.DRAW, found.reasons
    assert found.is_of(DAY)
    assert not found.is_of(date(2026, 11, 27)) or not found.dates


@pytest.mark.parametrize("title", [*TUNED.others, *JUDGED.others], ids=lambda title: title.title)
def test_titles_of_anything_else_are_no_draws(title: Title) -> None:
    found = page(*filled(title))
    assert found.kind != PageKind.DRAW, found.reasons


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("LE NOSTRE PREVISIONI", PageKind.PREDICTIONS),
        ("LENOSTREPREVIS1ONI", PageKind.PREDICTIONS),
        ("NUMERI FREQUENTI DEL LOTTO", PageKind.STATISTICS),
        ("Ritardatari Lotto, estrazione n. 190", PageKind.STATISTICS),
        ("Estrazione precedente", PageKind.EARLIER),
        ("SuperEnalotto: estrazione n. 190", PageKind.OTHER_GAME),
        ("10eLotto: le estrazioni", PageKind.OTHER_GAME),
        ("Meteo: temperature", PageKind.WEATHER),
        ("Lotto: la tua giocata", PageKind.TICKET),
        ("Quote del sabato", PageKind.BETTING),
        ("Serie A: la classifica", PageKind.SPORT),
        ("", PageKind.UNKNOWN),
        ("LOTTO: IL GIARDINO DI PIERO", PageKind.UNKNOWN),
        ("Estrazioni Lotto e SuperEnalotto", PageKind.DRAW),
        ("Lotto: estrazione e ritardatari", PageKind.DRAW),
        ("ESTRAZI0NI DEL L0TT0", PageKind.DRAW),
        ("Lotto · Estrazione n. 135 del 28/11/2026 · Home | Archivio | Ritardi", PageKind.DRAW),
    ],
)
def test_kind_follows_from_the_title(title: str, kind: PageKind) -> None:
    assert page(title).kind == kind


def test_every_reason_has_its_words_and_their_weight() -> None:
    found = page("LE NOSTRE PREVISIONI", "Lotto di sabato 28 novembre 2026")
    assert ("PREVISION", PageKind.PREDICTIONS, -8) in found.reasons
    assert ("LOTTO", PageKind.DRAW, 1) in found.reasons
    assert ("28/11/2026", PageKind.DRAW, 1) in found.reasons
    assert found.title == "LE NOSTRE PREVISIONI"


@pytest.mark.parametrize(("wheels", "kind"), [(1, PageKind.SIMBOLOTTO), (11, PageKind.DRAW)])
def test_simbolotto_has_one_wheel(wheels: int, kind: PageKind) -> None:
    found = page("LOTTO e SIMBOLOTTO", "Estrazioni di sabato 28 novembre", wheels=wheels)
    assert found.kind == kind


def test_what_stands_beside_the_table_says_nothing_of_it() -> None:
    beside = [
        line("10eLOTTO", 1500, 320),
        line("SUPERENALOTTO", 1500, 500),
        line("METEO", 1500, 620),
    ]
    assert page("ESTRAZIONI DEL LOTTO", "", *beside).kind == PageKind.DRAW


def test_who_made_a_prediction_may_stand_below_it() -> None:
    below = line("Pronostici a cura della redazione", 960, 1010)
    assert page("LOTTO", "", below).kind == PageKind.PREDICTIONS
    assert page("LOTTO", "Concorso n. 190 di sabato 28 novembre 2026", below).kind == PageKind.DRAW


def test_other_towns_among_the_names_make_another_table() -> None:
    towns = [
        line(town, 600, 330 + 60 * i)
        for i, town in enumerate(("AOSTA", "TRIESTE", "BOLOGNA", "PESCARA"))
    ]
    found = page("LOTTO", "Estrazioni", *towns)
    assert found.kind == PageKind.OTHER
    assert any("TRIESTE" in reason.words for reason in found.reasons)


def test_date_of_the_draw_is_the_one_beside_its_words() -> None:
    clock = line("Dom 29 Nov 2026 20:39:25", 960, 95)
    found = page("LOTTO estrazioni del 28/11/26", "", clock)
    assert found.dates == (PageDate(28, 11, 2026),)
    later = page("ESTRAZIONI DEL LOTTO", "Prossima estrazione: martedì 1 dicembre 2026")
    assert (later.kind, later.dates) == (PageKind.DRAW, ())


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("SABATO 28 NOVEMBRE 2026", [PageDate(28, 11, 2026)]),
        ("Concorso n. 190 del 28/11/2026 ore 20:00", [PageDate(28, 11, 2026)]),
        ("Lotto del 28-11", [PageDate(28, 11)]),
        ("28.11.26", [PageDate(28, 11, 2026)]),
        ("sabato 28 nov. '26", [PageDate(28, 11, 2026)]),
        ("DI SABAT0 2 MARZ0 2026", [PageDate(2, 3, 2026)]),
        ("ll novembre 20Z6", [PageDate(11, 11)]),
        ("1° agosto 2026", [PageDate(1, 8, 2026)]),
        ("dal 26 novembre al 28 novembre", [PageDate(26, 11), PageDate(28, 11)]),
        ("ore 20.30, 36 euro, 1939-2026, € 31.644.000", []),
        ("Numero Oro 40 Doppio Oro 40-44", []),
        ("31 numeri su 90", []),
    ],
)
def test_dates_are_read_as_television_writes_them(text: str, dates: list[PageDate]) -> None:
    assert dates_in(text) == dates


def test_a_date_without_a_year_may_be_of_any() -> None:
    assert PageDate(28, 11).is_of(DAY)
    assert not PageDate(28, 11, 2025).is_of(DAY)
    assert str(PageDate(8, 3, 2026)) == "08/03/2026"


# --- Words and places -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "wheel"),
    [
        ("MILANO", "MI"), ("Milano", "MI"), ("Mano", ""), ("MANO", ""), ("MILAN", ""),
        ("GENOA", ""), ("ROMANO", ""), ("Baro", ""), ("TORO", ""), ("BAR", "BA"), ("NAZ", "RN"),
        ("NZ", "RN"), ("RO", "RM"), ("ROM", "RM"), ("LAZIO", ""), ("CAGLLARI", "CA"), ("Bar", ""),
    ],
)  # fmt: skip
def test_a_better_word_is_no_wheel(word: str, wheel: str) -> None:
    assert wheel_of(word) == wheel


@pytest.mark.parametrize(
    ("text", "wheels"),
    [
        ("ROMA 12° MILANO 9° - FTSE MIB", []),
        ("PALERMO CALCIO", []),
        ("ruota GENOVA", ["GE"]),
        ("RUOTA DI BARI", ["BA"]),
        ("R. NAZ.", ["RN"]),
        ("BARI CAGLIARI FIRENZE", ["BA", "CA", "FI"]),
        ("VEN 27 NOV", []),
        ("BA CA FI GE", ["BA", "CA", "FI", "GE"]),
    ],
)
def test_names_in_prose_are_none_of_a_board(text: str, wheels: list[str]) -> None:
    names, _ = names_and_numbers([line(text, 500, 100)])
    assert [name.wheel for name in names] == wheels


def test_a_ticker_is_left_out_with_all_on_its_level() -> None:
    board = [line(name, 300, 100 + 60 * i) for i, name in enumerate(WHEELS.values())]
    strip = [
        line("SUPERENALOTTO 11 22 33 - ROMA 12° MILANO 9° NAPOLI 15°", 700, 900),
        line("21", 1600, 900),
    ]
    assert regions.without_tickers([*board, *strip]) == board
    assert regions.without_tickers([]) == []


def panel(heading: str) -> tuple[list[Any], list[Any]]:
    """What is left of a board at the left and, under that heading, a table at the right."""
    rows = [(name, 200 + 60 * i) for i, name in enumerate(list(WHEELS.values())[:3])]
    board = [line(name, 200, y) for name, y in rows]
    other = [line(name, 1100, y) for name, y in rows]
    numbers = [line("33", x, y) for _, y in rows for x in (450, 1400)]
    lines = [line("LOTTO", 700, 40, high=60), line(heading, 1250, 150), *board, *other, *numbers]
    return regions.without_panels(*names_and_numbers(lines), lines)


@pytest.mark.parametrize(
    "heading", ["Estrazione precedente", "L'estrazione di ieri", "Ritardatari"]
)
def test_a_panel_of_something_else_is_no_part_of_the_board(heading: str) -> None:
    names, numbers = panel(heading)
    assert {name.centre[0] for name in names} == {200}
    assert {number.centre[0] for number in numbers} == {450}


def test_a_panel_of_the_draw_is() -> None:
    names, numbers = panel("Estrazione di oggi")
    assert (len(names), len(numbers)) == (6, 6)


def test_columns_of_delays_are_left_out() -> None:
    heads = [line("Rit.", 900, 50), line("Conc.", 1000, 50)]
    cells = [line("44", x, y) for y in (100, 160) for x in (500, 600, 900, 1000)]
    _, numbers = names_and_numbers(cells)
    kept = regions.without_columns(numbers, [*heads, *cells])
    assert {number.centre[0] for number in kept} == {500, 600}
