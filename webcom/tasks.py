"""Entry points of the schedule; how often each runs is set in the admin (periodic tasks)."""

from __future__ import annotations

from collections.abc import Callable

from celery import shared_task

from core.lib.upstream import UpstreamError
from core.workers import services as workers
from core.workers.jobs import run_job
from webcom import pull, retention, rollups
from webcom.types import WebcomTlc
from webcom.upstream import build_webcom_tlc


@shared_task(name="webcom.pull_calls", soft_time_limit=300)
def pull_calls() -> None:
    _pull("webcom.calls", pull.pull_calls)


@shared_task(name="webcom.pull_lines", soft_time_limit=120)
def pull_lines() -> None:
    _pull("webcom.lines", pull.pull_lines)


@shared_task(name="webcom.pull_rebates", soft_time_limit=120)
def pull_rebates() -> None:
    _pull("webcom.rebates", pull.pull_rebates)


@shared_task(name="webcom.recount", soft_time_limit=300)
def recount() -> None:
    run_job("webcom.recount", _recount_all)


@shared_task(name="webcom.prune", soft_time_limit=3600)
def prune() -> None:
    run_job("webcom.prune", retention.prune)


def _recount_all() -> None:
    while rollups.recount():
        continue


def _pull(name: str, work: Callable[[WebcomTlc], object]) -> None:
    """Run a pull, if there is a carrier."""
    try:
        carrier = build_webcom_tlc()
    except UpstreamError as exc:  # WEBCOM_URL is no address
        workers.failed(name, exc)
        return
    if carrier is None:
        workers.disabled(name)
        return
    run_job(name, lambda: work(carrier), UpstreamError)


def pull_on_start() -> None:
    """Pull everything at start: the schedule begins an interval later."""
    for task in (pull_lines, pull_rebates, pull_calls):
        task.delay()
