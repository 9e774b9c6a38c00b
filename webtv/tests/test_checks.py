"""Odd settings of the streams are reported with a hint."""

from __future__ import annotations

from typing import Any

import pytest

from webtv.checks import check_intervals, check_streams

SECRET = "s3cret-of-the-cdn"
GOOD = {"NAME": "main", "PRESET": "owncast", "URL": "https://cdn.example", "TITLE": "Web TV"}


def found(settings: Any, *given: dict[str, str]) -> list[str]:
    settings.WEBTV_STREAMS = {f"webtv_{n}": one for n, one in enumerate(given, start=1)}
    messages = check_streams()
    for message in messages:
        assert message.hint
        assert SECRET not in f"{message.msg} {message.hint}"
    return [str(message.id) for message in messages]


def test_good_streams_and_none_pass(settings: Any) -> None:
    assert found(settings) == []
    assert found(settings, GOOD, {**GOOD, "NAME": "two", "USER": "u", "PASSWORD": SECRET}) == []


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ({"URI": "x"}, ["W001"]),
        ({"NAME": "total"}, ["E002"]),
        ({"NAME": "a b"}, ["E002"]),
        ({"URL": ""}, ["W003"]),
        ({"URL": "cdn.example"}, ["E004"]),
        ({"URL": f"https://u:{SECRET}@cdn.example"}, ["E004"]),
        ({"URL": "http://[x"}, ["E004"]),
        ({"PRESET": "youtube"}, ["E004"]),
        ({"PRESET": "generic"}, ["E004"]),
        ({"PRESET": "generic", "PATH": "a["}, ["E004"]),
        ({"PRESET": "cloudflare"}, ["E004"]),
        ({"FORMAT": "yaml"}, ["E005"]),
        ({"USER": "u"}, ["W006"]),
        ({"URL": "http://cdn.example", "TOKEN": SECRET}, ["W007"]),
        ({"URL": "http://127.0.0.1:1985", "TOKEN": SECRET}, []),
    ],
)
def test_odd_setting_is_reported(settings: Any, given: dict[str, str], ids: list[str]) -> None:
    assert found(settings, {**GOOD, **given}) == [f"webtv.{one}" for one in ids]


def test_two_streams_of_one_name_are_reported(settings: Any) -> None:
    assert found(settings, GOOD, GOOD) == ["webtv.E008"]


@pytest.mark.parametrize(
    ("name", "value", "ids"),
    [
        ("WEBTV_TIMEOUT_S", 5, ["webtv.W009"]),
        ("WEBTV_HOURLY_RETENTION_DAYS", 1, ["webtv.W010"]),
        ("WEBTV_HOURLY_RETENTION_DAYS", 0, []),
    ],
)
def test_intervals_that_do_not_fit_are_reported(
    settings: Any, name: str, value: int, ids: list[str]
) -> None:
    setattr(settings, name, value)
    assert [message.id for message in check_intervals()] == ids
