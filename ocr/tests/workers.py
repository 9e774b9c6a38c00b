"""AutoBOT's workers as real processes on the test's own database, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection

from core.workers.models import Lease
from ocr.autobot.worker import NAME

ROOT: Final = Path(__file__).resolve().parents[2]
FROM_SETTINGS: Final = (
    "TELEGRAM_URL", "TELEGRAM_BOT_TOKEN", "TELEGRAM_CHAT_ID", "OPENROUTER_URL",
    "OPENROUTER_API_KEY", "LOTTO_SITE_URL", "LOTTO_SITE_USER", "LOTTO_SITE_PASSWORD",
    "REDIS_URL",
)  # fmt: skip


class Workers:
    """Processes by their ids; the one with the lease can be found and killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment: dict[str, str] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self) -> int:
        """`manage.py run_autobot`, as production has it; its id."""
        return self._start("manage.py", "run_autobot")

    def start_scripted(self) -> int:
        """One with a scripted reader and short pauses; its id."""
        return self._start("-m", "ocr.tests.scripted_worker")

    def _start(self, *arguments: str) -> int:
        if not self._environment:
            self._environment = _environment(self._folder)
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=self._environment)
        self._processes[process.pid] = process
        return process.pid

    def kill(self, pid: int) -> None:
        """As `kill -9` does."""
        process = self._processes.pop(pid)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(20)


def leading() -> int | None:
    """The process that leads."""
    holder = Lease.objects.filter(name=NAME).values_list("holder", flat=True).first()
    return int(holder.split(":")[1]) if holder else None


@contextmanager
def running_workers(folder: Path) -> Iterator[Workers]:
    """Room for worker processes that share this test's database, Redis and upstreams."""
    started = Workers(folder)
    try:
        yield started
    finally:
        started.end()


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    name = str(connection.settings_dict["NAME"])
    database = ""
    if connection.vendor == "sqlite":
        (folder / "gateway.sqlite3").symlink_to(name)
    else:
        database = settings.DATABASE_URL.rpartition("/")[0] + f"/{name}"
    return {
        **kept,
        **{name: getattr(settings, name) for name in FROM_SETTINGS},
        "DJANGO_SETTINGS_MODULE": "gateway_arq.settings",
        "DOTENV": "",
        "DATA_DIR": str(folder),
        "DATABASE_URL": database,
        "OCR_STREAM_NETWORKS": "127.0.0.0/8",
        "LOTTO_ARCHIVE_URLS": "",
        "LOTTO_DRAW_TIME": "00:00",
        "LOG_LEVEL": "WARNING",
    }
