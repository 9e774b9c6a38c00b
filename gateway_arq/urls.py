"""Every address of the gateway. None ends in a slash, except those of pages for people."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from gateway_arq import views
from gateway_arq.apidocs import views as apidocs

handler400 = "gateway_arq.errors.bad_request"
handler403 = "gateway_arq.errors.permission_denied"
handler404 = "gateway_arq.errors.not_found"
handler500 = "gateway_arq.errors.server_error"

urlpatterns = [
    path("api/webcom/", include("webcom.api.urls")),  # first: the busiest
    path("api/webtv/", include("webtv.api.urls")),
    path("api/lotto/", include("lotto.api.urls")),
    path("api/ocr/", include("ocr.api.urls")),
    path("jpbx-api/api/", include("centralino.api.urls")),
    path("", views.RootView.as_view(), name="root"),
    path("health", views.HealthView.as_view(), name="health"),
    path("version", views.VersionView.as_view(), name="version"),
    path("metrics", views.MetricsView.as_view(), name="metrics"),
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
    path("docs", apidocs.DocsPage.as_view(template_name="docs/swagger.html"), name="docs"),
    path("docs/redoc", apidocs.DocsPage.as_view(template_name="docs/redoc.html"), name="redoc"),
    path("docs/events", apidocs.SocketsPage.as_view(), name="docs-events"),
    path("docs/openapi.json", apidocs.openapi, name="openapi"),
    path("docs/asyncapi.json", apidocs.asyncapi, name="asyncapi"),
    path("dashboard/", include("gateway_arq.dashboard.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
