"""Pictures that are no board of a draw, though wheels' names and numbers stand on them.

Television shows them before, between and after: the reader must find nothing there. A font is one
of `boards.fonts`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageDraw

from lotto.types import HIGHEST, WHEELS
from ocr.synthetic.boards import SIZE, Picture, sized

_NAMES: Final = [*WHEELS.values()]
_TEAMS: Final = ("ROMA", "NAPOLI", "TORINO", "CAGLIARI", "GENOVA", "VENEZIA", "BARI", "PALERMO",
                 "MILAN", "INTER", "LAZIO", "FIORENTINA")  # fmt: skip
_LIGHT: Final = (245, 245, 245)


class Sheet:
    """An empty screen to write on."""

    def __init__(self, dice: random.Random, font: str) -> None:
        ground = tuple(dice.randrange(10, 70) for _ in range(3))
        self._image = Image.new("RGB", SIZE, ground)
        self._pen = ImageDraw.Draw(self._image)
        self._font = font

    def write(self, x: float, y: float, text: object, px: int = 52, *, ball: bool = False) -> None:
        """The text, its middle at this place."""
        if ball:
            self._pen.ellipse((x - px, y - px, x + px, y + px), (240, 200, 40))
        ink = (20, 20, 25) if ball else _LIGHT
        self._pen.text((x, y), str(text), ink, sized(self._font, px), "mm")

    def picture(self) -> Picture:
        pixels = cv2.cvtColor(np.asarray(self._image), cv2.COLOR_RGB2BGR)
        return Picture(np.asarray(pixels, np.uint8))


def ten_e_lotto(dice: random.Random, font: str = "") -> Picture:
    """Twenty numbers in a square: the other game, drawn from the first numbers of the wheels."""
    sheet = Sheet(dice, font)
    sheet.write(960, 100, "10eLOTTO", 90)
    across = dice.choice((4, 5))
    for i, number in enumerate(sorted(dice.sample(range(1, HIGHEST + 1), 20))):
        sheet.write(500 + i % across * 230, 260 + i // across * 160, number, ball=True)
    sheet.write(960, 1030, f"NUMERO ORO {dice.randint(1, HIGHEST)}  NAZIONALE", 44)
    return sheet.picture()


def results(dice: random.Random, font: str = "") -> Picture:
    """The day's football: two towns and two numbers a line."""
    sheet = Sheet(dice, font)
    sheet.write(960, 90, "RISULTATI 34^ GIORNATA", 70)
    teams = dice.sample(_TEAMS, len(_TEAMS))
    for row, (home, guest) in enumerate(zip(teams[::2], teams[1::2], strict=True)):
        y = 230 + row * 130
        sheet.write(500, y, home)
        sheet.write(1400, y, guest)
        for x in (850, 1050):
            sheet.write(x, y, dice.randrange(5))
    return sheet.picture()


def league(dice: random.Random, font: str = "") -> Picture:
    """A football league: a town and seven or eight numbers a line."""
    sheet = Sheet(dice, font)
    columns = dice.choice((7, 8))
    for row, team in enumerate(dice.sample(_TEAMS, 9)):
        y = 110 + row * 108
        sheet.write(300, y, team)
        for column in range(columns):
            sheet.write(700 + column * 150, y, dice.randint(1, 89))
    return sheet.picture()


def timetable(dice: random.Random, font: str = "") -> Picture:
    """Buses: towns, and at what minutes of each hour they go there."""
    sheet = Sheet(dice, font)
    sheet.write(960, 70, "PARTENZE AUTOBUS", 64)
    for row, town in enumerate(dice.sample(_NAMES[:8] + _NAMES[9:], 7)):
        y = 210 + row * 120
        sheet.write(300, y, town)
        for column in range(dice.choice((3, 4, 6))):
            minutes = f"{dice.randint(5, 23):02}:{dice.randrange(60):02}"
            sheet.write(700 + column * 220, y, minutes)
    return sheet.picture()


def weather(dice: random.Random, font: str = "") -> Picture:
    """Towns with the day's lowest and highest temperature."""
    sheet = Sheet(dice, font)
    for row, town in enumerate(dice.sample(_NAMES, 8)):
        y = 120 + row * 115
        sheet.write(400, y, town)
        sheet.write(1000, y, dice.randint(1, 18))
        sheet.write(1300, y, dice.randint(19, 38))
    return sheet.picture()


def advert(dice: random.Random, font: str = "") -> Picture:
    """Prices of journeys between towns."""
    sheet = Sheet(dice, font)
    for row in range(3):
        start, end = dice.sample(_NAMES, 2)
        sheet.write(960, 250 + row * 280, f"da {start} a {end} da {dice.randint(9, 90)} euro", 80)
    return sheet.picture()


KINDS: Final[Sequence[Callable[..., Picture]]] = (
    ten_e_lotto, results, league, timetable, weather, advert,
)  # fmt: skip
