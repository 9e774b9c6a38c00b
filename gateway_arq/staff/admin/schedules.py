"""When tasks run: django-celery-beat's pages in the admin's theme."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from django_celery_beat import admin as beat
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core.admin.base import BaseAdmin
from gateway_arq.schedule import SCHEDULE

admin.site.unregister(
    (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule)
)


WHAT: Final = ("name", "task", "description", "args", "kwargs")


class TaskSelect(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    """The names of the registered tasks."""


class PeriodicTaskForm(beat.PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "task" not in self.fields:  # read-only
            self.fields.pop("regtask", None)
        else:
            self.fields["task"].widget = UnfoldAdminTextInputWidget()
            self.fields["regtask"].widget = TaskSelect()

    def clean(self) -> dict[str, Any]:
        """Theirs needs a task: who may not choose one keeps the schedule's."""
        if "task" not in self.fields:
            self.cleaned_data.pop("regtask", None)
            self.cleaned_data["task"] = self.instance.task
        cleaned: dict[str, Any] = super().clean()
        return cleaned


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(beat.PeriodicTaskAdmin, BaseAdmin):
    """Without the fields for a message broker and for sunrise schedules."""

    form = PeriodicTaskForm
    list_display = ("name", "enabled", "when", "last_run_at", "one_off")
    list_filter = ("enabled", "one_off", "last_run_at")
    readonly_fields = ("last_run_at",)
    fieldsets = (
        (None, {"fields": ("name", "regtask", "task", "enabled", "description")}),
        (
            gettext_lazy("Schedule"),
            {
                "fields": (
                    "interval", "crontab", "clocked", "start_time", "last_run_at", "one_off",
                ),
            },
        ),
        (gettext_lazy("Arguments"), {"fields": ("args", "kwargs")}),
    )  # fmt: skip
    # Theirs has a script in the page, which the pages' policy forbids.
    change_form_template = None
    change_list_template = None

    def get_readonly_fields(self, request: HttpRequest, obj: PeriodicTask | None = None) -> Any:
        """Who may make no schedules decides when and whether a task runs, not which."""
        fields = super().get_readonly_fields(request, obj)
        return fields if self.has_add_permission(request) else (*fields, *WHAT)

    def get_fieldsets(self, request: HttpRequest, obj: PeriodicTask | None = None) -> Any:
        if self.has_add_permission(request):
            return super().get_fieldsets(request, obj)
        first, *rest = super().get_fieldsets(request, obj)
        fields = tuple(name for name in first[1]["fields"] if name != "regtask")
        return ((first[0], {**first[1], "fields": fields}), *rest)

    def has_delete_permission(self, request: HttpRequest, obj: PeriodicTask | None = None) -> bool:
        """Ours are switched off instead: the next migration would make them again."""
        is_ours = obj is not None and obj.name in {job.name for job in SCHEDULE}
        return not is_ours and bool(super().has_delete_permission(request, obj))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The library's actions ask no permission."""
        actions: dict[str, Any] = super().get_actions(request)
        return actions if self.has_change_permission(request) else {}

    @admin.display(description=gettext_lazy("when"))
    def when(self, task: PeriodicTask) -> str:
        return str(task.scheduler)


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(beat.IntervalScheduleAdmin, BaseAdmin):
    inlines = ()


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(beat.CrontabScheduleAdmin, BaseAdmin):
    inlines = ()
    list_display = ("__str__",)
    fields = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year", "timezone")
    readonly_fields = ()


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(beat.ClockedScheduleAdmin, BaseAdmin):
    inlines = ()
