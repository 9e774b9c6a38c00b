"""The health of the workers, for staff."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from core.admin.base import BaseAdmin
from core.workers.models import WorkerStatus


@admin.register(WorkerStatus)
class WorkerStatusAdmin(BaseAdmin):
    list_display = (
        "name",
        "health",
        "last_run_at",
        "last_ok_at",
        "failing_since",
        "retry_at",
        "last_error",
    )
    list_filter = ("health",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: WorkerStatus | None = None) -> bool:
        return False
