from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.admin.tables import NONE, StaffTable
from core.auth.types import Scope


class ApiKey(models.Model):
    """A key made in the admin. Only its SHA-256 is kept: 192 random bits need no salt."""

    staff_table = StaffTable(
        icon="key",
        operator=NONE,
        supervisor=NONE,
        audit={"exclude_fields": ["digest", "last_used_at"]},
    )

    name = models.CharField(_("name"), max_length=100, help_text=_("Who uses the key, for what."))
    prefix = models.CharField(
        _("prefix"), max_length=8, unique=True, help_text=_("The key starts with arq_<prefix>_.")
    )
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    scope = models.CharField(
        _("scope"),
        max_length=5,
        choices=[(scope.value, scope.value) for scope in Scope],
        default=Scope.READ.value,
        help_text=_("Write includes read."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("created by"),
        null=True,
        blank=True,
        related_name="+",
    )
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, help_text=_("Empty: never.")
    )
    last_used_at = models.DateTimeField(
        _("last used at"), null=True, blank=True, help_text=_("To the minute.")
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name} (arq_{self.prefix}_…)"
