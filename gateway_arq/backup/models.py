from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.admin.tables import NONE, StaffTable


class Backup(models.Model):
    """A backup that was written to its end; the row stays when its file is deleted."""

    staff_table = StaffTable(icon="backup", operator=NONE)

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    taken_at = models.DateTimeField(_("taken at"))
    duration_s = models.FloatField(_("duration (s)"))
    size_bytes = models.BigIntegerField(_("size (bytes)"))
    rows = models.BigIntegerField(_("rows"))
    is_encrypted = models.BooleanField(_("encrypted"))

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering = ("-taken_at",)

    def __str__(self) -> str:
        return self.name
