"""Admin of the streams, their audience and their alerts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core.admin.base import BaseAdmin, BaseInline
from core.admin.read_only import ReadOnlyExportAdmin
from core.auth.bound_secrets import BoundSecretsAdmin, BoundSecretsForm, secret_again
from core.lib.days import local_day, zone
from core.lib.upstream import UpstreamError
from core.workers.selectors import health_label, statuses
from webtv import selectors
from webtv.clients import HttpPages
from webtv.models import Alert, AlertRule, Stream, ViewerRollup, ViewerSample
from webtv.presets import fetch_all, request_of, uncounted, viewers_in
from webtv.streams import configured_address, secret, source_of
from webtv.types import TOTAL
from webtv.workers.poller import NAME

_PAGES: Final = HttpPages()


def _format_local(at: datetime, layout: str) -> str:
    return at.astimezone(zone()).strftime(layout)


def charts_of(stream: Stream) -> list[dict[str, Any]]:
    """The last three hours, and today's hours against yesterday's, for `admin_charts.js`."""
    minutes = selectors.five_minutes(stream.pk)
    today, yesterday = selectors.days(stream.pk, local_day(), local_day() - timedelta(days=1))
    averages = [figures.avg_viewers if figures else None for figures in minutes.values()]
    return [
        {
            "title": _("Last 3 hours"),
            "labels": [_format_local(at, "%H:%M") for at in minutes],
            "series": [{"label": _("viewers"), "data": averages}],
        },
        {
            "title": _("Peak of each hour"),
            "labels": [f"{hour:02}" for hour in range(24)],
            "series": [
                {"label": _("today"), "data": today.hourly_peaks},
                {"label": _("yesterday"), "data": yesterday.hourly_peaks},
            ],
        },
    ]


class StreamForm(BoundSecretsForm):
    PASSWORD = secret_again("PASSWORD")
    TOKEN = secret_again("TOKEN")
    sent_to: ClassVar = {"PASSWORD": ("url",), "TOKEN": ("url",)}

    def known_secret(self, name: str) -> str:
        return secret(self._name, name)

    def configured(self, field: str) -> str:
        return configured_address(self._name)

    @property
    def _name(self) -> str:
        return self.instance.name or str(self.cleaned_data.get("name", ""))

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name == TOTAL and self.instance.name != TOTAL:
            raise forms.ValidationError(_("“total” is the sum of all streams."))
        return name

    def clean_headers(self) -> dict[str, str]:
        headers = self.cleaned_data["headers"] or {}
        if not isinstance(headers, dict):
            raise forms.ValidationError(_('Headers look like {"X-Region": "eu"}.'))
        return headers

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and "url" in self.fields:
            own = self.fields.keys() - self.sent_to.keys()
            probe = Stream(**{name: cleaned.get(name, "") for name in own})
            probe.name = probe.name or self.instance.name
            try:
                request_of(source_of(probe))
            except ValueError as exc:
                raise forms.ValidationError(str(exc)) from exc
        return cleaned


class AlertRuleInline(BaseInline):
    model = AlertRule


@admin.register(Stream)
class StreamAdmin(BoundSecretsAdmin):
    form = StreamForm
    inlines = (AlertRuleInline,)
    list_display = (
        "name", "title", "enabled", "server", "viewers", "sampled", "record", "health",
        "last_error",
    )  # fmt: skip
    list_editable = ("enabled",)
    search_fields = ("name", "title")
    actions = ("test_now",)
    change_form_template = "admin/webtv/stream/change_form.html"
    fieldsets = (
        (None, {"fields": ("name", "title", "enabled", "preset", "url", "stream_key")}),
        (
            gettext_lazy("Generic server"),
            {"fields": ("path", "body_format", "subtract_publisher")},
        ),
        (gettext_lazy("Access"), {"fields": ("headers", "user", "secrets")}),
    )
    readonly_fields = ("secrets",)

    def get_fieldsets(self, request: HttpRequest, obj: Stream | None = None) -> Any:
        if obj and obj.name == TOTAL:
            return ((None, {"fields": ("name", "title")}),)
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Stream | None = None) -> Any:
        # Secrets and the worker's state are found by the name.
        return (*self.readonly_fields, "name") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        is_total = isinstance(obj, Stream) and obj.name == TOTAL
        return not is_total and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Do not list the millions of samples that are deleted with a stream."""
        chosen = list(objs)
        protected = {stream.name for stream in chosen} & {TOTAL}
        return [str(stream) for stream in chosen], {}, set(), sorted(protected)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        self._jobs = {job.name: job for job in statuses()}
        return super().changelist_view(request, extra_context)

    @admin.display(description=gettext_lazy("server"), ordering="preset")
    def server(self, stream: Stream) -> str:
        return "—" if stream.name == TOTAL else stream.get_preset_display()

    @admin.display(description=gettext_lazy("viewers now"))
    def viewers(self, stream: Stream) -> str:
        self._current = selectors.current(stream.pk)
        return str(self._current.viewers) if self._current and self._current.known else "—"

    @admin.display(description=gettext_lazy("last sample"))
    def sampled(self, stream: Stream) -> str:
        return _format_local(self._current.at, "%d/%m %H:%M:%S") if self._current else "—"

    @admin.display(description=gettext_lazy("record"), ordering="peak_viewers")
    def record(self, stream: Stream) -> str:
        if stream.peak_viewers is None or stream.peak_at is None:
            return "—"
        return f"{stream.peak_viewers} ({_format_local(stream.peak_at, '%d/%m/%Y %H:%M')})"

    @admin.display(description=gettext_lazy("state"))
    def health(self, stream: Stream) -> str:
        job = self._jobs.get(f"{NAME}.{stream.name}")
        return health_label(job, is_wanted=stream.enabled)

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, stream: Stream) -> str:
        job = self._jobs.get(f"{NAME}.{stream.name}")
        return job.last_error if job else ""

    @admin.display(description=gettext_lazy("secrets"))
    def secrets(self, stream: Stream) -> str:
        if not stream.name:
            return _("from the environment, by the name: WEBTV_1_NAME, WEBTV_1_PASSWORD, ...")
        source = source_of(stream)
        given = [name for name in ("password", "token") if getattr(source, name)]
        return _("in the environment: %s") % ", ".join(given) if given else _("none")

    @admin.action(description=gettext_lazy("Test now"), permissions=["change"])
    def test_now(self, request: HttpRequest, streams: QuerySet[Stream]) -> None:
        for stream in streams.sources():  # type: ignore[attr-defined]
            self._test(request, stream)

    def get_urls(self) -> Any:
        test = self.admin_site.admin_view(require_POST(self.test_view))
        return [path("<int:pk>/test/", test, name="webtv_stream_test"), *super().get_urls()]

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Poll the stream's server now, as saved, and show the result."""
        if not self.has_change_permission(request):
            return HttpResponse(status=403)
        stream = get_object_or_404(Stream.objects.sources(), pk=pk)
        self._test(request, stream)
        return HttpResponseRedirect(reverse("admin:webtv_stream_change", args=[pk]))

    def _test(self, request: HttpRequest, stream: Stream) -> None:
        try:
            source = source_of(stream)
            timeout_s = settings.WEBTV_TIMEOUT_S
            bodies = fetch_all(_PAGES, request_of(source), timeout_s=timeout_s)
            odd: list[UpstreamError] = []
            viewers = viewers_in(source, *bodies, on_odd=odd.append)
        except (UpstreamError, ValueError, TypeError) as exc:
            self.message_user(request, f"{stream}: {exc}", messages.ERROR)
        else:
            for reason in odd:
                self.message_user(request, f"{stream}: {reason}", messages.WARNING)
            if viewers is None:
                text = _("%(stream)s: the server responds but does not say how many watch")
                self.message_user(request, text % {"stream": stream}, messages.WARNING)
                return
            text = _("%(stream)s: %(viewers)d viewers") % {"stream": stream, "viewers": viewers}
            if missing := uncounted(source):
                text += " " + _("(this server does not count %(what)s)") % {"what": missing}
            self.message_user(request, text, messages.SUCCESS)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        stream = self.get_object(request, object_id)
        context = {**(extra_context or {})}
        if stream is not None:
            context |= {"charts": charts_of(stream), "is_total": stream.name == TOTAL}
        return super().change_view(request, object_id, form_url, context)


class StreamFilter(admin.SimpleListFilter):
    title = gettext_lazy("stream")
    parameter_name = "stream"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(stream.name, str(stream)) for stream in Stream.objects.all()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(stream__name=self.value()) if self.value() else queryset


class AudienceAdmin(ReadOnlyExportAdmin):
    """Facts of the streams; with one chosen, its charts above the list."""

    list_select_related = ("stream",)
    change_list_template = "admin/webtv/facts.html"
    export_instead = "/api/webtv/history?format=csv"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        stream = selectors.stream(request.GET.get("stream"))
        charts = charts_of(stream) if stream else []
        context = {**(extra_context or {}), "charts": charts, "charts_of": stream}
        return super().changelist_view(request, context)


@admin.register(ViewerSample)
class ViewerSampleAdmin(AudienceAdmin):
    list_display = ("tick", "stream", "viewers")
    list_filter = (StreamFilter, "at")
    ordering = ("-at",)

    @admin.display(description=gettext_lazy("at"), ordering="at")
    def tick(self, sample: ViewerSample) -> str:
        return _format_local(sample.at, "%d/%m/%Y %H:%M:%S")


@admin.register(ViewerRollup)
class ViewerRollupAdmin(AudienceAdmin):
    list_display = (
        "start_at",
        "span_s",
        "stream",
        "peak_viewers",
        "average",
        "min_viewers",
        "samples",
    )
    list_filter = (StreamFilter, "span_s", "start_at")
    ordering = ("-start_at",)

    @admin.display(description=gettext_lazy("average"))
    def average(self, rollup: ViewerRollup) -> int:
        return round(rollup.viewers_sum / rollup.samples)


@admin.register(AlertRule)
class AlertRuleAdmin(BaseAdmin):
    list_display = ("stream", "kind", "percent", "minutes", "least_viewers", "enabled")
    list_editable = ("enabled",)
    list_filter = ("stream", "kind", "enabled")
    list_select_related = ("stream",)


@admin.register(Alert)
class AlertAdmin(ReadOnlyExportAdmin):
    list_display = ("began_at", "stream", "kind", "detail", "viewers", "ended_at")
    list_filter = ("rule__kind", "began_at")
    list_select_related = ("rule__stream",)

    @admin.display(description=gettext_lazy("stream"))
    def stream(self, alert: Alert) -> str:
        return str(alert.rule.stream)

    @admin.display(description=gettext_lazy("when"))
    def kind(self, alert: Alert) -> str:
        return alert.rule.get_kind_display()
