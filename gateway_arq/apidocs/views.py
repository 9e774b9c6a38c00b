"""The pages under `/docs`, and the documents that they show."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator

from core.api.rest import to_json
from gateway_arq.apidocs import sockets

# Nothing but this host: the fonts and pictures that the bundles would fetch elsewhere stay out.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@cache
def _schema() -> bytes:
    return to_json(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document, built once per process. It needs no key, nor do its pages."""
    return HttpResponse(_schema(), content_type="application/vnd.oai.openapi+json; version=3.1.0")


@require_safe
def asyncapi(request: HttpRequest) -> HttpResponse:
    """The sockets' AsyncAPI document."""
    return HttpResponse(
        to_json(sockets.document()), content_type="application/vnd.aai.asyncapi+json; version=3.0.0"
    )


class DocsPage(TemplateView):
    """Swagger UI, Redoc or the sockets' page, from files of this host."""

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response = super().render_to_response(context, **kwargs)
        response.headers["Content-Security-Policy"] = POLICY
        return response


class SocketsPage(DocsPage):
    template_name = "docs/sockets.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | sockets.page()
