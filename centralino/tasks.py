"""The schedule's entry points; how often each runs is set in the admin (periodic tasks)."""

from __future__ import annotations

from celery import shared_task

from centralino import retention
from centralino.services import lists
from core.lib.locks import only_one
from core.workers import services as workers


@shared_task(name="centralino.expire", soft_time_limit=300)
def expire() -> None:
    """Delete expired entries. Responses and screening ignore them anyway."""
    with only_one("centralino.expire") as mine:
        if mine:
            with workers.watched("asterisk.expire"):
                while lists.expire():
                    continue


@shared_task(name="centralino.prune", soft_time_limit=3600)
def prune() -> None:
    with workers.watched("asterisk.prune"):
        retention.prune()
