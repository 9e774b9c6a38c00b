from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BackupConfig(AppConfig):
    name = "gateway_arq.backup"
    label = "backups"
    verbose_name = _("Backups")
