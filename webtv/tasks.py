"""Entry points of the schedule; how often each runs is set in the admin (periodic tasks)."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.workers.jobs import run_job
from webtv import alerts, retention


@shared_task(name="webtv.judge_alerts", soft_time_limit=60)
def judge_alerts() -> None:
    run_job("webtv.alerts", lambda: alerts.judge(now=timezone.now()))


@shared_task(name="webtv.prune", soft_time_limit=3600)
def prune() -> None:
    run_job("webtv.prune", retention.prune)
