"""Tasks without a broker, for the embedded profile: run by a thread pool of this process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final

from celery import Task
from django.db import close_old_connections

from core.lib.logs import set_context
from core.lib.postgres.limits import Role, pool_role

if TYPE_CHECKING:
    AnyTask = Task[..., None]
else:
    AnyTask = Task

logger = logging.getLogger(__name__)

WORKERS: Final = 4
_UNSUPPORTED: Final = ("eta", "countdown")

_pool: ThreadPoolExecutor | None = None
_starting = threading.Lock()
_failing: set[str] = set()
_unfinished: set[Future[None]] = set()


class LocalTask(AnyTask):
    """`delay()` and `apply_async()` submit to the pool and return the Future."""

    # A Future instead of an AsyncResult, and no broker's options.
    def apply_async(  # type: ignore[override]
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Future[None]:
        if any(options.get(name) for name in _UNSUPPORTED):
            raise ValueError(f"{' and '.join(_UNSUPPORTED)} need a broker: set REDIS_URL")
        future = _started_pool().submit(_run, self, args or (), kwargs or {})
        _unfinished.add(future)
        future.add_done_callback(_unfinished.discard)
        return future


def stop_pool(*, within_s: float = 2.0) -> bool:
    """Drop the waiting tasks and wait for the running ones; whether all of them ended in time.

    A new task starts a new pool.
    """
    global _pool
    if _pool is not None:
        _pool.shutdown(wait=False, cancel_futures=True)
        _pool = None
    return not wait([*_unfinished], within_s).not_done


def _started_pool() -> ThreadPoolExecutor:
    global _pool
    with _starting:
        if _pool is None:
            _pool = ThreadPoolExecutor(
                WORKERS,
                thread_name_prefix="task",
                initializer=pool_role(Role.TASK),
            )
        return _pool


def _run(task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Run once; a task that keeps failing is logged when it begins to, and when it recovers."""
    set_context(task.name)
    close_old_connections()
    try:
        task.run(*args, **kwargs)
    except Exception:
        if task.name not in _failing:
            logger.exception("task.failing name=%s", task.name)
        _failing.add(task.name)
    else:
        if task.name in _failing:
            logger.info("task.recovered name=%s", task.name)
        _failing.discard(task.name)
    finally:
        close_old_connections()
