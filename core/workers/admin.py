"""The health of the workers, for staff."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin.base import BaseAdmin
from core.workers import selectors
from core.workers.models import WorkerStatus
from core.workers.selectors import health_label, leader_of


@admin.register(WorkerStatus)
class WorkerStatusAdmin(BaseAdmin):
    list_display = (
        "name",
        "state",
        "leader",
        "last_run_at",
        "last_ok_at",
        "failing_since",
        "retry_at",
        "last_error",
    )
    list_filter = ("health",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        self._leaders = selectors.leaders()
        self._jobs = {job.name: job for job in selectors.statuses(self._leaders)}
        return super().changelist_view(request, extra_context)

    @admin.display(description=gettext_lazy("health"), ordering="health")
    def state(self, job: WorkerStatus) -> str:
        """As /metrics has it: down, too, when nobody leads."""
        return health_label(self._jobs.get(job.name, job), is_wanted=True)

    @admin.display(description=gettext_lazy("leader, and when it last worked"))
    def leader(self, job: WorkerStatus) -> str:
        """`host:process, 1 s ago`; a dash for jobs of the schedule, which have none."""
        leader = leader_of(job.name, self._leaders)
        if leader is None:
            return "—"
        if not leader.holder:
            return _("nobody")
        holder = leader.holder.rpartition(":")[0]
        return _("%(holder)s, %(age)d s ago") % {"holder": holder, "age": leader.age_s}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: WorkerStatus | None = None) -> bool:
        return False
