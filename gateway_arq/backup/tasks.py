"""The schedule's entry point; when it runs is set in the admin (periodic tasks)."""

from __future__ import annotations

from celery import shared_task

from gateway_arq.backup import services


@shared_task(name="gateway.backup", soft_time_limit=6 * 3600)
def backup() -> None:
    services.take()
