"""JSON as other programs write it, where one odd value shall not cost the whole document."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

_MAX_DIGITS: Final = 100


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
            text = raw.decode(json.detect_encoding(raw), "surrogateescape")
            return json.loads(text, parse_int=_integer)
        except RecursionError:
            raise TooDeep(str(exc)) from None
        except ValueError:
            raise exc from None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_DIGITS else digits
