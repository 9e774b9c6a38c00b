"""What every page of the admin has in common: the theme, no count of a whole table, the trail."""

from __future__ import annotations

from typing import Any

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib import admin
from django.contrib.admin.models import LogEntry as AdminLogEntry
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.views import ChangeList

from core.admin.large_tables import BoundedPaginator


class BaseChangeList(ChangeList):
    """A list that offers to show all only where something is filtered away."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not (self.query or self.get_filters_params()):
            self.full_result_count = self.result_count


class ExactFilter(admin.SimpleListFilter):
    """By a field's value; `lookups` names those: Django would read the whole table for them."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        return queryset.filter(**{str(self.parameter_name): wanted}) if wanted else queryset


class IndexedSearch:
    """A search that looks only in what is indexed: `find` gets the words as they were typed."""

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (self.find(queryset, term) if term else queryset), False


class BaseAdmin(ModelAdmin):
    """The base of every ModelAdmin of the gateway."""

    paginator: type[Paginator[Any]] = BoundedPaginator
    list_per_page = 50  # the theme's rows are slow to draw
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the whole table
    warn_unsaved_form = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BaseChangeList

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> AdminLogEntry:
        entry = super().log_addition(request, obj, message)
        _note(LogEntry.Action.CREATE, obj, entry.get_change_message())
        return entry

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> AdminLogEntry:
        entry = super().log_change(request, obj, message)
        _note(LogEntry.Action.UPDATE, obj, entry.get_change_message())
        return entry

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            _note(LogEntry.Action.DELETE, obj, "")
        return super().log_deletions(request, queryset)


def _note(action: int, obj: Model, message: str) -> None:
    """In the trail also what it does not watch: tables that services write in bulk."""
    if not auditlog.contains(type(obj)):
        LogEntry.objects.log_create(
            obj, force_log=True, action=action, additional_data={"message": message}
        )


class BaseInline(TabularInline):
    """Rows of another table on the page of the one that they belong to."""

    extra = 0
