"""The blacklist and the allow list: every change goes through the services, and is published."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.admin import ImportExportMixin
from import_export.fields import Field
from import_export.formats.base_formats import CSV
from import_export.resources import ModelResource
from unfold.contrib.import_export.forms import ImportForm, SelectableFieldsExportForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from centralino.labels import REASONS
from centralino.models import ListEntry
from centralino.numbers import NumberError, canonical, national, prefixes
from centralino.services import lists
from centralino.types import DEFAULT_HOURS, MAX_HOURS, Reason
from core.admin.base import BaseAdmin, ExactFilter, IndexedSearch
from core.admin.read_only import Exported, PermittedExportMixin
from core.admin.workbooks import BoundedXlsx
from core.lib.days import zone
from core.lib.labels import choices, label_of
from core.lib.texts import is_plain


class EntryForm(forms.ModelForm):
    """A new entry, its number in any notation."""

    hours = forms.IntegerField(
        label=gettext_lazy("hours"),
        required=False,
        min_value=1,
        max_value=MAX_HOURS,
        help_text=gettext_lazy("Empty: permanent."),
        widget=UnfoldAdminIntegerFieldWidget,
    )

    class Meta:
        model = ListEntry
        fields = ("number", "allowed", "note")

    def clean_number(self) -> str:
        try:
            return canonical(self.cleaned_data["number"])
        except NumberError as exc:
            raise ValidationError(str(exc)) from None

    def _get_validation_exclusions(self) -> set[str]:
        """A number that is listed already is no error: the service extends its entry."""
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return exclusions | {"number"}


class NoteForm(forms.ModelForm):
    """An existing entry: only its note can be edited; the rest changes by actions."""

    class Meta:
        model = ListEntry
        fields = ("note",)


class TermFilter(admin.SimpleListFilter):
    title = gettext_lazy("how long")
    parameter_name = "term"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("permanent", _("permanent")),
            ("limited", _("for a time")),
            ("prefix", _("prefixes")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ListEntry]) -> QuerySet[ListEntry]:
        if self.value() == "prefix":
            return queryset.filter(number__endswith="*")
        if self.value() in ("permanent", "limited"):
            return queryset.filter(expires_at__isnull=self.value() == "permanent")
        return queryset


class ReasonFilter(ExactFilter):
    title = gettext_lazy("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return choices(REASONS)


class ExportedEntry(Exported):
    class Meta:
        model = ListEntry
        fields = (
            "number", "allowed", "reason", "note", "created_at", "expires_at", "hits",
            "last_hit_at",
        )  # fmt: skip


class ImportedEntry(ModelResource):
    """One row is one number, listed as if staff had done it by hand.

    Columns: `number`; optionally `allowed` (1), `note`, and one of `hours`, `permanent` (1) and
    `expires_at` (local). Without those three a number is listed for 24 hours, an allowed one
    permanently.
    """

    number = Field("number", "number")
    allowed = Field("allowed", "allowed")
    hours = Field("hours", "hours")
    note = Field("note", "note")

    class Meta:
        model = ListEntry
        fields = ("number", "allowed", "hours", "note")
        import_id_fields = ("number",)
        skip_diff = True
        store_row_values = True  # the preview shows them

    def get_or_init_instance(self, instance_loader: Any, row: Any) -> tuple[ListEntry, bool]:
        return ListEntry(), True

    def import_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        try:
            # Our own exports put an apostrophe before what a spreadsheet would read as a formula.
            instance.number = canonical(_cell(row, "number").lstrip("'"))
        except NumberError as exc:
            raise ValidationError({"number": str(exc)}) from None
        instance.allowed = _flag(row, "allowed")
        instance.note = _note(row)
        instance.hours = _hours(row, None if instance.allowed else DEFAULT_HOURS)

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        if instance.allowed:
            lists.allow_number(instance.number, hours=instance.hours, note=instance.note)
        else:
            lists.blacklist_number(
                instance.number, hours=instance.hours, reason=Reason.IMPORTED, note=instance.note
            )


@admin.register(ListEntry)
class ListEntryAdmin(IndexedSearch, PermittedExportMixin, ImportExportMixin, BaseAdmin):
    formats = (CSV, BoundedXlsx)
    import_form_class = ImportForm
    export_form_class = SelectableFieldsExportForm
    list_display = (
        "shown_number", "allowed", "reason_label", "created_at", "until", "hits", "last_hit_at",
        "note",
    )  # fmt: skip
    list_filter = ("allowed", TermFilter, ReasonFilter)
    search_fields = ("number",)
    search_help_text = gettext_lazy(
        "A number in any notation finds its entry and the prefixes that match it; 333* finds the "
        "entries that begin so."
    )
    ordering = ("-id",)  # as -created_at, but of both lists, from an index
    readonly_fields = (
        "number", "allowed", "reason_label", "created_at", "expires_at", "hits", "last_hit_at",
    )  # fmt: skip
    actions = ("make_permanent", "extend")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ListEntry]:
        return super().get_queryset(request).exclude(reason=lists.RELEASED)

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def get_import_resource_classes(self, request: HttpRequest) -> list[type[ImportedEntry]]:
        return [ImportedEntry]

    def get_export_resource_classes(self, request: HttpRequest) -> list[type[ExportedEntry]]:
        return [ExportedEntry]

    def get_form(
        self, request: HttpRequest, obj: ListEntry | None = None, change: bool = False, **kw: Any
    ) -> Any:
        kw["form"] = NoteForm if obj else EntryForm
        return super().get_form(request, obj, change=change, **kw)

    def get_readonly_fields(self, request: HttpRequest, obj: ListEntry | None = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_fields(self, request: HttpRequest, obj: ListEntry | None = None) -> Any:
        return (*self.readonly_fields, "note") if obj else ("number", "allowed", "hours", "note")

    @admin.display(description=gettext_lazy("number"), ordering="number")
    def shown_number(self, entry: ListEntry) -> str:
        return national(entry.number)

    @admin.display(description=gettext_lazy("reason"), ordering="reason")
    def reason_label(self, entry: ListEntry) -> str:
        return label_of(REASONS, entry.reason)

    @admin.display(description=gettext_lazy("until"), ordering="expires_at")
    def until(self, entry: ListEntry) -> str | datetime:
        return entry.expires_at or _("permanent")

    def find(self, queryset: QuerySet[ListEntry], term: str) -> QuerySet[ListEntry]:
        try:
            number = canonical(term)
        except NumberError:
            return queryset.filter(note__icontains=term)
        found = Q(number__in=[number, *prefixes(number)])
        if number.endswith("*"):
            found |= Q(number__startswith=number[:-1])
        return queryset.filter(found)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["note"])
            return
        hours, note = form.cleaned_data["hours"], obj.note
        if obj.allowed:
            lists.allow_number(obj.number, hours=hours, note=note)
        else:
            reason = Reason.MANUAL if hours else Reason.MANUAL_PERMANENT
            lists.blacklist_number(obj.number, hours=hours, reason=reason, note=note)
        # The page goes on with the row that the service made or extended.
        obj.pk = ListEntry.objects.get(number=obj.number, allowed=obj.allowed).pk

    def delete_model(self, request: HttpRequest, obj: ListEntry) -> None:
        _release(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ListEntry]) -> None:
        for entry in queryset:
            _release(entry)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if "delete_selected" in actions:
            function, name, _title = actions["delete_selected"]
            actions["delete_selected"] = (function, name, _("Release"))
        return actions

    @admin.action(description=gettext_lazy("Make permanent"), permissions=["change"])
    def make_permanent(self, request: HttpRequest, queryset: QuerySet[ListEntry]) -> None:
        for entry in queryset:
            lists.make_permanent(entry.number, allowed=entry.allowed)
        self.message_user(request, _("Made permanent: %d.") % len(queryset))

    @admin.action(description=gettext_lazy("Extend by 24 hours"), permissions=["change"])
    def extend(self, request: HttpRequest, queryset: QuerySet[ListEntry]) -> None:
        for entry in queryset:
            lists.prolong(entry.number, hours=DEFAULT_HOURS, allowed=entry.allowed)
        self.message_user(request, _("Extended: %d.") % len(queryset))


def _release(entry: ListEntry) -> None:
    release = lists.disallow_number if entry.allowed else lists.release_number
    release(entry.number)


def _cell(row: Any, name: str) -> str:
    """A cell as text, whatever type the spreadsheet gave it."""
    value = row.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _note(row: Any) -> str:
    note = _cell(row, "note")[:200]
    if not is_plain(note):
        raise ValidationError({"note": _("Control characters are not allowed.")})
    return note


def _flag(row: Any, name: str) -> bool:
    text = _cell(row, name).lower()
    if text not in ("", "0", "1", "true", "false"):
        raise ValidationError({name: f"{text[:20]!r} is neither 0 nor 1."})
    return text in ("1", "true")


def _hours(row: Any, default: int | None) -> int | None:
    """How long the row's number is listed; None: permanently."""
    hours, expires_at = _cell(row, "hours"), _cell(row, "expires_at")
    if _flag(row, "permanent"):
        return None
    if hours:
        if not (hours.isascii() and hours.isdigit() and 1 <= int(hours[:6]) <= MAX_HOURS):
            raise ValidationError({"hours": f"{hours[:20]!r} is not 1 to {MAX_HOURS} hours."})
        return int(hours)
    return _hours_until(expires_at) if expires_at else default


def _hours_until(text: str) -> int:
    """Whole hours, rounded up, until the local time in `text`."""
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None:
        raise ValidationError({"expires_at": f"{text[:40]!r} is no YYYY-MM-DD HH:MM:SS."})
    at = at if at.tzinfo else at.replace(tzinfo=zone())
    hours = -((timezone.now() - at) // timedelta(hours=1))
    if not 1 <= hours <= MAX_HOURS:
        raise ValidationError({"expires_at": "It is over, or more than ten years from now."})
    return hours
