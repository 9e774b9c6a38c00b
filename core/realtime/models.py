from __future__ import annotations

from django.db import models


class PendingEvents(models.Model):
    """Events of one transaction that may not be in the log yet; gone when they are.

    `writer` and `number` name the row in the log, whoever writes it there. One without `events`
    says that rows before it were dropped.
    """

    writer = models.CharField(max_length=64)
    number = models.BigIntegerField()
    events = models.TextField(blank=True)  # a line each: type, tab, JSON object

    class Meta:
        default_permissions = ()
        verbose_name_plural = "pending events"
        indexes = [models.Index(fields=["writer"], name="pending_events_writer")]

    def __str__(self) -> str:
        return f"{self.writer} {self.number}"
