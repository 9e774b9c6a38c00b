"""Values as SQLite stores them, in PostgreSQL's text and back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django_otp.plugins.otp_totp.models import TOTPDevice
from hypothesis import given
from hypothesis import strategies as st

from gateway_arq.backup import copy_text

TEXT = models.TextField()
FIELDS: list[models.Field[Any, Any]] = [
    models.BooleanField(),
    models.DateTimeField(),
    models.BinaryField(),
    models.IntegerField(),
]

texts = st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8"))


@given(st.lists(st.lists(texts, min_size=2, max_size=2)))
def test_any_text_comes_back_as_it_was(rows: list[list[str | None]]) -> None:
    encode, decode = copy_text.encoders([TEXT, TEXT]), copy_text.decoders([TEXT, TEXT])
    written = "".join(copy_text.line(row, encode) for row in rows)
    assert written.count("\n") == len(rows)
    assert list(copy_text.rows(written, decode)) == rows


@given(st.binary())
def test_any_bytes_come_back_as_they_were(value: bytes) -> None:
    field = [models.BinaryField()]
    written = copy_text.line([value], copy_text.encoders(field))
    assert list(copy_text.rows(written, copy_text.decoders(field))) == [[value]]


def test_values_are_written_as_postgresql_writes_them() -> None:
    row = [1, "2026-01-31 12:00:00.120000", b"\x00\xff", 7]
    assert copy_text.line(row, copy_text.encoders(FIELDS)) == (
        "t\t2026-01-31 12:00:00.120000+00\t\\\\x00ff\t7\n"
    )


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-01-31 12:00:00+00", "2026-01-31 12:00:00"),
        ("2026-01-31 12:00:00.12+00", "2026-01-31 12:00:00.120000"),
        ("2026-01-31 13:00:00+01", "2026-01-31 12:00:00"),
    ],
)
def test_times_of_postgresql_are_stored_as_django_stores_them(written: str, stored: str) -> None:
    field = [models.DateTimeField()]
    assert list(copy_text.rows(f"{written}\n", copy_text.decoders(field))) == [[stored]]


def test_a_foreign_key_is_stored_as_what_it_points_to() -> None:
    field = [TOTPDevice._meta.get_field("user")]
    assert copy_text.line([7], copy_text.encoders(field)) == "7\n"


def test_a_line_with_another_number_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        list(copy_text.rows("a\tb\n", copy_text.decoders([TEXT])))
