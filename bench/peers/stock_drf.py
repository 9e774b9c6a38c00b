"""Peer: what one writes first with DRF: ModelSerializers over the same tables, on daphne."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import environ
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="bench",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        TIME_ZONE="Europe/Rome",
        DATABASES={"default": environ.Env.db_url_config(os.environ["DATABASE_URL"])},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "rest_framework",
            "webcom",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
    )

import django
import django_stubs_ext

django_stubs_ext.monkeypatch()
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.db.models import Count, QuerySet, Sum  # noqa: E402
from django.db.models.functions import TruncDay, TruncHour  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework import permissions, serializers  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from webcom.models import Call, Line, Rebate  # noqa: E402


class HasKey(permissions.BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return request.headers.get("X-API-Key") == os.environ["API_KEY_1"]


class CallSerializer(serializers.ModelSerializer[Call]):
    lineID = serializers.CharField(source="line_id")
    callerOperator = serializers.CharField(source="caller_operator")
    lineNumber = serializers.CharField(source="line_number")
    timestamp = serializers.DateTimeField(source="started_at")
    cost = serializers.FloatField()
    duration = serializers.IntegerField(source="duration_s")

    class Meta:
        model = Call
        fields = (
            "id",
            "lineID",
            "state",
            "direction",
            "caller",
            "called",
            "callerOperator",
            "cost",
            "duration",
            "lineNumber",
            "timestamp",
        )


class LineSerializer(serializers.ModelSerializer[Line]):
    class Meta:
        model = Line
        fields = ("line_id", "number", "line_type", "group", "relations", "name")


class RebateSerializer(serializers.ModelSerializer[Rebate]):
    class Meta:
        model = Rebate
        fields = ("type", "operator", "cost", "counter")


class KeyedView(APIView):
    permission_classes = (HasKey,)


class ListView(KeyedView):
    name: str
    serializer: type[serializers.ModelSerializer[Any]]

    def rows(self) -> QuerySet[Any]:
        raise TypeError("each list has its own")

    def get(self, request: Request) -> Response:
        rows = self.serializer(self.rows(), many=True).data
        return Response({"count": len(rows), self.name: rows})


class CallsView(ListView):
    name, serializer = "calls", CallSerializer

    def rows(self) -> QuerySet[Call]:
        return Call.objects.active()[: int(self.request.query_params.get("limit", 50))]


class LinesView(ListView):
    name, serializer = "lines", LineSerializer

    def rows(self) -> QuerySet[Line]:
        return Line.objects.all()


class RebatesView(ListView):
    name, serializer = "rebates", RebateSerializer

    def rows(self) -> QuerySet[Rebate]:
        return Rebate.objects.filter(month=f"{timezone.localdate():%Y-%m}")


class DailyView(KeyedView):
    def get(self, request: Request) -> Response:
        start = timezone.localtime().replace(hour=0, minute=0, second=0) - timedelta(days=6)
        return Response(
            {"days": _grouped(Call.objects.filter(started_at__gte=start), TruncDay("started_at"))}
        )


class HourlyView(KeyedView):
    def get(self, request: Request) -> Response:
        start = timezone.localtime().replace(hour=0, minute=0, second=0)
        return Response(
            {"hours": _grouped(Call.objects.filter(started_at__gte=start), TruncHour("started_at"))}
        )


def _grouped(calls: QuerySet[Call], bucket: Any) -> list[dict[str, Any]]:
    return list(
        calls.annotate(at=bucket)
        .values("at")
        .annotate(calls=Count("id"), cost=Sum("cost"))
        .order_by("at")
    )


urlpatterns = [
    path("api/webcom/calls", CallsView.as_view()),
    path("api/webcom/lines", LinesView.as_view()),
    path("api/webcom/rebates", RebatesView.as_view()),
    path("api/webcom/stats/daily", DailyView.as_view()),
    path("api/webcom/stats/hourly", HourlyView.as_view()),
]
application = get_asgi_application()
