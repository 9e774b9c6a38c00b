"""Entries of DATABASES, from the URLs of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import environ

from core.lib.postgres.limits import Role
from core.lib.postgres.replica import STATEMENT_S


def postgres(url: str, timeouts_s: Mapping[str, float]) -> dict[str, Any]:
    """The PostgreSQL at `url`; `timeouts_s` is how long a statement may take, by role.

    What the URL says after its ? beats what is said here.
    """
    entry: dict[str, Any] = dict(environ.Env.db_url_config(url))
    return entry | {
        "ENGINE": "core.lib.postgres",
        # One connection a thread, kept: granian's and Celery's threads are few. Whether it still
        # stands is seen without a query (`is_usable`).
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "TIMEOUTS": dict(timeouts_s),
        "OPTIONS": {"server_side_binding": False, **entry.get("OPTIONS", {})},
    }


def replica(url: str, *, max_lag_s: float) -> dict[str, Any]:
    """A streaming replica of it, which is read while no further behind than that."""
    entry = postgres(url, dict.fromkeys(Role, STATEMENT_S))
    return entry | {"MAX_LAG_S": max_lag_s, "TEST": {"MIRROR": "default"}}


def sqlite(file: Path) -> dict[str, Any]:
    """The SQLite file of the embedded profile."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            # NORMAL in WAL mode survives kill -9 of the process; only a power cut may lose the last
            # commits.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
            "PRAGMA cache_size=-16000;",
        },
    }
