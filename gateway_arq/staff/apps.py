from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate, pre_save


class StaffConfig(AppConfig):
    name = "gateway_arq.staff"
    label = "staff"
    verbose_name = "Staff"

    def ready(self) -> None:
        from auditlog.models import LogEntry
        from auditlog.signals import pre_log

        from gateway_arq.staff import audit, checks, groups, tables  # noqa: F401  (registers the check)

        tables.watch_changes()
        pre_log.connect(audit.is_written)
        pre_save.connect(audit.add_who, sender=LogEntry)
        post_migrate.connect(groups.fill)  # after Django's own receiver, which makes permissions


class GatewayAdminConfig(AdminConfig):
    """`django.contrib.admin`, with the gateway's own site as the default."""

    default_site = "gateway_arq.staff.site.GatewayAdminSite"
