"""Curves of an audience as SVG paths, with gaps where it is unknown: pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.lib.svg import line

WIDTH: Final = 600
HEIGHT: Final = 160
NICE: Final = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: its SVG path (`d`), and dots for values between two gaps."""

    label: str
    css_class: str
    path: str
    dots: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over one axis. `ticks` are (x, label); `top` is the value of the upper edge."""

    title: str
    curves: list[Curve]
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
    drawn = []
    for label, css_class, values in curves:
        path = line(values, step=step, height=HEIGHT, top=top)
        drawn.append(Curve(label, css_class, *path))
    ticks = [(round(n * step, 1), labels[n]) for n in range(0, len(labels), ticks_every)]
    return Chart(title, drawn, ticks, top)


def nice_top(maximum: int) -> int:
    """The next of 1, 2, 3, 4, 5, 10, 20, 30, ... from `maximum` on, at least 5."""
    scale = 1
    while True:
        for nice in NICE:
            if nice * scale >= max(maximum, 5):
                return nice * scale
        scale *= 10
