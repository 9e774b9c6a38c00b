from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import pytest
from django.http import QueryDict
from msgspec import Meta, Struct
from rest_framework.exceptions import ValidationError

from core.api.params import cursor_of, read_cursor, read_day, read_instant, read_query
from core.lib.spreadsheets import safe_cell


class CachedQuery(Struct, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=10)] = 5
    active: bool | None = None
    name: str | None = None


def test_parameters_become_what_the_struct_says():
    assert read_query(QueryDict("limit=7&active=true&name=7&other=x"), CachedQuery) == CachedQuery(
        7, True, "7"
    )
    assert read_query(QueryDict(""), CachedQuery) == CachedQuery()
    assert read_query(QueryDict("limit=1&limit=2"), CachedQuery).limit == 2


@pytest.mark.parametrize(
    "text", ["limit=0", "limit=x", "limit=", "limit=1&limit=11", "active=7", "active="]
)
def test_a_bad_parameter_is_named(text: str):
    with pytest.raises(ValidationError) as error:
        read_query(QueryDict(text), CachedQuery)
    assert list(error.value.detail) == [text.split("=")[0]]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1763204400", datetime(2025, 11, 15, 11, tzinfo=UTC)),
        ("2025-11-15", datetime(2025, 11, 14, 23, tzinfo=UTC)),
        ("2025-11-15T12:00", datetime(2025, 11, 15, 11, tzinfo=UTC)),
        ("2025-11-15 12:00:00Z", datetime(2025, 11, 15, 12, tzinfo=UTC)),
        ("2025-11-15T12:00:00-05:00", datetime(2025, 11, 15, 17, tzinfo=UTC)),
        ("2025-07-15T12:00:00", datetime(2025, 7, 15, 10, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_in_every_spelling(text: str, at: datetime):
    assert read_instant("from", text) == at


def test_a_day_that_ends_a_range_is_included_whole():
    assert read_instant("to", "2025-10-26", end=True) == datetime(2025, 10, 26, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["soon", "2025-02-30", "2025-11-15T25:00", "1999-12-31T00:00Z", "-1", "1" * 11, "٢٠٢٥-11-15"],
)
def test_what_is_no_instant_is_refused(text: str):
    with pytest.raises(ValidationError, match="is not a"):
        read_instant("from", text)


def test_a_day_is_read_and_its_look_alikes_are_refused():
    assert read_day("date", "2026-02-28") == date(2026, 2, 28)
    for text in ("2026-02-29", "2026-2-28", "2026-02-28\n", "28-02-2026", ""):
        with pytest.raises(ValidationError):
            read_day("date", text)


def test_a_cursor_is_read_back():
    assert read_cursor(cursor_of(7, "a:b"), max_place=7) == (7, "a:b")


@pytest.mark.parametrize(
    "text",
    ["x", "é", "LTE6YQ", cursor_of(8, "a"), cursor_of(7, ""), cursor_of(7, "a\0"), "YQ", ""],
)
def test_what_is_no_cursor_is_refused(text: str):
    with pytest.raises(ValidationError, match="no cursor"):
        read_cursor(text, max_place=7)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@A1", "'@A1"),
        ("\t=1", "'\t=1"),
        ("+1+2", "'+1+2"),
        ("-A1", "'-A1"),
        ("+39331", "+39331"),
        ("-0,07", "-0,07"),
        ("a=b", "a=b"),
        ("", ""),
        (-7, -7),
        (None, None),
    ],
)
def test_a_cell_is_never_a_formula(value: object, cell: object):
    assert safe_cell(value) == cell
