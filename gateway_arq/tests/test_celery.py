"""Where a task runs."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from celery import Task
from celery.signals import beat_init, worker_init
from celery.utils.dispatch import Signal

from core.lib.postgres.limits import Role, current_role
from core.workers.local_tasks import LocalTask
from gateway_arq import celery as celery_module


@pytest.mark.parametrize("here", [False, True], ids=["with workers", "embedded"])
def test_with_a_broker_a_task_runs_here_only_where_all_does(
    settings: Any, monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    all_here = threading.Event()
    monkeypatch.setattr(celery_module, "_all_here", all_here)
    sent, submitted = [], []
    monkeypatch.setattr(Task, "apply_async", lambda *args, **_: sent.append(args))
    monkeypatch.setattr(LocalTask, "apply_async", lambda *args, **_: submitted.append(args))
    if here:
        celery_module.run_tasks_here()
    celery_module.GatewayTask().delay(1)
    assert (len(sent), len(submitted)) == ((0, 1) if here else (1, 0))


@pytest.mark.parametrize("begins", [worker_init, beat_init])
def test_a_worker_says_that_it_runs_tasks(begins: Signal) -> None:
    assert celery_module.say_role in [receiver() for _, receiver in begins.receivers]
    celery_module.say_role()
    assert current_role() == Role.TASK
