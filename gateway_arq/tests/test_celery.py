"""Where a task runs."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from celery import Task

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
