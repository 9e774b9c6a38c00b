"""Views whose responses are cached, and given without DRF where nobody needs it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.authentication import presented_key
from core.api.response_cache import cached
from core.api.rest import DATABASE_UNAVAILABLE, JsonRenderer, RawJson, database_unavailable, to_json
from core.auth import limits
from core.auth.keyring import keyring
from core.auth.types import Scope

_PLAIN_JSON: Final = ("*/*", JsonRenderer.media_type)


class CachedQuery(NamedTuple):
    """All that a response depends on besides the database, and how it is made."""

    key: Hashable
    make: Callable[[], Any]

    def json(self) -> bytes:
        """The response as JSON, made now or cached since the last commit."""
        return cached(self.key, lambda: to_json(self.make()))


class CachedView(APIView):
    """`GET` of one JSON document.

    A program's request (a valid key that may read, JSON, readable parameters, within the limit)
    is answered directly: DRF would ask the same for twice the time. All others go through DRF.
    """

    def cached_query(self, params: QueryDict) -> CachedQuery:
        """The query that these parameters make. Raises ValidationError (400)."""
        raise TypeError(f"{type(self).__name__} has no query")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self._answer_directly(request) or super().dispatch(request, *args, **kwargs)

    def get(self, request: Request, **address: str) -> Response:
        return Response(RawJson(self.cached_query(request.query_params).json()))

    def _answer_directly(self, request: HttpRequest) -> HttpResponse | None:
        meta = request.META
        if request.method != "GET" or meta.get("HTTP_ACCEPT", "*/*") not in _PLAIN_JSON:
            return None
        if "format=" in meta["QUERY_STRING"]:
            return None
        try:
            key = presented_key(request)
            caller = keyring.find(key) if key else None
            if caller is None or Scope.READ not in caller.scopes:
                return None
            cached_query = self.cached_query(request.GET)
            verdict = limits.count_request(limits.client_of(request))
            request.rate_limit = verdict  # type: ignore[attr-defined]  # the middleware tells it
            if verdict is not None and not verdict.allowed:
                return None
            return HttpResponse(cached_query.json(), content_type=JsonRenderer.media_type)
        except APIException:
            return None
        except DATABASE_UNAVAILABLE as exc:
            return database_unavailable(exc)
