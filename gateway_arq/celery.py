"""Tasks and schedule: through Celery and its broker, or embedded, inside the process.

Without `REDIS_URL` there is no broker, and a process that is the whole gateway needs none: a task
goes to a thread pool of this process (`local_tasks`), and the schedule runs here too
(`local_beat`). The tasks are the same.
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_arq.settings")

import threading
from typing import Any

from celery import Celery, Task
from celery.signals import (
    beat_init,
    heartbeat_sent,
    setup_logging,
    task_prerun,
    worker_init,
    worker_process_shutdown,
)
from django.conf import settings

from core.lib.logs import set_context
from core.lib.postgres.limits import Role, run_process_as
from core.workers.local_tasks import LocalTask

_all_here = threading.Event()


class GatewayTask(LocalTask):
    """Runs in this process, unless there is a broker whose workers run it."""

    def apply_async(self, *args: Any, **options: Any) -> Any:
        if settings.REDIS_URL and not _all_here.is_set():
            return Task.apply_async(self, *args, **options)
        return super().apply_async(*args, **options)


def run_tasks_here() -> None:
    """From now on this process runs its tasks itself: no worker listens to the broker."""
    _all_here.set()


app = Celery("gateway_arq", task_cls=GatewayTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def say_role(**_: Any) -> None:
    """Before any process of a worker is forked."""
    run_process_as(Role.TASK)


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Worker and beat log as all else: without a receiver Celery adds handlers of its own."""


@task_prerun.connect
def name_task_in_log(task: Task[..., Any], **_: Any) -> None:
    """Log lines of a task carry its name (`local_tasks` sets it without Celery)."""
    set_context(task.name)


@heartbeat_sent.connect
def show_life(**_: Any) -> None:
    """A worker's own heartbeat, every 2 s, is the sign for its container, too."""
    from core.workers.alive import report_alive  # late: Django must be set up

    report_alive()


@worker_process_shutdown.connect
def write_queued_events(**_: Any) -> None:
    """Celery ends its processes without running `atexit` handlers."""
    from core.realtime.publish import close  # late: Django must be set up

    close()
