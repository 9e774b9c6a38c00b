"""Lines of an audience as SVG paths, with a gap where nothing is known: pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.lib.svg import line

WIDTH: Final = 600
HEIGHT: Final = 160
NICE: Final = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Line:
    """One curve, as it is drawn (`d` of an SVG path), and the dots of values between two gaps."""

    label: str
    css_class: str
    path: str
    dots: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over one axis. `ticks` are (x, label); `top` is the value of the upper edge."""

    title: str
    lines: list[Line]
    ticks: list[tuple[float, str]]
    top: int
    width: int = WIDTH
    height: int = HEIGHT


def chart(
    title: str,
    labels: Sequence[str],
    curves: Sequence[tuple[str, str, Sequence[int | None]]],
    *,
    ticks_every: int,
) -> Chart:
    """A chart of curves (label, CSS class, a value for each of `labels`; None is unknown)."""
    top = nice_top(max((v for *_, values in curves for v in values if v is not None), default=0))
    step = WIDTH / max(len(labels) - 1, 1)
    lines = []
    for label, css_class, values in curves:
        lines.append(Line(label, css_class, *line(values, step=step, height=HEIGHT, top=top)))
    ticks = [(round(n * step, 1), labels[n]) for n in range(0, len(labels), ticks_every)]
    return Chart(title, lines, ticks, top)


def nice_top(maximum: int) -> int:
    """The next of 1, 2, 3, 4, 5, 10, 20, 30, ... from `most` on, at least 5."""
    scale = 1
    while True:
        for nice in NICE:
            if nice * scale >= max(maximum, 5):
                return nice * scale
        scale *= 10
