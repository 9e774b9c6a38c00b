"""The schedule's entry points; how often each runs is set in the admin (periodic tasks)."""

from __future__ import annotations

from celery import shared_task

from centralino import retention
from centralino.services import lists
from core.workers.jobs import run_job


@shared_task(name="centralino.expire", soft_time_limit=300)
def expire() -> None:
    """Delete expired entries. Responses and screening ignore them anyway."""
    run_job("asterisk.expire", _expire_all)


@shared_task(name="centralino.prune", soft_time_limit=3600)
def prune() -> None:
    run_job("asterisk.prune", retention.prune)


def _expire_all() -> None:
    while lists.expire():
        continue
