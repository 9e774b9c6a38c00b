"""What the apps' descriptions of their endpoints share."""

from __future__ import annotations

from typing import Any

import msgspec
from drf_spectacular.utils import OpenApiParameter
from msgspec import NODEFAULT, Struct

from core.api.documents import schemas_of


def in_query(name: str, kind: Any, text: str, **more: Any) -> OpenApiParameter:
    """A parameter of the query string; `kind` and `more` as OpenApiParameter takes them."""
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, **more)


def query_parameters(kind: type[Struct], **texts: str) -> list[OpenApiParameter]:
    """The parameters that `read_query` reads into `kind`: bounds and defaults from its fields.

    `texts` say what each means, by the struct's field.
    """
    schemas = schemas_of(kind)[kind.__name__]["properties"]
    found = []
    for field in msgspec.structs.fields(kind):
        schema = dict(schemas[field.encode_name])
        text = texts.pop(field.name, schema.pop("description", ""))
        if isinstance(schema.get("type"), list):  # a parameter is left out, not null
            schema["type"] = schema["type"][0]
        if "enum" in schema:
            schema["enum"] = [one for one in schema["enum"] if one is not None]
        default = None if field.default in (NODEFAULT, None) else field.default
        is_required = field.default is NODEFAULT
        found.append(
            in_query(field.encode_name, schema, text, default=default, required=is_required)
        )
    if texts:
        raise TypeError(f"{kind.__name__} has no {', '.join(texts)}")
    return found
