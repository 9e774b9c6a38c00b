"""What every page of the admin has in common: the theme, and no count of a whole table."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from unfold.admin import ModelAdmin, TabularInline

from gateway_arq.lib.big_admin import BoundedPaginator


class HouseAdmin(ModelAdmin):
    """The base of every ModelAdmin of the house."""

    paginator: type[Paginator[Any]] = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the whole table
    list_filter_sheet = True
    warn_unsaved_form = True


class HouseInline(TabularInline):
    """Rows of another table on the page of the one that they belong to."""

    extra = 0
