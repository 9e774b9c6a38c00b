"""Admin pages of facts that others own: read, searched and exported here, not changed."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV, XLSX
from import_export.resources import ModelResource, modelresource_factory
from unfold.contrib.import_export.forms import SelectableFieldsExportForm

from core.admin.base import BaseAdmin
from core.lib.spreadsheets import safe_cell

MAX_EXPORTED: Final = 100_000  # rows; an export is made in memory


class Exported(ModelResource):
    """Rows whose cells are no formulas."""

    def export_field(self, field: Any, instance: Model, **kwargs: Any) -> Any:
        return safe_cell(super().export_field(field, instance, **kwargs))


class ReadOnlyAdmin(BaseAdmin):
    """What others own is read here, not changed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PermittedExportMixin(ExportMixin):
    """An export for those who may see the list: the library's own asks nobody."""

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))


class ReadOnlyExportAdmin(PermittedExportMixin, ReadOnlyAdmin):
    """What others own is read and exported here, not changed."""

    formats = (CSV, XLSX)
    export_form_class = SelectableFieldsExportForm
    export_instead = ""  # the address that has all of them

    def get_resource_classes(self, request: HttpRequest) -> list[type[Exported]]:
        return self.resource_classes or [modelresource_factory(self.model, Exported)]

    def export_action(self, request: HttpRequest) -> HttpResponse:
        rows = self.get_export_queryset(request).order_by()
        if rows[: MAX_EXPORTED + 1].count() <= MAX_EXPORTED:
            return super().export_action(request)
        maximum = number_format(MAX_EXPORTED, force_grouping=True)
        advice = _("Over %s rows: filter the list first.") % maximum
        if self.export_instead:
            advice += " " + _("Or take %s.") % self.export_instead
        self.message_user(request, advice, messages.ERROR)
        return HttpResponseRedirect(f"../?{request.GET.urlencode()}")
