"""The screening rules, and the callers that were screened."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from centralino.models import LineRule, ScreenedCall
from centralino.numbers import NumberError, canonical
from core.admin.base import BaseAdmin, IndexedSearch
from core.admin.read_only import ReadOnlyExportAdmin


@admin.register(LineRule)
class LineRuleAdmin(BaseAdmin):
    list_display = (
        "__str__", "enabled", "block_anonymous", "block_listed", "answered_hours", "hangup_reason",
        "sound",
    )  # fmt: skip
    list_editable = ("enabled", "block_anonymous", "block_listed", "answered_hours")
    search_fields = ("called",)


@admin.register(ScreenedCall)
class ScreenedCallAdmin(IndexedSearch, ReadOnlyExportAdmin):
    list_display = ("at", "verdict", "why", "caller", "number", "entry", "called", "server")
    list_filter = ("verdict", "why")
    search_fields = ("number",)
    search_help_text = gettext_lazy("A caller in any notation; 333* finds callers that begin so.")
    ordering = ("-at", "-id")

    def find(self, queryset: QuerySet[ScreenedCall], term: str) -> QuerySet[ScreenedCall]:
        try:
            number = canonical(term)
        except NumberError:
            return queryset.filter(channel_id=term)
        if number.endswith("*"):
            return queryset.filter(number__startswith=number[:-1])
        return queryset.filter(number=number)
