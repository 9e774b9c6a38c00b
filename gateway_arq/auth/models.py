from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from gateway_arq.auth.types import Scope


class ApiKey(models.Model):
    """A key made in the admin. Only its SHA-256 is kept: 192 random bits need no salt."""

    name = models.CharField(max_length=100, help_text="Who uses the key, for what.")
    prefix = models.CharField(
        max_length=8, unique=True, help_text="The key starts with arq_<prefix>_."
    )
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(
        max_length=5,
        choices=[(scope.value, scope.value) for scope in Scope],
        default=Scope.READ.value,
        help_text="Write includes read, admin includes both.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: never.")
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} (arq_{self.prefix}_…)"
