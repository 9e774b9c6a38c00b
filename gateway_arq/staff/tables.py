"""Every table that staff meet: ours say it themselves, those of libraries are listed here."""

from __future__ import annotations

from typing import Final

from auditlog.registry import auditlog
from django.apps import apps
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from core.admin.tables import CHANGE, NONE, VIEW, StaffTable, staff_table

DEVICE: Final = {"include_fields": ["user", "name"]}
LIBRARIES: Final = {
    "auth.user": StaffTable("person", operator=NONE, audit={
        "exclude_fields": ["last_login"], "mask_fields": ["password"],
        "m2m_fields": ["groups", "user_permissions"],
    }),
    "auth.group": StaffTable("group", NONE, NONE, audit={"m2m_fields": ["permissions"]}),
    "otp_totp.totpdevice": StaffTable("", NONE, NONE, audit=DEVICE),
    "otp_static.staticdevice": StaffTable("", NONE, NONE, audit=DEVICE),
    "axes.accessattempt": StaffTable(
        "lock_person", NONE, VIEW | {"delete"}, title=_("Failed logins")
    ),
    "auditlog.logentry": StaffTable("history", NONE, title=_("Audit log")),
    "django_celery_beat.periodictask": StaffTable(
        "schedule", NONE, CHANGE, title=_("Scheduled tasks"),
        audit={"exclude_fields": ["last_run_at", "total_run_count", "date_changed"]},
    ),
    "django_celery_beat.intervalschedule": StaffTable(
        "timer", NONE, title=_("Schedules: intervals"), audit={}
    ),
    "django_celery_beat.crontabschedule": StaffTable(
        "event_repeat", NONE, title=_("Schedules: calendar"), audit={}
    ),
    "django_celery_beat.clockedschedule": StaffTable(
        "event", NONE, title=_("Schedules: once"), audit={}
    ),
    "django_celery_beat.solarschedule": StaffTable("", NONE),
    "django_celery_beat.periodictasks": StaffTable("", NONE),
}  # fmt: skip


def table_of(model: type[Model]) -> StaffTable:
    """What staff may do with the model's table, its icon, and what the audit trail writes of it."""
    return LIBRARIES.get(model._meta.label_lower) or staff_table(model)


def watch_changes() -> None:
    """Have django-auditlog write the changes of the tables that ask for it."""
    for model in apps.get_models():
        options = table_of(model).audit
        if options is not None:
            auditlog.register(model, **{name: list(fields) for name, fields in options.items()})
