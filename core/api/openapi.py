"""What the apps' descriptions of their endpoints share."""

from __future__ import annotations

from typing import Any

import msgspec
from drf_spectacular.utils import OpenApiParameter
from msgspec import Struct

from core.api.documents import schemas_of


def in_query(name: str, kind: Any, text: str, **more: Any) -> OpenApiParameter:
    """A parameter of the query string; `kind` and `more` as OpenApiParameter takes them."""
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, **more)


def query_parameters(kind: type[Struct], **texts: str) -> list[OpenApiParameter]:
    """The parameters that `read_query` reads into `kind`: bounds and defaults from its fields.

    `texts` say what each means, by the struct's field.
    """
    schema = schemas_of(kind)[kind.__name__]
    found = []
    for field in msgspec.structs.fields(kind):
        own, name = schema["properties"][field.encode_name], field.encode_name
        text = texts.pop(field.name, own.pop("description", ""))
        default, is_required = own.pop("default", None), name in schema["required"]
        found.append(in_query(name, own, text, default=default, required=is_required))
    if texts:
        raise TypeError(f"{kind.__name__} has no {', '.join(texts)}")
    return found
