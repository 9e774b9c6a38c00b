"""The backups that were made, for staff."""

from __future__ import annotations

from django.contrib import admin

from core.admin.read_only import ReadOnlyAdmin
from gateway_arq.backup.models import Backup


@admin.register(Backup)
class BackupAdmin(ReadOnlyAdmin):
    list_display = ("name", "taken_at", "duration_s", "size_bytes", "rows", "is_encrypted")
    list_filter = ("is_encrypted",)
