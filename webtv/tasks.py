"""Entry points of the schedule; how often each runs is set in the admin (periodic tasks)."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.lib.locks import only_one
from core.workers import services as workers
from webtv import alerts, retention


@shared_task(name="webtv.judge_alerts", soft_time_limit=60)
def judge_alerts() -> None:
    with only_one("webtv.alerts") as mine:
        if mine:
            with workers.watched("webtv.alerts"):
                alerts.judge(now=timezone.now())


@shared_task(name="webtv.prune", soft_time_limit=3600)
def prune() -> None:
    with workers.watched("webtv.prune"):
        retention.prune()
