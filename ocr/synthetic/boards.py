"""Boards of invented draws as pictures of 1920 x 1080, with the places of names and numbers.

Used to train the recognition network, to test the reader on pictures that it has never seen, and by
the sandbox's television. `ocr.synthetic.damages` has what happens to them on their way.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lotto.types import DRAWN, HIGHEST, WHEELS
from ocr.reader.types import Pixels

BoardLayout = Literal["table", "two", "cards", "columns", "single"]
Numbers = Sequence[int | None]  # None: not drawn yet
Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont

SIZE: Final = (1920, 1080)
LAYOUTS: Final[tuple[BoardLayout, ...]] = ("table", "two", "cards", "columns", "single")
ORDER: Final = (*(code for code in WHEELS if code != "RN"), "RN")  # as boards show them
FONT_DIR: Final = Path("/usr/share/fonts")
_PALETTES: Final[tuple[tuple[Colour, Colour, Colour], ...]] = (  # background, panel, highlight
    ((10, 110, 60), (5, 60, 35), (255, 210, 60)),
    ((150, 15, 20), (90, 0, 10), (255, 215, 80)),
    ((20, 60, 150), (10, 30, 90), (255, 190, 40)),
    ((60, 20, 110), (40, 10, 70), (255, 220, 90)),
    ((25, 150, 185), (10, 90, 120), (240, 230, 60)),
    ((45, 45, 52), (22, 22, 28), (245, 160, 40)),
    ((235, 235, 230), (250, 250, 248), (190, 20, 20)),
)


@dataclass(frozen=True)
class Appearance:
    """All of a board that is not its numbers."""

    layout: BoardLayout
    font: str = ""  # a TrueType file; "": the one inside Pillow
    palette: int = 0
    ground: Literal["plain", "fade", "stripes"] = "fade"
    mark: Literal["plain", "ball", "tile", "outline"] = "ball"
    mark_colour: Colour = (245, 245, 245)
    capitals: bool = True
    two_digits: bool = False  # 07 instead of 7
    second_game: bool = False  # numbers beside the board that are no part of the draw
    ticker: bool = True
    ticker_text: str = ""  # "": of another game
    title: str = "Estrazione del Lotto"
    subtitle: str = "Concorso n. 51 di sabato 18 marzo 2026"
    clock: str = "20:03"
    size: float = 1.0  # of the numbers, in the room they have
    order: tuple[str, ...] = ORDER  # the wheels that have a place on it
    dice: int = 0  # for what differs from cell to cell


@dataclass
class Picture:
    """A picture, and where on it what is (x, y of four corners, clockwise from top left)."""

    image: Pixels  # (height, width, BGR)
    cells: dict[tuple[str, int], NDArray[np.float32]] = field(default_factory=dict)
    names: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def moved(self, image: Pixels, matrix: NDArray[np.float64]) -> Picture:
        """It as another image, with its points moved by that 3 x 3 matrix."""

        def there(corners: NDArray[np.float32]) -> NDArray[np.float32]:
            moved = cv2.perspectiveTransform(corners[None], matrix)[0]
            return cast(NDArray[np.float32], moved.astype(np.float32))

        return Picture(
            image,
            {place: there(corners) for place, corners in self.cells.items()},
            {wheel: there(corners) for wheel, corners in self.names.items()},
        )


class _Room(NamedTuple):
    """Where a wheel stands: its name's place, and its five cells' centres with their room."""

    name: tuple[float, float]
    anchor: str  # of the name, in Pillow's letters
    name_px: float
    cells: list[tuple[float, float]]
    cell: tuple[float, float]


@lru_cache(1)
def fonts() -> tuple[str, ...]:
    """The machine's TrueType fonts that have digits as we know them; "" is Pillow's own."""
    families = ("DejaVu", "Liberation", "Roboto", "Lato", "OpenSans", "Noto", "Free")
    wrong = ("Italic", "Oblique", "Thin", "Hairline", "Light")
    found = [
        str(path)
        for path in sorted(FONT_DIR.rglob("*.ttf"))
        if path.name.startswith(families) and not any(word in path.name for word in wrong)
        and (not path.name.startswith("Noto") or path.name.split("-")[0] in _LATIN)
    ]  # fmt: skip
    return ("", *found)


_LATIN: Final = ("NotoSans", "NotoSerif", "NotoSansDisplay", "NotoSerifDisplay")


def invented_wheels(dice: random.Random, wheels: Sequence[str] = ORDER) -> dict[str, list[int]]:
    """A draw by the rules."""
    return {wheel: dice.sample(range(1, HIGHEST + 1), DRAWN) for wheel in wheels}


def so_far(wheels: Mapping[str, Numbers], drawn: int) -> dict[str, Numbers]:
    """A draw when so many of its numbers are out, wheel after wheel."""
    order = list(wheels)
    return {wheel: wheels[wheel][: max(drawn - DRAWN * order.index(wheel), 0)] for wheel in order}


def invented_appearance(dice: random.Random, layout: BoardLayout | None = None) -> Appearance:
    """An appearance that a board on television might have."""
    day = f"{dice.randint(1, 28)} {dice.choice(('gennaio', 'marzo', 'ottobre', 'dicembre'))}"
    return Appearance(
        layout=layout or dice.choices(LAYOUTS, (6, 3, 3, 3, 1))[0],
        font=dice.choice(fonts()),
        palette=dice.randrange(len(_PALETTES)),
        ground=dice.choice(("plain", "fade", "stripes")),
        mark=dice.choice(("plain", "ball", "tile", "outline")),
        mark_colour=dice.choice(
            ((245, 245, 245), (255, 220, 30), (230, 60, 40), (235, 170, 20), (30, 70, 160))
        ),
        capitals=dice.random() < 0.5,
        two_digits=dice.random() < 0.5,
        second_game=dice.random() < 0.35,
        ticker=dice.random() < 0.6,
        title=dice.choice(("LOTTO", "I NUMERI DEL LOTTO", "Estrazione del Lotto")),
        subtitle=f"Concorso n. {dice.randint(1, 208)} di sabato {day} {dice.randint(2021, 2026)}",
        clock=f"20:0{dice.randrange(6)}",
        size=dice.uniform(0.75, 1.0),
        dice=dice.randrange(1 << 30),
        order=_invented_order(dice),
    )


def _invented_order(dice: random.Random) -> tuple[str, ...]:
    """Mostly as boards have it; also by the alphabet, without the national wheel, or any."""
    kind = dice.random()
    if kind < 0.75:
        return ORDER
    if kind < 0.85:
        return tuple(WHEELS)
    if kind < 0.93:
        return ORDER[:-1]
    return tuple(dice.sample(ORDER, len(ORDER)))


def draw(wheels: Mapping[str, Numbers], appearance: Appearance) -> Picture:
    """The board of these wheels, in the board's own order; a wheel that is missing has no cells.

    `single` shows the last of them alone.
    """
    background, panel, highlight = _PALETTES[appearance.palette]
    picture = Picture(np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    canvas = Image.fromarray(_ground(appearance, background))
    pen = ImageDraw.Draw(canvas)
    light = sum(panel) > 450
    ink: Colour = (30, 30, 40) if light else (250, 250, 250)
    right = 1500 if appearance.second_game and appearance.layout == "table" else SIZE[0] - 60
    _frame(pen, appearance, ink, highlight)
    pen.rounded_rectangle((50, 130, right + 10, 990), 14, fill=panel)
    dice = random.Random(appearance.dice)
    shown = [list(wheels)[-1]] if appearance.layout == "single" and wheels else appearance.order
    for wheel, room in zip(shown, _rooms(appearance, right), strict=False):
        name = WHEELS[wheel] if appearance.capitals else WHEELS[wheel].title()
        if appearance.layout == "columns":
            name = wheel
        colour = highlight if dice.random() < 0.2 else ink
        font = _fitting(
            appearance.font, name, room.name_px, 560 if appearance.layout != "columns" else 130
        )
        pen.text(room.name, name, colour, font, room.anchor)
        picture.names[wheel] = corners_of(*pen.textbbox(room.name, name, font, room.anchor))
        if appearance.layout == "cards":
            _card(pen, room, highlight)
        for place, number in enumerate(wheels.get(wheel, ())):
            if number is not None:
                box = _cell(pen, appearance, ink, highlight, room, place, number)
                picture.cells[wheel, place] = corners_of(*box)
    if appearance.second_game and appearance.layout == "table":
        _other_game(pen, appearance, highlight, dice)
    picture.image = cv2.cvtColor(np.asarray(canvas), cv2.COLOR_RGB2BGR).astype(np.uint8)
    return picture


def _rooms(appearance: Appearance, right: float) -> list[_Room]:
    left, top, bottom = 80.0, 150.0, 975.0
    if appearance.layout == "single":
        return [
            _Room((960, 330), "mm", 120, [(960 + (c - 2) * 300, 640) for c in range(DRAWN)],
                  (270, 260))
        ]  # fmt: skip
    if appearance.layout == "columns":
        step, rise = (right - left) / 11, (bottom - top) / 6
        return [
            _Room((left + step * (i + 0.5), top + rise * 0.45), "mm", 90,
                  [(left + step * (i + 0.5), top + rise * (r + 1.45)) for r in range(DRAWN)],
                  (step * 0.8, rise * 0.85))
            for i in range(11)
        ]  # fmt: skip
    if appearance.layout == "cards":
        across = 3 if appearance.dice % 2 else 4
        down = -(-11 // across)
        wide, high = (right - left) / across, (bottom - top) / down
        rooms = []
        for i in range(11):
            x, y = left + wide * (i % across + 0.5), top + high * (i // across)
            step = wide * 0.86 / DRAWN
            centres = [(x + (c - 2) * step, y + high * 0.66) for c in range(DRAWN)]
            rooms.append(_Room((x, y + high * 0.26), "mm", high * 0.25, centres,
                               (step * 0.94, high * 0.42)))  # fmt: skip
        return rooms
    rows = 11 if appearance.layout == "table" else 6
    high = (bottom - top) / rows
    blocks = 1 if appearance.layout == "table" else 2
    wide = (right - left) / blocks
    first = 0.34 if appearance.dice % 3 else 0.42
    step = wide * (0.98 - first) / DRAWN
    rooms = []
    for i in range(11):
        x, y = left + wide * (i // rows), top + high * (i % rows + 0.5)
        centres = [(x + wide * first + step * (c + 0.5), y) for c in range(DRAWN)]
        rooms.append(_Room((x + 10, y), "lm", min(high * 0.55, 52), centres,
                           (step * 0.92, high * 0.86)))  # fmt: skip
    return rooms


def _cell(
    pen: ImageDraw.ImageDraw, appearance: Appearance, ink: Colour, highlight: Colour,
    room: _Room, place: int, number: int,
) -> tuple[float, float, float, float]:  # fmt: skip
    (x, y), (wide, high) = room.cells[place], room.cell
    radius = min(wide, high) / 2
    text = f"{number:02}" if appearance.two_digits else str(number)
    colour = ink
    if appearance.mark in ("ball", "tile"):
        colour = (20, 20, 25) if sum(appearance.mark_colour) > 330 else (250, 250, 250)
    if appearance.mark == "ball":
        pen.ellipse((x - radius + 3, y - radius + 4, x + radius + 3, y + radius + 4), (30, 30, 30))
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), appearance.mark_colour)
    elif appearance.mark == "tile":
        pen.rounded_rectangle((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2), 8,
                              fill=appearance.mark_colour)  # fmt: skip
    elif appearance.mark == "outline":
        pen.rectangle((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2), None, highlight, 3)
    room_wide = wide * 0.86 if appearance.mark != "ball" else radius * 1.35
    font = _fitting(appearance.font, "00", min(high, wide) * 0.78 * appearance.size, room_wide)
    pen.text((x, y), text, colour, font, "mm")
    return pen.textbbox((x, y), text, font, "mm")


def _frame(
    pen: ImageDraw.ImageDraw, appearance: Appearance, ink: Colour, highlight: Colour
) -> None:
    """What stands around the board; most of it has numbers, to lead astray."""
    pen.text((960, 62), appearance.title, highlight, sized(appearance.font, 56), "mm")
    pen.text((960, 112), appearance.subtitle, ink, sized(appearance.font, 27), "mm")
    pen.rectangle((1650, 30, 1850, 90), (0, 0, 0))
    pen.text((1750, 60), appearance.clock, (250, 250, 250), sized(appearance.font, 40), "mm")
    if appearance.ticker:
        pen.rectangle((0, 1010, *SIZE), (5, 5, 5))
        dice = random.Random(appearance.dice + 1)
        gold = f"Numero Oro {dice.randint(1, 90)}  -  Doppio Oro {dice.randint(1, 90)}"
        words = (
            f"{gold}  -  Jackpot {dice.randint(10, 99)}.{dice.randint(100, 999)}.000 euro  -  18+"
        )
        words = appearance.ticker_text or words
        pen.text((960, 1045), words, (240, 240, 240), sized(appearance.font, 32), "mm")


def _other_game(
    pen: ImageDraw.ImageDraw, appearance: Appearance, highlight: Colour, dice: random.Random
) -> None:
    pen.rounded_rectangle((1540, 150, 1860, 980), 14, (20, 20, 30), highlight, 3)
    pen.text((1700, 210), "ENALOTTO", highlight, sized(appearance.font, 40), "mm")
    for i, number in enumerate(dice.sample(range(1, HIGHEST + 1), 6)):
        y = 310 + i * 112
        pen.ellipse((1655, y - 45, 1745, y + 45), (240, 240, 240))
        pen.text((1700, y), str(number), (20, 20, 20), sized(appearance.font, 48), "mm")


def _card(pen: ImageDraw.ImageDraw, room: _Room, colour: Colour) -> None:
    (first, y), (last, _) = room.cells[0], room.cells[-1]
    half = room.cell[0] * 0.62
    pen.rounded_rectangle((first - half, room.name[1] - room.name_px, last + half,
                           y + room.cell[1] * 0.7), 14, None, colour, 3)  # fmt: skip


def _ground(appearance: Appearance, colour: Colour) -> Pixels:
    height, width = SIZE[1], SIZE[0]
    ground = np.empty((height, width, 3), np.float32)
    ground[:] = colour
    if appearance.ground == "fade":
        ground *= np.linspace(1.15, 0.75, height, dtype=np.float32)[:, None, None]
    elif appearance.ground == "stripes":
        y, x = np.mgrid[:height, :width]
        ground[((x + y) // 80) % 2 == 0] *= 1.2
    return ground.clip(0, 255).astype(np.uint8)


@lru_cache(512)
def sized(path: str, px: int) -> Font:
    """One of `fonts`, so many px high."""
    if path:
        return ImageFont.truetype(path, px)
    return cast(Font, ImageFont.load_default(px))


def _fitting(path: str, text: str, px: float, width: float) -> Font:
    """The font at that size, or smaller so that the text is no wider."""
    font = sized(path, max(int(px), 8))
    wide = font.getlength(text)
    return font if wide <= width else sized(path, max(int(px * width / wide), 8))


def corners_of(left: float, top: float, right: float, bottom: float) -> NDArray[np.float32]:
    """A rectangle's corners (x, y), clockwise from top left."""
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return np.array(corners, np.float32)
