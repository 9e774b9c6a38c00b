from __future__ import annotations

import json
import math
from typing import Any

import pytest

from core.lib import odd_json


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": [1, "\xc3\xa9", null]}', {"a": [1, "é", None]}),
        (rb'["\ud800", 1]', ["\ud800", 1]),
        (b'["caf\xe9", 1]', ["caf\udce9", 1]),
        (b'["Tel\xc3"]', ["Tel\udcc3"]),
        (b"[Infinity]", [math.inf]),
        (b"\xef\xbb\xbf[1]", [1]),
        ('["è"]'.encode("utf-16"), ["è"]),
        ('["è"]'.encode("utf-32-be"), ["è"]),
        (b"[NaN, " + b"9" * 5_000 + b"]", None),
    ],
)
def test_an_odd_value_costs_no_other(raw: bytes, value: Any) -> None:
    read = odd_json.loads(raw)
    assert read == value or (value is None and math.isnan(read[0]) and read[1] == "9" * 5_000)


@pytest.mark.parametrize("raw", [b"", b"{", b"[1", b"<html>", b"1 2", b"\xff\xfe1"])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="column"):
        odd_json.loads(raw)


def test_what_is_too_deep_may_be_json() -> None:
    for raw in (
        b"[" * 100_000,
        b"[" * 3_000 + b"]" * 3_000,
        b"[NaN," + b"[" * 1_024 + b"]" * 1_025,
    ):
        with pytest.raises(odd_json.TooDeep, match="column"):
            odd_json.loads(raw)


def test_brackets_in_a_text_are_not_deep() -> None:
    text = "[" * 5_000 + '"' + "{" * 5_000
    raw = json.dumps([text, math.inf]).encode()
    assert odd_json.loads(raw) == [text, math.inf]
