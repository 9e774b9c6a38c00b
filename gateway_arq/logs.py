"""The setting LOGGING: what is written, and by which rules (`core.lib.logs`)."""

from __future__ import annotations

from typing import Any, Final

# What is written of those who say too much.
LEVELS: Final = {
    "uvicorn.access": "WARNING",
    "uvicorn.error": "WARNING",
    "daphne": "WARNING",
    "celery.app.trace": "WARNING",  # no lines for jobs that run every two seconds
    "celery.beat": "WARNING",
    "celery.worker.strategy": "WARNING",
    "celery.worker.request": "WARNING",  # each job that an outage made too late
    "celery.worker.consumer.mingle": "WARNING",  # at each start: all alone
    "urllib3": "ERROR",
    # scanners; the 400 is logged all the same
    "django.security.DisallowedHost": "CRITICAL",
}


def logging_of(level: str, kind: str) -> dict[str, Any]:
    """LOGGING: all from `level` on, as `kind` (text or json), through one handler."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "outage": {"()": "core.lib.logs.OutageFilter"},
            "context": {"()": "core.lib.logs.ContextFilter"},
        },
        "formatters": {"line": {"()": "core.lib.logs.build_formatter", "kind": kind}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["outage", "context"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {name: {"level": its_level} for name, its_level in LEVELS.items()},
    }
