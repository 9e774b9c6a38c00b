"""Metrics of the gateway: one snapshot, as JSON or as Prometheus gauges.

Everything comes from the database, so every process gives the same figures and nothing is shared
between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from django.http.request import MediaType
from msgspec import UNSET
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily as Counter
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from centralino.selectors import channels
from core.lib.days import current_second, local_day
from core.workers.models import Health
from core.workers.selectors import Leader, WorkerSummary, leaders, statuses, summary
from gateway_arq import __version__
from gateway_arq.backup.models import Backup
from gateway_arq.documents import (
    BackupDocument,
    CallCountsDocument,
    CostsDocument,
    MetricsDocument,
    StatsDocument,
    WebcomLinesDocument,
    WorkerDocument,
)
from webcom import selectors as webcom

MAIN_JOBS: Final = {"webcom": "webcom.calls", "webtv": "webtv.viewers", "asterisk": "asterisk.ami"}
SCRAPED_JOBS: Final = {**MAIN_JOBS, "autobot": "ocr.autobot"}  # the JSON has the references' three


@dataclass(frozen=True)
class Snapshot:
    """The figures of /metrics at one moment; costs are euro, "today" is a Rome day."""

    taken_at: datetime
    workers: dict[str, WorkerSummary]
    leaders: dict[str, Leader]  # by listener
    webcom_active: int
    asterisk_active: int
    asterisk_dropped: dict[str, int]  # messages that callers had forged, by server
    calls_today: int
    cost_today: Decimal
    line_ids: list[str]
    backup: Backup | None  # the last good one


def snapshot() -> Snapshot:
    """The current figures, in eight queries."""
    found = leaders()
    jobs = statuses(found)
    today, asterisk = webcom.day_totals(local_day()), channels.figures()
    return Snapshot(
        taken_at=current_second(),
        workers={app: summary(main, jobs) for app, main in SCRAPED_JOBS.items()},
        leaders=found,
        webcom_active=webcom.active_calls_count(),
        asterisk_active=asterisk.active,
        asterisk_dropped=asterisk.dropped,
        calls_today=today.calls,
        cost_today=today.cost,
        line_ids=webcom.line_ids(),
        backup=Backup.objects.first(),
    )


def document(now: Snapshot) -> MetricsDocument:
    """Every field of both references; `last_error` is added to a worker that is not healthy."""
    return MetricsDocument(
        workers={name: _worker(now.workers[name]) for name in MAIN_JOBS},
        calls=CallCountsDocument(now.webcom_active, now.asterisk_active, now.calls_today),
        webcom=WebcomLinesDocument(now.line_ids),
        costs=CostsDocument(round(float(now.cost_today), 2)),
        stats=StatsDocument(now.asterisk_active, sum(now.asterisk_dropped.values()) or UNSET),
        timestamp=now.taken_at,
        backup=BackupDocument(now.backup.taken_at, now.backup.size_bytes) if now.backup else UNSET,
    )


def _worker(worker: WorkerSummary) -> WorkerDocument:
    last_run = worker.last_run and worker.last_run.astimezone(UTC).replace(microsecond=0)
    is_failing = worker.status in (Health.DEGRADED, Health.DOWN)
    return WorkerDocument(worker.status, last_run, worker.last_error if is_failing else UNSET)


class _Gauges:
    """Collector of a snapshot for prometheus_client."""

    def __init__(self, now: Snapshot) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        now = self._now
        yield InfoMetricFamily(
            "gateway_arq_build", "The running release.", {"version": __version__}
        )
        active = Gauge("gateway_arq_calls_active", "Calls in progress.", labels=["source"])
        active.add_metric(["webcom"], now.webcom_active)
        active.add_metric(["asterisk"], now.asterisk_active)
        yield active
        yield Gauge("gateway_arq_calls_today", "Calls that started today.", now.calls_today)
        yield Gauge("gateway_arq_cost_today_euros", "Cost of today's calls.", float(now.cost_today))
        yield Gauge("gateway_arq_lines", "Lines that the carrier has reported.", len(now.line_ids))
        yield Gauge(
            "gateway_arq_webcom_unreadable",
            "Payloads of the carrier that could not be read and are kept.",
            webcom.unreadable_count(),  # the JSON has no such figure
        )
        dropped = Counter(
            "gateway_arq_asterisk_messages_dropped",
            "Manager messages that callers had forged.",
            labels=["server"],
        )
        for server, count in now.asterisk_dropped.items():
            dropped.add_metric([server], count)
        yield dropped
        yield from self._workers()
        yield from self._leaders()
        yield from self._backup()

    def _workers(self) -> Iterator[Metric]:
        health = Gauge(
            "gateway_arq_worker_health", "1 for the state it is in.", labels=["worker", "status"]
        )
        last_run = Gauge(
            "gateway_arq_worker_last_run_timestamp_seconds",
            "When the worker last ran.",
            labels=["worker"],
        )
        for name, worker in self._now.workers.items():
            for status in Health:
                health.add_metric([name, status.value], float(worker.status == status))
            if worker.last_run:
                last_run.add_metric([name], worker.last_run.timestamp())
        yield health
        yield last_run

    def _leaders(self) -> Iterator[Metric]:
        info = InfoMetricFamily(
            "gateway_arq_leader",
            "The process that leads, as host:process.",
            labels=["worker"],
        )
        leads = Gauge("gateway_arq_leader_leads", "0 when no process leads.", labels=["worker"])
        age = Gauge(
            "gateway_arq_lease_age_seconds",
            "Since the leader last showed that its work goes on.",
            labels=["worker"],
        )
        tenures = Counter(
            "gateway_arq_leader_changes", "Changes of the leader, ever.", labels=["worker"]
        )
        for name, leader in self._now.leaders.items():
            info.add_metric([name], {"holder": leader.holder})
            leads.add_metric([name], float(leader.leads))
            age.add_metric([name], leader.age_s)
            tenures.add_metric([name], leader.token)
        yield from (info, leads, age, tenures)

    def _backup(self) -> Iterator[Metric]:
        if (last := self._now.backup) is None:
            return
        yield Gauge(
            "gateway_arq_backup_last_timestamp_seconds",
            "When the last good backup was taken.",
            last.taken_at.timestamp(),
        )
        yield Gauge("gateway_arq_backup_last_size_bytes", "Size of that backup.", last.size_bytes)
        yield Gauge(
            "gateway_arq_backup_last_duration_seconds", "How long it took.", last.duration_s
        )


def as_prometheus(now: Snapshot, accept: str) -> tuple[bytes, str]:
    """The exposition in the newest version `accept` (a media type) names, and its content type."""
    registry = CollectorRegistry()
    registry.register(_Gauges(now))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def scraper_type(accepted: Iterable[MediaType]) -> str | None:
    """The exposition type that the client prefers to JSON, or None: it gets JSON.

    `*/*` and `application/json` mean JSON. A named `text/plain` or
    `application/openmetrics-text` wins with a higher q; at equal q over wildcards, and with a
    version over JSON too (no client but a scraper names one). Never None for a scraper, so never
    406.
    """
    best, best_rank = None, (0.0, 0)
    for offered in accepted:
        rank = (offered.quality, _strength(offered))
        if rank > best_rank:
            best, best_rank = offered, rank
    return str(best) if best is not None and _is_exposition(best) else None


def _is_exposition(offered: MediaType) -> bool:
    return (offered.main_type, offered.sub_type) in {
        ("text", "plain"),
        ("application", "openmetrics-text"),
    }


def _strength(offered: MediaType) -> int:
    """Rank of a media type among those of equal q."""
    if offered.sub_type == "openmetrics-text":
        return 5
    if _is_exposition(offered):
        return 4 if "version" in offered.params else 2
    return 3 if offered.sub_type == "json" else 1
