"""Pages with a table of wheels, a few of them a draw's: words alone distinguish them.

Two sets of words: by `TUNED` the table of `ocr.reader.page_words` was made, `JUDGED` was kept for
judging it. `{day}` stands for a date as it is written out.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

from lotto.types import WHEELS
from ocr.synthetic import boards
from ocr.synthetic.boards import BoardLayout, Picture
from ocr.synthetic.other_pictures import Sheet

_DAYS: Final = ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica")
_MONTHS: Final = (
    "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre",
    "ottobre", "novembre", "dicembre",
)  # fmt: skip
TOWNS: Final = "ROMA 12° MILANO 9° NAPOLI 15° TORINO 7° - FTSE MIB 34.805 +0,64%"


class Title(NamedTuple):
    """The two lines above a table."""

    title: str
    subtitle: str


class TitleSet(NamedTuple):
    """Titles of draws and of pages that are none."""

    draws: Sequence[Title]
    others: Sequence[Title]


TUNED: Final = TitleSet(
    draws=(
        Title("LOTTO", "Concorso n. 190 di {day} ore 20:00"),
        Title("Estrazioni del Lotto", "{day}"),
        Title("I NUMERI DEL LOTTO", "Concorso n. 190 del 28/11/2026"),
        Title("ESTRAZIONI LOTTO E SUPERENALOTTO", "Concorso n. 190 di {day}"),
        Title("Lotto: estrazione e ritardatari", "Concorso n. 190 di {day}"),
        Title("LOTTO - I NUMERI VINCENTI", "Estrazione di {day}"),
    ),
    others=(
        Title("LE NOSTRE PREVISIONI", "aggiornati all'estrazione di {day}"),
        Title("I PRONOSTICI DI OGGI", "Lotto - {day}"),
        Title("NUMERI FREQUENTI", "aggiornati all'estrazione di {day}"),
        Title("I RITARDATARI", "Lotto, concorso n. 190 di {day}"),
        Title("STATISTICHE DEL LOTTO", "dati al concorso n. 190 del 28/11/2026"),
        Title("ARCHIVIO ESTRAZIONI", "Concorso n. 12 del 27 gennaio 2026"),
        Title("Lotto: l'estrazione di ieri", "Concorso n. 189 di {day}"),
        Title("ESTRAZIONE PRECEDENTE", "Concorso n. 189 del 26/11/2026"),
        Title("I NUMERI DEL MAGO", "per l'estrazione di {day}"),
        Title("10eLotto e SuperEnalotto", "Concorso n. 190 di {day}"),
        Title("Meteo: temperature", "minime e massime dei prossimi giorni"),
        Title("Quote e scommesse", "{day}"),
        Title("CLASSIFICA SERIE A", "34ª giornata"),
        Title("LA GIOCATA DI OGGI", "Lotto, tutte le ruote - {day}"),
    ),
)
JUDGED: Final = TitleSet(
    draws=(
        Title("Lotto: le estrazioni di oggi", "{day} - concorso 190"),
        Title("ESTRAZIONE LOTTO", "28/11/2026"),
        Title("Numeri estratti", "Gioco del Lotto - {day}"),
        Title("LOTTO & 10eLOTTO", "Estrazioni di {day}"),
        Title("TUTTE LE RUOTE", "Lotto, concorso n. 190"),
        Title("ESTRAZIONI", "Lotto del 28 nov 2026"),
        Title("Il Lotto in diretta", "Estrazione n. 190 - {day}"),
        Title("RISULTATI LOTTO", "Sabato 28.11.2026 ore 20"),
    ),
    others=(
        Title("I numeri fortunati della settimana", "dal nostro esperto di Lotto"),
        Title("AMBI E TERNI SECCHI", "validi per 9 colpi dal concorso n. 190"),
        Title("LOTTO: LA CINQUINA DI NONNA LINA", "in gioco da {day}"),
        Title("Ritardi per ruota", "Lotto - dopo il concorso n. 190 di {day}"),
        Title("CENTENARI SU TUTTE LE RUOTE", "aggiornamento del 28/11/2026"),
        Title("I più sorteggiati dell'anno", "Lotto: presenze per ruota"),
        Title("La smorfia dei sogni", "I numeri di {day}"),
        Title("Oroscopo e numeri", "Lotto: i numeri del segno"),
        Title("LOTTO - ESTRAZIONI PASSATE", "giovedì 26 novembre 2026"),
        Title("Accadde un anno fa", "Estrazione del Lotto del 29/11/2025"),
        Title("Che tempo fa", "temperature in gradi, {day}"),
        Title("Allerta neve", "centimetri previsti nei prossimi cinque giorni"),
        Title("VinciCasa", "Estrazione di {day}"),
        Title("MillionDay ed Extra MillionDay", "Estrazione di {day} ore 20:30"),
        Title("SuperEnalotto", "Concorso n. 190 di {day} - montepremi e quote"),
        Title("Serie B: risultati", "15ª giornata"),
        Title("Anticipi e posticipi", "le quote del sabato"),
        Title("Dove giocare stasera", "cinque numeri a ruota"),
        Title("La schedina del direttore", "Lotto, concorso n. 190 di {day}"),
        Title("Borsa: i titoli", "{day}"),
    ),
)


def written(day: date, *, capitals: bool = False) -> str:
    """The day in words, with its weekday."""
    text = f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"
    return text.upper() if capitals else text


def titled(
    dice: random.Random, title: Title, day: date, *, font: str = "",
    layout: BoardLayout | None = None, ticker_text: str = "",
) -> tuple[dict[str, list[int]], Picture]:  # fmt: skip
    """A table of invented numbers under that title, as it stands on the air on that day."""
    look = replace(
        boards.invented_appearance(dice, layout),
        font=font,
        title=title.title,
        subtitle=title.subtitle.format(day=written(day, capitals=dice.random() < 0.3)),
        second_game=False,
        ticker_text=ticker_text,
    )
    wheels = boards.invented_wheels(dice)
    return wheels, boards.draw(wheels, look)


def simbolotto(dice: random.Random, font: str = "") -> tuple[str, list[int], Picture]:
    """The wheel and the five numbers of a Simbolotto, and its page."""
    wheel, numbers = dice.choice(boards.ORDER), dice.sample(range(1, 46), 5)
    sheet = Sheet(dice, font)
    sheet.write(960, 90, "SIMBOLOTTO", 70)
    sheet.write(960, 170, "Estrazione di sabato 28 novembre", 36)
    sheet.write(960, 320, f"ruota {WHEELS[wheel]}", 76)
    for place, number in enumerate(numbers):
        sheet.write(320 + place * 320, 600, number, 84, ball=True)
        sheet.write(320 + place * 320, 760, dice.choice(("Mano", "Italia", "Gatta", "Vaso")), 40)
    return wheel, numbers, sheet.picture()


def with_delays(dice: random.Random, font: str = "") -> tuple[dict[str, list[int]], Picture]:
    """A board with each wheel's longest delay and its number of draws beside the five numbers."""
    wheels = boards.invented_wheels(dice)
    sheet = Sheet(dice, font)
    sheet.write(960, 60, "Lotto: estrazione e ritardatari", 60)
    sheet.write(960, 130, "Concorso n. 190 di sabato 28 novembre 2026", 36)
    columns = [620 + 130 * place for place in range(7)]
    for x, head in zip(columns, ("1°", "2°", "3°", "4°", "5°", "Rit.", "Conc."), strict=True):
        sheet.write(x, 205, head, 34)
    for row, (wheel, numbers) in enumerate(wheels.items()):
        y = 270 + row * 66
        sheet.write(330, y, WHEELS[wheel], 44)
        for x, number in zip(
            columns, [*numbers, dice.randint(1, 99), dice.randint(90, 130)], strict=True
        ):
            sheet.write(x, y, f"{number:02}", 44)
    return wheels, sheet.picture()


def with_yesterdays(dice: random.Random, font: str = "") -> tuple[dict[str, list[int]], Picture]:
    """A board with the first two wheels drawn, and beside it the whole one of the draw before."""
    wheels = boards.invented_wheels(dice)
    sheet = Sheet(dice, font)
    sheet.write(960, 60, "Estrazioni del Lotto", 60)
    sheet.write(960, 130, "Concorso n. 190 di sabato 28 novembre 2026", 36)
    sheet.write(1420, 205, "Estrazione precedente", 34)
    for left, shown in ((120, 2), (1080, 11)):
        for row, (wheel, numbers) in enumerate(wheels.items()):
            y = 280 + row * 66
            sheet.write(left + 90, y, WHEELS[wheel], 40)
            for place in range(5 if row < shown else 0):
                number = numbers[place] if shown == 2 else dice.randint(1, 90)
                sheet.write(left + 330 + place * 100, y, number, 42)
    return {wheel: wheels[wheel] for wheel in list(wheels)[:2]}, sheet.picture()


def five_days(dice: random.Random, font: str = "", title: str = "") -> Picture:
    """Towns with five temperatures each; without a title nothing but the towns tells what it is."""
    sheet = Sheet(dice, font)
    sheet.write(960, 70, title, 60)
    towns = ["AOSTA", "TORINO", "MILANO", "BOLZANO", "VENEZIA", "TRIESTE", "GENOVA", "BOLOGNA",
             "FIRENZE", "PERUGIA", "ROMA", "NAPOLI", "BARI", "PALERMO", "CAGLIARI"]  # fmt: skip
    for row, town in enumerate(towns):
        sheet.write(420, 160 + row * 58, town, 40)
        for place in range(5):
            sheet.write(800 + place * 160, 160 + row * 58, dice.randint(1, 38), 40)
    return sheet.picture()
