"""JSON documents of the gateway's own endpoints, in the spelling of both API references."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, UnsetType

from core.api.documents import Document, Instant, like, one_of
from core.workers.models import Health
from gateway_arq import __version__


class RootDocument(Document):
    message: str
    version: str
    status: str
    endpoints: dict[str, str]


class HealthDocument(Document):
    status: Annotated[str, like("healthy")]


class VersionDocument(Document):
    title: str
    version: str
    description: str
    copyright: str


class WorkerDocument(Document):
    status: Annotated[str, one_of(Health.values)]
    last_run: Annotated[Instant | None, like("2025-11-15T13:30:00Z", "Null: it has never run")]
    last_error: Annotated[
        str | UnsetType, like("timeout", "Only when degraded or down (addition to the reference)")
    ] = UNSET


class CallCountsDocument(Document):
    webcom_active: Annotated[int, like(3)]
    asterisk_active: Annotated[int, like(1)]
    total_today: Annotated[int, like(245)]


class WebcomLinesDocument(Document):
    line_ids: Annotated[list[str], like(["Sickprod90TLW", "Sickprod80FW"])]


class CostsDocument(Document):
    today: Annotated[float, like(45.5, "Euro")]


class StatsDocument(Document):
    asterisk_active: Annotated[int, like(5)]
    asterisk_dropped: Annotated[
        int | UnsetType, like(24, "Manager messages that callers had forged; absent: none")
    ] = UNSET


class BackupDocument(Document):
    taken_at: Annotated[Instant, like("2025-11-15T02:30:00Z")]
    size_bytes: Annotated[int, like(1234567)]


_WORKERS: Final = {
    "webcom": {"status": "healthy", "last_run": "2025-11-15T13:30:00Z"},
    "webtv": {"status": "healthy", "last_run": "2025-11-15T13:30:00Z"},
    "asterisk": {"status": "down", "last_run": "2025-11-15T13:28:00Z", "last_error": "timeout"},
}


class MetricsDocument(Document):
    workers: Annotated[dict[str, WorkerDocument], like(_WORKERS)]
    calls: CallCountsDocument
    webcom: WebcomLinesDocument
    costs: CostsDocument
    stats: StatsDocument
    timestamp: Annotated[Instant, like("2025-11-15T13:30:00Z")]
    backup: BackupDocument | UnsetType = UNSET  # the last good one (addition to the reference)


ROOT: Final = RootDocument(
    message="Gateway ARQ API",
    version=__version__,
    status="healthy",
    endpoints={
        "health": "/health",
        "version": "/version",
        "metrics": "/metrics",
        "webcom": "/api/webcom/*",
        "webtv": "/api/webtv/*",
        "websocket": "/ws",
    },
)
VERSION: Final = VersionDocument(
    title="Gateway ARQ",
    version=__version__,
    description="Real-time data ingestion system",
    copyright="© 2025-2026 sanvil",
)
