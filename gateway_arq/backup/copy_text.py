r"""PostgreSQL's text format of COPY, for the values as SQLite stores them.

A row is a line, its values are separated by tabs, \N is NULL, and a backslash escapes what would
end either. https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import BinaryField, BooleanField, DateTimeField, Field

NULL: Final = r"\N"
_ESCAPED: Final = {"\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPES: Final = str.maketrans({char: f"\\{name}" for name, char in _ESCAPED.items()})

Convert = Callable[[Any], Any]


def encoders(fields: Sequence[Field[Any, Any]]) -> list[Convert]:
    """How each field's value, as SQLite stores it, becomes PostgreSQL's text."""
    return [_of(_ENCODERS, field) for field in fields]


def decoders(fields: Sequence[Field[Any, Any]]) -> list[Convert]:
    """How PostgreSQL's text becomes what SQLite stores; the columns' affinity does the rest."""
    return [_of(_DECODERS, field) for field in fields]


def line(row: Sequence[Any], encode: Sequence[Convert]) -> str:
    """One row, with its line break."""
    values = (
        NULL if value is None else convert(value).translate(_ESCAPES)
        for value, convert in zip(row, encode, strict=True)
    )
    return "\t".join(values) + "\n"


def rows(text: str, decode: Sequence[Convert]) -> Iterator[list[Any]]:
    """The rows of whole lines. ValueError where a line has another number of values."""
    for one in text.split("\n")[:-1]:
        yield [
            None if value == NULL else convert(_unescaped(value))
            for value, convert in zip(one.split("\t"), decode, strict=True)
        ]


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value
    return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[1]), value)


def _of(table: dict[type[Any], Convert], field: Field[Any, Any]) -> Convert:
    field = getattr(field, "target_field", field)  # a foreign key is stored as what it points to
    return next((how for kind, how in table.items() if isinstance(field, kind)), str)


def _time_from_postgres(text: str) -> str:
    """As Django writes it: UTC without an offset, microseconds with six digits or none."""
    return str(datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None))


_ENCODERS: Final[dict[type[Any], Convert]] = {
    BooleanField: lambda value: "t" if value else "f",
    DateTimeField: lambda value: f"{value}+00",
    BinaryField: lambda value: f"\\x{value.hex()}",
}
_DECODERS: Final[dict[type[Any], Convert]] = {
    BooleanField: lambda text: int(text == "t"),
    DateTimeField: _time_from_postgres,
    BinaryField: lambda text: bytes.fromhex(text.removeprefix("\\x")),
}
