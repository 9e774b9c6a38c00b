"""Responses that carry the time at which they were made, to the second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import QueryDict
from rest_framework.response import Response

from core.api.cached_view import CachedQuery, CachedView
from core.lib.days import current_second

Document = dict[str, Any]


def stamped(document: Document) -> Response:
    """The document of a successful write, with the time."""
    return Response({"success": True, **document, "timestamp": current_second()})


class StampedView(CachedView):
    """`GET` of one document, with the time."""

    def cached_query(self, params: QueryDict) -> CachedQuery:
        key, make = self.keyed_document(params)
        now = current_second()
        return CachedQuery(
            (type(self), key, now), lambda: {"success": True, **make(), "timestamp": now}
        )

    def keyed_document(self, params: QueryDict) -> tuple[Any, Callable[[], Document]]:
        """The key that the document depends on, and how it is made."""
        raise NotImplementedError
