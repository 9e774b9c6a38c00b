"""From pictures to numbers, on boards that are drawn here and spoilt as television spoils them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import cycle, product
from typing import Any

import numpy as np
import pytest

from lotto.types import WHEELS
from ocr.reader.reader import Reader
from ocr.reader.types import SURE, Reading
from ocr.synthetic import boards, damages, other_pictures
from ocr.synthetic.boards import Appearance, Picture

Seen = Callable[[str, str], tuple[dict[str, list[int]], Picture, Reading]]
# A reading takes two seconds and a half: every run has each layout and each quality once.
OFTEN = {
    ("table", "clean1080"), ("two", "tv720"), ("cards", "tv576"), ("columns", "photo"),
    ("single", "tv720"),
}  # fmt: skip


def case(*values: Any, often: bool, name: str = "") -> Any:
    """A case of every run, or else of the exhaustive one."""
    marks = () if often else (pytest.mark.exhaustive,)
    return pytest.param(*values, marks=marks, id=name or "-".join(map(str, values)))


KINDS = [
    case(layout, damage, often=(layout, damage) in OFTEN)
    for layout, damage in product(boards.LAYOUTS, damages.DAMAGES)
]


def board(layout: Any, damage: Any, **appearance: Any) -> tuple[dict[str, list[int]], Picture]:
    """A draw, and a picture of it."""
    dice = random.Random(f"{layout} {damage}")
    wheels = boards.invented_wheels(dice)
    drawn = boards.draw(wheels, Appearance(layout, mark="tile", size=0.95, **appearance))
    return wheels, damages.spoil(drawn, damage, dice)


def wrong(reading: Reading, wheels: dict[str, list[int]]) -> list[Any]:
    """What the reading is sure of and that is not so."""
    return [
        (wheel, place, each, wheels.get(wheel))
        for wheel, numbers in reading.wheels.items()
        for place, each in enumerate(numbers)
        if each.confidence >= SURE and (wheel not in wheels or each.number != wheels[wheel][place])
    ]


@pytest.fixture(scope="module")
def seen(eyes: Reader) -> Seen:
    """A draw, a picture of it, and its reading; each is read once, however often asked for."""

    @cache
    def read(layout: str, damage: str) -> tuple[dict[str, list[int]], Picture, Reading]:
        wheels, picture = board(layout, damage)
        return wheels, picture, eyes.read(picture.image)

    return read


@pytest.mark.parametrize(("layout", "damage"), KINDS)
def test_a_board_is_read_and_nothing_is_made_up(seen: Seen, layout: str, damage: str) -> None:
    wheels, picture, reading = seen(layout, damage)
    assert not wrong(reading, wheels)
    shown = {wheel for wheel, _ in picture.cells}
    assert set(reading.wheels) <= shown
    if damage in ("clean1080", "tv720"):
        assert set(reading.sure()) == shown
    elif damage == "photo":
        assert len(reading.sure()) * 10 >= len(shown) * 8


@pytest.mark.parametrize(
    ("layout", "damage"),
    [kind for kind in KINDS if kind.values != ("two", "clean1080")],  # BARI's reaches PALERMO's
)
def test_a_wheels_box_holds_its_numbers_and_no_others(seen: Seen, layout: str, damage: str) -> None:
    _, picture, reading = seen(layout, damage)
    assert reading.boxes.keys() == reading.wheels.keys()
    height, width = picture.image.shape[:2]
    for wheel, (left, top, right, bottom) in reading.boxes.items():
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        for (other, _), corners in picture.cells.items():
            x, y = corners.mean(0)
            is_inside = left < x < right and top < y < bottom
            assert is_inside or other != wheel
            if damage != "photo":  # a board photographed askew has boxes that overlap
                assert is_inside == (other == wheel)


@pytest.mark.parametrize(
    "two_digits", [case(True, often=True, name="07"), case(False, often=False, name="7")]
)
def test_one_digit_and_two_are_the_same_number(eyes: Reader, two_digits: bool) -> None:
    wheels = {wheel: [7, 1, 90, 9, 4] for wheel in boards.ORDER}
    picture = boards.draw(wheels, Appearance("table", two_digits=two_digits))
    reading = eyes.read(picture.image)
    assert not wrong(reading, wheels)
    assert reading.sure()["BA"] == (7, 1, 90, 9, 4)


@pytest.mark.exhaustive  # `test_what_is_not_out_yet_is_missing` has such boards in every run
def test_wheels_that_are_not_drawn_yet_are_missing_not_invented(eyes: Reader) -> None:
    wheels, _ = board("table", "clean1080")
    shown = {wheel: wheels[wheel] if wheel in ("BA", "CA", "FI") else [] for wheel in wheels}
    reading = eyes.read(boards.draw(shown, Appearance("table")).image)
    assert reading.sure() == {wheel: tuple(wheels[wheel]) for wheel in ("BA", "CA", "FI")}


@pytest.mark.exhaustive  # `test_fakes` reads one in every run
def test_a_wheel_that_is_half_drawn_is_in_doubt(eyes: Reader) -> None:
    wheels, _ = board("table", "clean1080")
    half = {**wheels, "VE": [*wheels["VE"][:3], None, None]}
    reading = eyes.read(boards.draw(half, Appearance("table")).image)
    assert "VE" not in reading.sure()
    assert len(reading.sure()) == 10
    assert not wrong(reading, {**wheels, "VE": [*wheels["VE"][:3], -1, -1]})


def test_a_number_twice_in_a_wheel_is_no_draw(eyes: Reader) -> None:
    wheels, _ = board("table", "clean1080")
    wheels["RM"] = [5, 17, 5, 40, 88]
    reading = eyes.read(boards.draw(wheels, Appearance("table")).image)
    assert "RM" not in reading.sure()
    assert len(reading.sure()) == 10


def test_numbers_beside_the_board_are_no_part_of_it(eyes: Reader) -> None:
    wheels, picture = board("table", "clean1080", second_game=True)
    assert eyes.read(picture.image).sure() == {w: tuple(n) for w, n in wheels.items()}


OTHERS = list(zip(other_pictures.KINDS, cycle(("clean1080", "photo")), strict=False))


@pytest.mark.parametrize(
    ("kind", "damage"), OTHERS, ids=[f"{kind.__name__}-{damage}" for kind, damage in OTHERS]
)
def test_other_pictures_with_names_and_numbers_say_nothing(
    eyes: Reader, kind: Any, damage: Any
) -> None:
    dice = random.Random(damage)
    picture = damages.spoil(kind(dice), damage, dice)
    assert eyes.read(picture.image).wheels == {}


@pytest.mark.parametrize("name", ["noise", "black"])
def test_pictures_of_nothing_say_nothing(eyes: Reader, name: str) -> None:
    image = np.zeros((720, 1280, 3), np.uint8)
    if name == "noise":
        image = np.random.default_rng(1).integers(0, 256, image.shape, np.uint8)
    assert eyes.read(image).wheels == {}


@pytest.mark.parametrize(
    ("layout", "order"),
    [
        case("table", "alphabet", often=False),
        case("two", "any", often=False),
        case("cards", "cities", often=True),
        case("columns", "any", often=True),
    ],
)
def test_wheels_may_stand_in_any_order(eyes: Reader, layout: Any, order: str) -> None:
    order_of = {
        "alphabet": tuple(WHEELS),
        "cities": boards.ORDER[:-1],
        "any": tuple(random.Random(layout).sample(boards.ORDER, 11)),
    }
    wheels, picture = board(layout, "tv720", order=order_of[order])
    assert eyes.read(picture.image).sure() == {w: tuple(wheels[w]) for w in order_of[order]}


@pytest.mark.parametrize(
    ("layout", "drawn"),
    [
        case("table", 0, often=True),
        case("table", 1, often=False),
        case("two", 23, often=True),
        case("cards", 8, often=False),
        case("columns", 8, often=False),
        case("columns", 54, often=False),
    ],
)
def test_what_is_not_out_yet_is_missing(eyes: Reader, layout: Any, drawn: int) -> None:
    wheels, _ = board(layout, "clean1080")
    appearance = Appearance(layout, mark="ball", size=0.95)
    dice = random.Random(f"{layout} {drawn}")
    out = boards.so_far(wheels, drawn)
    reading = eyes.read(damages.spoil(boards.draw(out, appearance), "tv720", dice).image)
    assert not wrong(reading, {w: [*n, *[None] * (5 - len(n))] for w, n in out.items()})
    whole = {wheel: tuple(numbers) for wheel, numbers in out.items() if len(numbers) == 5}
    assert reading.sure() == whole


@pytest.mark.parametrize(
    "day",
    [
        case("martedì 17 marzo 2026", often=True, name="17"),
        case("mercoledì 18 marzo 2026", often=False, name="18"),
    ],
)
def test_yesterdays_board_differs_by_its_date_alone(eyes: Reader, day: str) -> None:
    wheels, _ = board("table", "clean1080")
    appearance = Appearance("table", subtitle=f"Concorso n. 51 di {day}")
    sure = eyes.read(boards.draw(wheels, appearance).image).sure()
    assert sure == {wheel: tuple(numbers) for wheel, numbers in wheels.items()}


@pytest.mark.parametrize(
    ("kind", "share"),
    [
        case(kind, share, often=share == 0.5)
        for kind, share in product(("appearing", "turning"), (0.2, 0.5, 0.8))
    ],
)
def test_frame_of_an_animation_shows_no_third_number(eyes: Reader, kind: str, share: float) -> None:
    wheels, _ = board("table", "clean1080")
    appearance = Appearance("table", mark="tile")
    old = {**wheels, "VE": [], "RN": []}
    if kind == "turning":
        old = {**wheels, "VE": [81, 36, 29, 64, 90], "RN": [18, 63, 9, 46, 7]}
    frame = damages.between(boards.draw(old, appearance), boards.draw(wheels, appearance), share)
    reading = eyes.read(damages.spoil(frame, "tv720", random.Random(share)).image)
    for wheel, numbers in reading.wheels.items():
        for place, each in enumerate(numbers):
            may_be = {wheels[wheel][place], *old[wheel][place : place + 1]}
            assert each.confidence < SURE or each.number in may_be


@pytest.mark.parametrize("px", [3, 6, 12])
def test_a_board_out_of_focus_is_read_in_part_or_not_at_all(eyes: Reader, px: float) -> None:
    wheels, picture = board("table", "clean1080")
    reading = eyes.read(damages.blurred(picture, px).image)
    assert not wrong(reading, wheels)


@contextmanager
def not_read_again(eyes: Reader) -> Iterator[None]:
    """Fails when the engines are asked."""
    finder, recognisers = eyes._finder, eyes._recognisers
    eyes._finder = eyes._recognisers = None
    try:
        yield
    finally:
        eyes._finder, eyes._recognisers = finder, recognisers


def test_an_unchanged_frame_is_not_read_again(eyes: Reader) -> None:
    wheels, picture = board("table", "clean1080")
    first = eyes.watch(picture.image)
    again = damages.spoil(Picture(picture.image), "clean1080", random.Random(1)).image
    with not_read_again(eyes):
        assert eyes.watch(again) == first
    assert first.sure() == {wheel: tuple(numbers) for wheel, numbers in wheels.items()}


def test_a_changed_number_is_seen(eyes: Reader) -> None:
    wheels, _ = board("table", "clean1080")
    appearance = Appearance("table")
    eyes.watch(boards.draw(wheels, appearance).image)
    wheels["GE"][2] = next(n for n in (48, 49, 40) if n not in wheels["GE"])
    assert eyes.watch(boards.draw(wheels, appearance).image).sure()["GE"] == tuple(wheels["GE"])


def test_the_next_wheel_at_the_same_place_is_not_taken_for_the_one_before(eyes: Reader) -> None:
    appearance = Appearance("single")
    eyes.watch(boards.draw({"BA": [1, 22, 33, 44, 55]}, appearance).image)
    reading = eyes.watch(boards.draw({"CA": [66, 7, 88, 9, 10]}, appearance).image)
    assert reading.sure() == {"CA": (66, 7, 88, 9, 10)}


@pytest.mark.exhaustive  # `test_a_whole_evening` has them over the air in every run
def test_wheels_appear_one_by_one(eyes: Reader) -> None:
    wheels, _ = board("table", "clean1080")
    appearance = Appearance("table")
    seen: list[int] = []
    for count in (1, 4, 11):
        shown = {wheel: wheels[wheel] if i < count else [] for i, wheel in enumerate(wheels)}
        reading = eyes.watch(boards.draw(shown, appearance).image)
        assert not wrong(reading, wheels)
        seen.append(len(reading.sure()))
    assert seen == [1, 4, 11]
