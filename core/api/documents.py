"""The JSON of responses and bodies: structs that build it, describe it and show an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Final, Union, get_args, get_origin, get_type_hints

import msgspec
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiRequest, OpenApiResponse
from msgspec import Meta, Struct, UnsetType

_REF: Final = "#/components/schemas/"
_SUFFIX: Final = "Document"  # of the classes; the component `Call` is of CallDocument


Instant = Annotated[datetime, Meta(tz=True)]  # aware; on the wire it ends in Z


class Document(Struct):
    """A JSON object of the API, its fields named as the contract spells them.

    Fields have an example (`like`); UNSET as a default is for those that may be missing.
    """

    component: ClassVar[str] = ""  # its name in OpenAPI, if it is not that of the class


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
    for part in reversed(get_args(kind) if get_origin(kind) is Annotated else ()):
        if isinstance(part, Meta) and part.examples:
            return part.examples[0]
    args = get_args(kind)
    if get_origin(kind) is Annotated:
        return example_of(args[0])
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
    raise TypeError(f"{kind} has no example")


def _name(kind: type[Struct]) -> str:
    return kind.__name__.removesuffix(_SUFFIX)


def schemas_of(kind: type[Struct]) -> dict[str, dict[str, Any]]:
    """The OpenAPI 3.1 schemas of a struct and of those inside it, by the names of components.

    A Document is sent with all its fields; what other structs read may lack those with a default.
    """
    _, components = msgspec.json.schema_components([kind], ref_template=_REF + "{name}")
    direction = _sent if issubclass(kind, Document) else _received
    return {
        name.removesuffix(_SUFFIX): direction(_plain(schema)) for name, schema in components.items()
    }


def _sent(schema: dict[str, Any]) -> dict[str, Any]:
    """What has a default is sent all the same; UNSET has none."""
    fields = schema["properties"].items()
    given = [name for name, field in fields if field.pop("default", field) is not field]
    return {**schema, "required": sorted([*schema.get("required", []), *given])}


def _received(schema: dict[str, Any]) -> dict[str, Any]:
    """A field that may be null is shown as one that may be left out, which means the same."""
    for field in schema["properties"].values():
        if isinstance(field.get("type"), list):
            field["type"] = field["type"][0]
        if field.get("default", field) is None:
            del field["default"]
    return schema


def _plain(schema: Any) -> Any:
    """As drf-spectacular spells it: no titles, `type: [string, null]`, component names."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    plain = {name: _plain(value) for name, value in schema.items() if name != "title"}
    if isinstance(properties := schema.get("properties"), Mapping):  # one may be called title
        plain["properties"] = {name: _plain(field) for name, field in properties.items()}
    if plain.get("type") == "number":
        plain["format"] = "double"
    if isinstance(pattern := plain.get("pattern"), str):  # JavaScript's notation of the end
        plain["pattern"] = pattern.replace(r"\Z", "$")
    if isinstance(reference := plain.get("$ref"), str):
        plain["$ref"] = reference.removesuffix(_SUFFIX)
    if "enum" in plain:  # becomes a component of its own, which has none
        plain.pop("examples", None)
    match plain.get("anyOf"):
        case [{"type": str(kind), **rest}, {"type": "null"}]:
            del plain["anyOf"]
            plain |= {**rest, "type": [kind, "null"]}
    return plain


class DocumentExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Tells drf-spectacular what a Document looks like, or a struct that a body is read into."""

    target_class = Struct
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: Any) -> str:
        return getattr(self.target, "component", "") or _name(self.target)

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        schemas = schemas_of(self.target)
        own = schemas.pop(_name(self.target))
        for name, schema in schemas.items():
            component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema, name)  # type: ignore[no-untyped-call]
            auto_schema.registry.register_on_missing(component)
        return own
