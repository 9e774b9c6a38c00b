"""The JSON of responses and bodies: structs that build it, describe it and show an example."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiExample, OpenApiRequest, OpenApiResponse
from msgspec import Meta, Struct, UnsetType

_REF: Final = "#/components/schemas/"
_SUFFIX: Final = re.compile("(Document|Body)$")  # the component `Call` is of CallDocument


Instant = Annotated[datetime, Meta(tz=True)]  # aware; on the wire it ends in Z


class Document(Struct):
    """A JSON object of the API, its fields named as the contract spells them.

    Fields have an example (`like`); UNSET as a default is for those that may be missing.
    """


def like(example: Any, text: str = "", **constraints: Any) -> Meta:
    """What a field looks like, for `Annotated`: an example as JSON, and what it means."""
    return Meta(examples=[example], description=text or None, **constraints)


def one_of(values: Sequence[str], text: str = "") -> Meta:
    """A text that is one of `values`, for `Annotated`; the first is the example."""
    return like(values[0], text, extra_json_schema={"enum": list(values)})


def accepted(kind: type[Struct], *, example: Any = None) -> OpenApiRequest:
    """A body that is read into `kind`, and `example` or else that of its fields."""
    value = example_of(kind) if example is None else example
    return OpenApiRequest(kind, examples=[OpenApiExample("Request", value, request_only=True)])


def described(kind: type[Document], text: str = "", *, example: Any = None) -> OpenApiResponse:
    """A response with this document, and `example` or else that of its fields."""
    value = example_of(kind) if example is None else example
    shown = OpenApiExample("From the reference", value, response_only=True)
    return OpenApiResponse(kind, text, examples=[shown])


def example_of(kind: Any) -> Any:
    """The example of a type as JSON. TypeError for a field without one."""
    args = get_args(kind)
    if get_origin(kind) is Annotated:
        shown = [part.examples[0] for part in args if isinstance(part, Meta) and part.examples]
        return shown[-1] if shown else example_of(args[0])
    if get_origin(kind) in (Union, UnionType):
        return example_of(next(one for one in args if one not in (NoneType, UnsetType)))
    if isinstance(kind, type) and issubclass(kind, Struct):
        hints = get_type_hints(kind, include_extras=True)
        return {
            field.encode_name: example_of(hints[field.name])
            for field in msgspec.structs.fields(kind)
            if field.default is not msgspec.UNSET
        }
    if get_origin(kind) in (list, tuple):
        return [example_of(args[0])]
    if kind is bool:
        return True
    raise TypeError(f"{kind} has no example")


def schemas_of(kind: type[Struct], *, is_request: bool = False) -> dict[str, dict[str, Any]]:
    """The OpenAPI 3.1 schemas of a struct and of those inside it, by the names of components."""
    _, components = msgspec.json.schema_components([kind], ref_template=_REF + "{name}")
    for schema in components.values():
        schema.pop("title", None)
        fields, required = schema.get("properties", {}), schema.pop("required", [])
        for name in [name for name, one in fields.items() if "default" in one]:
            if not is_request:  # what has a default is sent all the same; UNSET has none
                required.append(name)
            if not is_request or fields[name]["default"] is None:
                del fields[name]["default"]
        if required:
            schema["required"] = sorted(required)
    return {_SUFFIX.sub("", name): _plain(schema) for name, schema in components.items()}


def _plain(schema: Any) -> Any:
    """As drf-spectacular spells it: `type: [string, null]`, component names, enums with null."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    plain = {name: _plain(value) for name, value in schema.items()}
    if plain.get("type") == "number":
        plain["format"] = "double"
    if isinstance(reference := plain.get("$ref"), str):
        plain["$ref"] = _SUFFIX.sub("", reference)
    if isinstance(pattern := plain.get("pattern"), str):  # JavaScript's notation of the end
        plain["pattern"] = pattern.replace(r"\Z", "$")
    match plain.get("anyOf"):
        case [{"enum": list(values), **rest}, {"type": "null"}]:
            del plain["anyOf"]
            plain |= {**rest, "enum": [*values, None]}
        case [{"type": str(kind), **rest}, {"type": "null"}]:
            del plain["anyOf"]
            plain |= {**rest, "type": [kind, "null"]}
        case [{"$ref": str()}, {"type": "null"}]:
            plain["oneOf"] = plain.pop("anyOf")
    if isinstance(plain.get("enum"), list):  # becomes a component of its own
        plain["type"] = "string"
        plain.pop("examples", None)
    return plain


class StructExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Tells drf-spectacular what a Document or the struct of a body looks like."""

    target_class = Struct
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: Direction) -> str:
        return _SUFFIX.sub("", self.target.__name__)

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        for part in _parts_of(self.target):
            auto_schema.resolve_serializer(part, direction)  # type: ignore[arg-type]  # ours, extended
        schemas = schemas_of(self.target, is_request=direction == "request")
        return schemas[self.get_name(auto_schema, direction)]


def _parts_of(kind: type[Struct]) -> set[type[Struct]]:
    """The structs directly inside a struct."""
    waiting = list(get_type_hints(kind).values())
    found = set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, type) and issubclass(part, Struct):
            found.add(part)
        waiting += get_args(part)
    return found
