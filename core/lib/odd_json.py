"""JSON as other programs write it, where one odd value shall not cost the whole document."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

_MAX_DIGITS: Final = 100


def loads(raw: bytes) -> Any:
    """The document, also with NaN, half a surrogate pair, bytes that are no UTF-8, huge integers.

    Such texts then hold lone surrogates, which no record may have; integers of over 100 digits
    become texts. Raises ValueError when it is no JSON at all, or nested too deeply.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        try:
            return json.loads(raw.decode("utf-8-sig", "surrogateescape"), parse_int=_integer)
        except (ValueError, RecursionError):
            raise exc from None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_DIGITS else digits
