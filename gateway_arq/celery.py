"""Tasks and schedule: through Celery and its broker, or embedded, inside the process.

Without `REDIS_URL` there is no broker: a task goes to a thread pool of this process
(`local_tasks`), and the schedule runs here too (`local_beat`). The tasks are the same.
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_arq.settings")

from typing import Any

from celery import Celery, Task
from celery.signals import heartbeat_sent, task_prerun, worker_process_shutdown, worker_ready
from django.conf import settings

from core.lib.logs import set_context
from core.workers.local_tasks import LocalTask

app = Celery("gateway_arq", task_cls=Task if settings.REDIS_URL else LocalTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def name_task_in_log(task: Task[..., Any], **_: Any) -> None:
    """Log lines of a task carry its name (`local_tasks` sets it without Celery)."""
    set_context(task.name)


@heartbeat_sent.connect
def show_life(**_: Any) -> None:
    """A worker's own heartbeat, every 2 s, is the sign for its container, too."""
    from core.workers.alive import report_alive  # late: Django must be set up

    report_alive()


@worker_ready.connect
def start_new_epoch(**_: Any) -> None:
    """A worker before this one may have been killed between a commit and its event."""
    from core.realtime.publish import get_log  # late: Django must be set up

    get_log().start_new_epoch()


@worker_process_shutdown.connect
def write_queued_events(**_: Any) -> None:
    """Celery ends its processes without running `atexit` handlers."""
    from core.realtime.publish import close  # late: Django must be set up

    close()
