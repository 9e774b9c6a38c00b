from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from core.lib.upsert import insert, upsert
from webcom.models import DirtyBucket, Line

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

COLUMNS = ["line_id", "number", "line_type", "group", "relations", "name", "updated_at"]


def row(line_id: str, **changes: Any) -> list[Any]:
    values = {
        "line_id": line_id,
        "number": "800026028",
        "line_type": "Green",
        "group": "",
        "relations": '["Read"]',
        "name": None,
        "updated_at": "2025-11-15 11:00:00",
    }
    return list((values | changes).values())


def test_new_rows_are_inserted_and_known_ones_overwritten(django_assert_num_queries: Any):
    upsert(Line, COLUMNS, [row("a"), row("b")], key="line_id")
    with django_assert_num_queries(1):
        upsert(Line, COLUMNS, [row("b", name="Reception", relations="[]"), row("c")], key="line_id")
    found = {line.line_id: (line.name, line.relations) for line in Line.objects.all()}
    assert found == {"a": (None, ["Read"]), "b": ("Reception", []), "c": (None, ["Read"])}


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE webcom_line; --", "%s %(a)s", '"\\', "è €", "\u2028", "null"]
)
def test_any_text_comes_back_as_it_was(text: str):
    upsert(Line, COLUMNS, [row("a", name=text)], key="line_id")
    assert Line.objects.get().name == text


def test_times_are_utc_and_json_is_json():
    upsert(Line, COLUMNS, [row("a", relations='{"b": [1, 2.5, null]}')], key="line_id")
    line = Line.objects.get()
    assert line.updated_at.isoformat() == "2025-11-15T11:00:00+00:00"
    assert line.relations == {"b": [1, 2.5, None]}


def test_a_table_of_keys_alone_can_be_told_twice():
    for _ in range(2):
        upsert(DirtyBucket, ["start_at"], [["2025-11-15 11:00:00"]], key="start_at")
    assert DirtyBucket.objects.count() == 1


def test_no_rows_are_no_query(django_assert_num_queries: Any):
    with django_assert_num_queries(0):
        upsert(Line, COLUMNS, [], key="line_id")


def test_what_is_known_already_is_an_error_of_django() -> None:
    """COPY says so when it ends, past what Django wraps by itself."""
    insert(Line, COLUMNS, [row("a")])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(Line, COLUMNS, [row("b"), row("a")])
    assert Line.objects.get().line_id == "a"
