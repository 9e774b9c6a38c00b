"""The last draw, as a board."""

from __future__ import annotations

from typing import Any

from lotto import selectors
from lotto.types import WHEELS


def draw() -> dict[str, Any]:
    """`day` (YYYY/MM/DD; None without a draw) and `wheels`: all eleven, each with its `numbers`."""
    newest = selectors.latest(1)
    day, drawn = newest[0] if newest else (None, {})
    return {
        "day": f"{day:%Y/%m/%d}" if day else None,
        "wheels": [
            {"code": code, "name": name.capitalize(), "numbers": list(drawn.get(code, ()))}
            for code, name in WHEELS.items()
        ],
    }
