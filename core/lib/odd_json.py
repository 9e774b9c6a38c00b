"""JSON as other programs write it, where one odd value shall not cost the whole document."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any, Final

import orjson

_MAX_DIGITS: Final = 100
_MAX_DEPTH: Final = 1_024  # as orjson: what Python's own parser takes differs between its versions
_TEXT: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)


class TooDeep(ValueError):
    """Nested too deeply to say whether it is JSON."""


def loads(raw: bytes) -> Any:
    """The document, also with NaN, half a surrogate pair, bytes that are no UTF-8, huge integers.

    Such texts then hold lone surrogates, which no record may have; integers of over 100 digits
    become texts. UTF-16 and UTF-32 are recognised. Raises TooDeep, or ValueError when it is no
    JSON at all.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        try:
            return _loads_slowly(raw)
        except RecursionError:
            raise TooDeep(str(exc)) from None
        except ValueError:
            raise exc from None


def _loads_slowly(raw: bytes) -> Any:
    text = raw.decode(json.detect_encoding(raw), "surrogateescape")
    if _depth(text) > _MAX_DEPTH:
        raise RecursionError
    return json.loads(text, parse_int=_integer)


def _depth(text: str) -> int:
    """How deep arrays and objects are nested; what is in a string does not count."""
    marks = re.findall(r"[][{}]", _TEXT.sub("", text))
    return max(accumulate(1 if mark in "[{" else -1 for mark in marks), default=0)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_DIGITS else digits
