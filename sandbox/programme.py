"""What the sandbox's television shows at a moment of its day: pure, the same on every call."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Final, Literal, NamedTuple

from sandbox import draws

Kind = Literal["advert", "presenter", "board"]
Wheels = tuple[tuple[str, tuple[int, ...]], ...]

BEGINS: Final = timedelta(hours=20)  # after midnight, on the day of a draw
ORDER: Final = (*(code for code in draws.WHEELS if code != "RN"), "RN")  # as they are drawn
LEAD_S: Final = 60.0  # presenter, until the first number
NUMBER_S: Final = 3.0  # from one number to the next
ROLLING_S: Final = 1.4  # of those, while other numbers run through its place,
HALF_S: Final = 0.5  # the last of them with its first digit alone
WHEEL_S: Final = 18.0
BREAK_AFTER, BREAK_S = 5, 20.0  # wheels; an advert
WHOLE_S: Final = 600.0  # the complete board
LASTS_S: Final = LEAD_S + len(ORDER) * WHEEL_S + BREAK_S + WHOLE_S
LOOP_S: Final = 30.0  # of adverts, of the last board and of the presenter, when nothing is on
ADVERTS: Final = 4
ADVERT_S: Final = 7.5
STEPS_PER_S: Final = 5  # numbers that run through a place


class Scene(NamedTuple):
    """What a picture shows; `wheels` of a board, in the order drawn."""

    kind: Kind
    day: date  # of the draw on the board
    clock: str = ""
    wheels: Wheels = ()
    number: int = 0  # which advert


def on_the_air(now: datetime, day: date | None = None) -> Scene:
    """What is on at that time in Rome; the evening has the draw of `day`, or that day's."""
    since_midnight = timedelta(hours=now.hour, minutes=now.minute, seconds=now.second)
    into_s = (since_midnight - BEGINS).total_seconds() + now.microsecond / 1e6
    return evening(into_s, day or now.date())


def evening(second: float, day: date) -> Scene:
    """The evening of a draw, that many seconds after it began; before and after it, the loop."""
    minutes = int((BEGINS.total_seconds() + second) // 60) % (24 * 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}"
    drawn = draws.on(day)
    if not drawn or second < 0 or second >= LASTS_S:
        return loop(second, day if drawn and second >= 0 else draws.before(day), clock)
    second -= LEAD_S
    if second < 0:
        return Scene("presenter", day, clock)
    break_at = BREAK_AFTER * WHEEL_S
    if break_at <= second < break_at + BREAK_S:
        return Scene("advert", day, clock, number=int(second / ADVERT_S) % ADVERTS)
    drawing_s = second - BREAK_S * (second >= break_at)
    return Scene("board", day, clock, _so_far(drawn, drawing_s))


def loop(second: float, day: date, clock: str = "") -> Scene:
    """Adverts, the board of that day's draw and the presenter, by turns."""
    turn, into_s = divmod(second % (3 * LOOP_S), LOOP_S)
    if turn == 0:
        return Scene("advert", day, clock, number=int(into_s / ADVERT_S) % ADVERTS)
    return board(day, clock) if turn == 1 else Scene("presenter", day, clock)


def board(day: date, clock: str = "") -> Scene:
    """The complete board of a day; the presenter when nothing was drawn on it."""
    drawn = draws.on(day)
    if not drawn:
        return Scene("presenter", day, clock)
    return Scene("board", day, clock, tuple((wheel, drawn[wheel]) for wheel in _order(drawn)))


def _order(drawn: draws.Draw) -> list[str]:
    return [wheel for wheel in ORDER if wheel in drawn]


def _so_far(drawn: draws.Draw, second: float) -> Wheels:
    """The wheels with visible numbers, that many seconds after the first began."""
    shown = []
    for turn, wheel in enumerate(_order(drawn)):
        into_s = second - turn * WHEEL_S
        numbers = [
            _place(f"{wheel}{place}", number, into_s - place * NUMBER_S)
            for place, number in enumerate(drawn[wheel])
            if into_s >= place * NUMBER_S
        ]
        if numbers:
            shown.append((wheel, tuple(numbers)))
    return tuple(shown)


def _place(name: str, number: int, second: float) -> int:
    """What stands in a number's place, that many seconds after its drawing began."""
    if second >= ROLLING_S:
        return number
    if second >= ROLLING_S - HALF_S:
        return int(str(number)[0])
    return Random(f"{name} {int(second * STEPS_PER_S)}").randint(1, 90)
