"""What the apps' descriptions of their endpoints share."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter


def in_query(name: str, kind: Any, text: str, **more: Any) -> OpenApiParameter:
    """A parameter of the query string; `kind` and `more` as OpenApiParameter takes them."""
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, **more)
