"""Structs that build a response, describe it and show an example."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from core.api.documents import (
    Document,
    Instant,
    accepted,
    example_of,
    like,
    one_of,
    schemas_of,
)
from core.api.openapi import query_parameters
from core.api.rest import to_json


class RowDocument(Document):
    """A row."""

    cost: Annotated[float, like(1.5, "Euro")]
    name: Annotated[str | None, like(None)]


class ListDocument(Document):
    rows: list[RowDocument]
    by_name: Annotated[dict[str, RowDocument], like({"a": {"cost": 1.5, "name": None}})]
    at: Annotated[Instant, like("2025-11-15T13:30:00Z")]
    count: Annotated[int, like(1)] = 0
    next: str | UnsetType | None = UNSET


def test_a_document_is_described_with_its_parts() -> None:
    schemas = schemas_of(ListDocument)
    assert schemas["Row"] == {
        "description": "A row.",
        "type": "object",
        "properties": {
            "cost": {
                "type": "number", "format": "double", "description": "Euro", "examples": [1.5]
            },
            "name": {"type": ["string", "null"], "examples": [None]},
        },
        "required": ["cost", "name"],
    }  # fmt: skip
    assert schemas["List"]["required"] == ["at", "by_name", "count", "rows"]
    properties = schemas["List"]["properties"]
    assert properties["rows"] == {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}
    assert properties["at"]["format"] == "date-time"
    assert properties["next"]["type"] == ["string", "null"]


class ListingDocument(Document):
    title: Annotated[str, like("A")]
    kind: Annotated[str, one_of(["new", "extended"], "What it is")] = "new"


def test_a_choice_is_shown_in_its_order_and_a_field_may_be_called_title() -> None:
    (schema,) = schemas_of(ListingDocument).values()
    assert schema["properties"]["kind"] == {
        "type": "string", "description": "What it is", "enum": ["new", "extended"]
    }  # fmt: skip
    assert schema["required"] == ["kind", "title"]
    assert example_of(ListingDocument) == {"title": "A", "kind": "new"}


class ListBody(Struct):
    number: Annotated[str, like("333", pattern=r"^[^\x00]*\Z")]
    hours: Annotated[int, like(24, ge=1)] | None = None
    permanent: Annotated[bool, like(False)] = False


def test_a_body_may_lack_what_has_a_default() -> None:
    schema = schemas_of(ListBody, is_request=True)["List"]
    assert schema["required"] == ["number"]
    assert schema["properties"] == {
        "number": {"type": "string", "pattern": r"^[^\x00]*$", "examples": ["333"]},
        "hours": {"type": ["integer", "null"], "minimum": 1, "examples": [24]},
        "permanent": {"type": "boolean", "default": False, "examples": [False]},
    }
    body = accepted(ListBody)
    assert body.request is ListBody
    assert body.examples[0].value == {"number": "333", "hours": 24, "permanent": False}


def test_the_example_is_that_of_its_fields() -> None:
    assert example_of(ListDocument) == {
        "rows": [{"cost": 1.5, "name": None}],
        "by_name": {"a": {"cost": 1.5, "name": None}},
        "at": "2025-11-15T13:30:00Z",
        "count": 1,
    }


def test_a_field_without_an_example_is_an_error() -> None:
    class BareDocument(Document):
        name: str

    with pytest.raises(TypeError, match="no example"):
        example_of(BareDocument)


@pytest.mark.parametrize("indent", [False, True])
def test_a_document_is_written_by_itself_or_inside_other_json(indent: bool) -> None:
    document = ListDocument([RowDocument(0.15, None)], {}, datetime(2025, 1, 2, tzinfo=UTC))
    alone = to_json(document, indent=indent)
    assert to_json({"a": [document], "b": Decimal("1.10")}, indent=False) == (
        b'{"a":[' + to_json(document) + b'],"b":1.1}'
    )
    assert (b"\n" in alone) == indent
    assert to_json(document) == (
        b'{"rows":[{"cost":0.15,"name":null}],"by_name":{},"at":"2025-01-02T00:00:00Z","count":0}'
    )


class PriceDocument(Document):
    default: Annotated[str, like("EUR")]
    row: RowDocument | None
    kind: Literal["gross", "net"] | None


def test_a_field_may_be_a_choice_or_another_document_or_null() -> None:
    schemas = schemas_of(PriceDocument)
    assert schemas["Price"]["required"] == ["default", "kind", "row"]
    assert schemas["Price"]["properties"] == {
        "default": {"type": "string", "examples": ["EUR"]},
        "row": {"oneOf": [{"$ref": "#/components/schemas/Row"}, {"type": "null"}]},
        "kind": {"type": "string", "enum": ["gross", "net", None]},
    }


class RowBody(Struct):
    name: str | None = None
    count: int = 3


def test_a_body_may_leave_out_what_has_a_default() -> None:
    assert schemas_of(RowBody, is_request=True)["Row"] == {
        "type": "object",
        "properties": {
            "name": {"type": ["string", "null"]},
            "count": {"type": "integer", "default": 3},
        },
    }


class SearchQuery(Struct, rename={"from_": "from"}):
    day: Annotated[str, Meta(pattern=r"^\d+\Z")]
    from_: str | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 7


def test_parameters_have_the_bounds_of_the_query() -> None:
    day, start, limit = query_parameters(SearchQuery, limit="How many", from_="Since")
    assert (day.name, day.required, day.type) == (
        "day", True, {"type": "string", "pattern": r"^\d+$"}
    )  # fmt: skip
    assert (start.name, start.required, start.type) == ("from", False, {"type": "string"})
    assert (limit.default, limit.description) == (7, "How many")
    assert limit.type == {"type": "integer", "minimum": 1, "maximum": 50}
    with pytest.raises(TypeError, match="other"):
        query_parameters(SearchQuery, other="x")
