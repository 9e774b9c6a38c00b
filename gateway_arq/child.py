"""A child process that is restarted when it dies, for as long as its parent needs it."""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

logger = logging.getLogger(__name__)

RESTART_AFTER_S: Final = 1.0
STOP_WITHIN_S: Final = 2.0


class SupervisedChild:
    """Runs `command` while the block lasts and restarts it when it dies.

    It gets its own session, so that Ctrl-C reaches the parent first and the two stop in order.
    """

    def __init__(self, name: str, command: Sequence[str], *, folder: Path | None = None) -> None:
        self.name = name
        self._command = command
        self._folder = folder
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, name=f"keep-{name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:  # no start from here on
            self._stopping.set()
            process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(STOP_WITHIN_S)

    def listens(self, port: int, *, within_s: float) -> bool:
        """Wait until something on this machine listens on `port`; False after `within_s`."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return True
        return False

    def _supervise(self) -> None:
        while (process := self._start()) is not None:
            code = process.wait()
            if not self._stopping.is_set():
                logger.error("child.died name=%s code=%s", self.name, code)
            self._stopping.wait(RESTART_AFTER_S)

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, stdin=subprocess.DEVNULL, start_new_session=True
            )
            return self._process
