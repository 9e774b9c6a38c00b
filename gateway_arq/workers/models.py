from __future__ import annotations

from django.db import models


class Health(models.TextChoices):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    DISABLED = "disabled"


class WorkerStatus(models.Model):
    """How one job or listener is doing; `name` is `<app>.<job>`, for example `webcom.calls`."""

    name = models.CharField(max_length=64, primary_key=True)
    health = models.CharField(max_length=10, choices=Health.choices, default=Health.HEALTHY)
    last_run_at = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    retry_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "worker status"

    def __str__(self) -> str:
        return self.name
