"""The type of a line: from the carrier's list, or from its number until the list is known."""

from __future__ import annotations

import threading
import time
from typing import Final

from core.lib.numbers import comparable, e164
from webcom.models import Line

VAS, GREEN = "Vas", "Green"
_FRESH_S: Final = 30.0  # another process may have stored new lines

_lock = threading.Lock()
_types: dict[str, str] = {}
_read_at = float("-inf")


def line_type(line_id: str, number: str) -> str:
    """The line's type as the carrier lists it, else by number (899... Vas, 800... Green), or ''."""
    return _known_types().get(line_id) or type_of_number(number)


def type_of_number(number: str) -> str:
    """Vas for premium-rate 89x, Green for toll-free 800 and 803 (national numbering plan)."""
    known = comparable(e164(number))
    if known.startswith("+3989"):
        return VAS
    return GREEN if known.startswith(("+39800", "+39803")) else ""


def forget_line_types() -> None:
    """Drop the cached types, because the lines changed."""
    global _read_at
    _read_at = float("-inf")


def _known_types() -> dict[str, str]:
    global _types, _read_at
    with _lock:
        if time.monotonic() - _read_at > _FRESH_S:
            _types = dict(Line.objects.values_list("line_id", "line_type"))
            _read_at = time.monotonic()
        return _types
