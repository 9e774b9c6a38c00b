"""Admin of the carrier's facts, read-only. Fast with ten million calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin.base import ExactFilter, IndexedSearch, written_as
from core.admin.read_only import Exported, ReadOnlyExportAdmin
from core.lib.days import zone
from core.lib.labels import choices, label_of
from webcom import ingest
from webcom.labels import CALL_STATES
from webcom.models import Call, CallRollup, Cursor, Line, Rebate, Unreadable


class BrowsedCalls(QuerySet[Call]):
    """Calls as the admin pages through them."""

    def datetimes(self, field_name: str, kind: Any, *args: Any, **kwargs: Any) -> list[datetime]:  # type: ignore[override]
        """The days, months or years that have calls, for the date hierarchy.

        Django would read every call for that; the hourly figures are enough.
        """
        hours = CallRollup.objects.filter(span_s=CallRollup.HOUR)
        bounds = _started_at_bounds(self.query.where.children)
        return list(hours.filter(**bounds).datetimes("start_at", kind, tzinfo=zone()))


def _started_at_bounds(conditions: list[Any]) -> dict[str, datetime]:
    """A query's comparisons with `started_at`, as conditions on a rollup's start."""
    bounds = {}
    for condition in conditions:
        lhs = getattr(condition, "lhs", None)
        if getattr(getattr(lhs, "target", None), "name", "") == "started_at":
            bounds[f"start_at__{condition.lookup_name}"] = condition.rhs
    return bounds


class StateFilter(ExactFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return choices(CALL_STATES)


class LineFilter(admin.SimpleListFilter):
    title = gettext_lazy("line")
    parameter_name = "line"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(line.line_id, str(line)) for line in Line.objects.order_by("number")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> QuerySet[Call]:
        return queryset.filter(line_id=self.value()) if self.value() else queryset


class CallResource(Exported):
    class Meta:
        model = Call
        fields = (
            "id",
            "line_id",
            "line_number",
            "line_type",
            "state",
            "direction",
            "caller",
            "called",
            "caller_operator",
            "cost",
            "duration_s",
            "started_at",
            "ended_at",
        )


@admin.register(Call)
class CallAdmin(IndexedSearch, ReadOnlyExportAdmin):
    resource_classes = [CallResource]
    export_instead = "/api/webcom/calls?format=csv"
    list_display = (
        "started_at",
        "state_label",
        "line_number",
        "line_type",
        "caller",
        "caller_operator",
        "duration_s",
        "cost",
        "id",
    )
    list_display_links = ("started_at", "id")
    list_filter = (StateFilter, LineFilter)
    date_hierarchy = "started_at"
    search_fields = ("id", "caller", "line_id")
    search_help_text = gettext_lazy(
        "A call's id, a caller or a line in any notation; 333* finds callers that begin so."
    )
    ordering = ("-started_at", "-id")

    @admin.display(description=gettext_lazy("state"))
    def state_label(self, call: Call) -> str:
        return label_of(CALL_STATES, call.state)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        return BrowsedCalls(Call)

    def find(self, queryset: QuerySet[Call], term: str) -> QuerySet[Call]:
        if term.endswith("*"):
            return queryset.filter(written_as("caller", term))
        line_ids = Line.objects.filter(written_as("number", term)).values_list("line_id", flat=True)
        found = written_as("caller", term) | Q(line_id__in=[term, *line_ids])
        return queryset.filter(Q(id=term) | found)


@admin.register(Line)
class LineAdmin(ReadOnlyExportAdmin):
    list_display = ("number", "line_type", "group", "line_id", "name", "updated_at")
    list_filter = ("line_type", "group")
    search_fields = ("line_id", "number", "name")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        found, is_repeated = super().get_search_results(request, queryset, search_term)
        if term := search_term.strip():
            found |= queryset.filter(written_as("number", term))
        return found, is_repeated


@admin.register(Rebate)
class RebateAdmin(ReadOnlyExportAdmin):
    list_display = ("month", "type", "operator", "cost", "counter", "updated_at")
    list_filter = ("month", "type", "operator")
    search_fields = ("operator",)


@admin.register(Unreadable)
class UnreadableAdmin(ReadOnlyExportAdmin):
    actions = ("try_again",)
    list_display = ("last_at", "source", "reason", "times", "first_at")
    list_filter = ("source",)
    search_fields = ("reason",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("webcom.change_unreadable")

    @admin.action(description=gettext_lazy("Try again"), permissions=["retry"])
    def try_again(self, request: HttpRequest, rows: QuerySet[Unreadable]) -> None:
        read = [ingest.retry_unreadable(row) for row in rows.order_by("last_at")]
        if stored := sum(read):
            self.message_user(request, _("Stored: %d.") % stored, messages.SUCCESS)
        if left := len(read) - stored:
            self.message_user(request, _("Still unreadable: %d.") % left, messages.WARNING)


@admin.register(Cursor)
class CursorAdmin(ReadOnlyExportAdmin):
    list_display = ("feed", "updated_at")
