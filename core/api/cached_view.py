"""Views whose responses are cached, and given without DRF where nobody needs it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import authentication
from core.api.authentication import presented_key
from core.api.response_cache import cached
from core.api.rest import (
    DATABASE_UNAVAILABLE,
    JsonRenderer,
    RawJson,
    error_response,
    prefers_json,
    to_json,
)
from core.auth.keyring import keyring
from core.lib.postgres import replica


class CachedQuery(NamedTuple):
    """All that a response depends on besides the database, and how it is made."""

    key: Hashable
    make: Callable[[], Any]

    def json(self, *, may_be_old: bool = False) -> bytes:
        """The response as JSON, made now or cached since the last commit.

        `may_be_old`: as of DATABASE_REPLICA_MAX_LAG_S seconds ago, where there is a replica.
        """

        def answer() -> bytes:
            return cached(self.key, lambda: to_json(self.make()))

        return replica.read(answer) if may_be_old else answer()


class CachedView(APIView):
    """`GET` of one JSON document.

    A program's request (a valid key, JSON) is answered directly: DRF would do the same in twice the
    time. All others go through DRF. What programs ask may come from a replica; people, who look at
    what they have just changed, read the primary.
    """

    def cached_query(self, params: QueryDict) -> CachedQuery:
        """The query that these parameters make. Raises ValidationError (400)."""
        raise TypeError(f"{type(self).__name__} has no query")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self._answer_directly(request) or super().dispatch(request, *args, **kwargs)

    def get(self, request: Request, **address: str) -> Response:
        query = self.cached_query(request.query_params)
        return Response(RawJson(query.json(may_be_old=request.auth.user_id is None)))  # type: ignore[union-attr]  # a Caller

    def _answer_directly(self, request: HttpRequest) -> HttpResponse | None:
        if request.method != "GET" or not prefers_json(request):
            return None
        key = presented_key(request)
        try:
            caller = keyring.find(key) if key else None
            if caller is None:
                return None
            authentication.admit(request, caller, self)
            body = self.cached_query(request.GET).json(may_be_old=True)
        except (APIException, *DATABASE_UNAVAILABLE) as exc:
            return error_response(exc, {})
        headers = self.default_response_headers
        return HttpResponse(body, content_type=JsonRenderer.media_type, headers=headers)
