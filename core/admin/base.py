"""What every page of the admin has in common: the theme, no count of a whole table, the trail."""

from __future__ import annotations

from typing import Any

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry as AdminLogEntry
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.views import ChangeList

from core.admin.large_tables import BoundedPaginator
from core.lib.numbers import notations
from core.lib.texts import is_plain


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


def written_as(field: str, term: str) -> Q:
    """That the field is a number which `term` may mean, in any notation; or begins so, with *."""
    found = Q(**{f"{field}__in": [one for one in notations(term) if not one.endswith("*")]})
    for one in notations(term):
        if one.endswith("*"):
            found |= Q(**{f"{field}__startswith": one.removesuffix("*")})
    return found


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

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return _plain(super().formfield_for_dbfield(db_field, request, **kwargs))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        for field in form.base_fields.values():  # also those that are no column's
            _plain(field)
        return form

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

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return _plain(super().formfield_for_dbfield(db_field, request, **kwargs))


def _plain(field: Any) -> Any:
    """The form field, which refuses control characters where people type a text."""
    if isinstance(field, forms.CharField):
        check = _text_is_plain if isinstance(field.widget, forms.Textarea) else _line_is_plain
        if check not in field.validators:
            field.validators.append(check)
    return field


def _line_is_plain(value: Any) -> None:
    _check(value, lines=False)


def _text_is_plain(value: Any) -> None:
    _check(value, lines=True)


def _check(value: Any, *, lines: bool) -> None:
    """`value` is a text, or what a JSON text says."""
    if isinstance(value, str):
        if not is_plain(value, lines=lines):
            raise ValidationError(_("Control characters are not allowed."))
    elif isinstance(value, dict):
        _check([*value.keys(), *value.values()], lines=lines)
    elif isinstance(value, list):
        for part in value:
            _check(part, lines=lines)
