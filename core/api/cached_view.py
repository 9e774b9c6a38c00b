"""Views whose answers are kept ready (`lib.kept`), and given without DRF where nobody needs it."""

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
from core.api.response_cache import kept
from core.api.rest import DATABASE_AWAY, JsonRenderer, RawJson, database_away, to_json
from core.auth import limits
from core.auth.keyring import keyring
from core.auth.types import Scope

_PLAIN_JSON: Final = ("*/*", JsonRenderer.media_type)


class Question(NamedTuple):
    """What is asked: all that the answer depends on besides the database, and how it is made."""

    name: Hashable
    make: Callable[[], Any]

    def answer(self) -> bytes:
        """The answer as JSON, made now or kept since the last commit."""
        return kept(self.name, lambda: to_json(self.make()))


class HotView(APIView):
    """`GET` of one JSON document.

    A program's request (a valid key that may read, JSON, readable parameters, within the limit)
    is answered at once: DRF would ask the same for twice the time. All others take DRF's way.
    """

    def question(self, params: QueryDict) -> Question:
        """What these parameters ask. Raises ValidationError (400)."""
        raise TypeError(f"{type(self).__name__} has no question")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self._at_once(request) or super().dispatch(request, *args, **kwargs)

    def get(self, request: Request, **address: str) -> Response:
        return Response(RawJson(self.question(request.query_params).answer()))

    def _at_once(self, request: HttpRequest) -> HttpResponse | None:
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
            question = self.question(request.GET)
            verdict = limits.count_request(limits.client_of(request))
            request.rate_limit = verdict  # type: ignore[attr-defined]  # the middleware tells it
            if verdict is not None and not verdict.allowed:
                return None
            return HttpResponse(question.answer(), content_type=JsonRenderer.media_type)
        except APIException:
            return None
        except DATABASE_AWAY as exc:
            return database_away(exc)
