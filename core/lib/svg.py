"""Lines of charts as SVG paths: pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]


def line(
    values: Sequence[float | None], *, step: float, height: float, top: float
) -> tuple[str, list[Point]]:
    """The path (`d`) of `values`, and the points that stand alone between two gaps.

    One value every `step` user units from x = 0 on; `top` is the value at y = 0, 0 is at `height`.
    None is unknown: a gap.
    """
    strokes: list[list[Point]] = [[]]
    for n, value in enumerate(values):
        if value is None:
            strokes.append([])
        else:
            strokes[-1].append((round(n * step, 1), round(height * (1 - value / top), 1)))
    path = " ".join(
        "M" + " L".join(f"{x} {y}" for x, y in stroke) for stroke in strokes if len(stroke) > 1
    )
    return path, [stroke[0] for stroke in strokes if len(stroke) == 1]
