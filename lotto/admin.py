"""Draws and their corrections for staff. Draws are changed over the API or by an import."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy

from gateway_arq.lib.big_admin import BoundedPaginator
from gateway_arq.lib.fact_admin import FactAdmin
from lotto.models import Correction, Extraction


@admin.register(Extraction)
class ExtractionAdmin(FactAdmin):
    paginator = BoundedPaginator
    list_display = ("day", "wheel", "drawn", "source", "verified")
    list_filter = ("wheel", "source", "verified")
    date_hierarchy = "day"
    export_instead = ", or take /api/lotto/export?download=1"

    @admin.display(description=gettext_lazy("numbers"))
    def drawn(self, draw: Extraction) -> str:
        return "\u2007".join(
            f"{number:\u2007>2}" for number in draw.numbers
        )  # aligned, on one line


@admin.register(Correction)
class CorrectionAdmin(FactAdmin):
    list_display = ("at", "day", "wheel", "before", "after", "source_before", "source")
    list_filter = ("wheel", "source")
