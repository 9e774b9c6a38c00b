from __future__ import annotations

from core.lib.svg import line


def test_unknown_values_are_gaps_and_lonely_ones_points() -> None:
    path, points = line([0, 5, None, 3, None, 1, 2], step=100, height=160, top=5)
    assert path == "M0 160.0 L100 0.0 M500 128.0 L600 96.0"
    assert points == [(300, 64.0)]


def test_nothing_known_is_an_empty_path() -> None:
    assert line([None, None], step=1, height=100, top=1) == ("", [])
    assert line([], step=1, height=100, top=1) == ("", [])
