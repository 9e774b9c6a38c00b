"""Programs of a drill: process groups with a log file, started again when they die."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
RESTART_AFTER_S: Final = 1.0  # as an engine with `restart: unless-stopped`
STOP_WITHIN_S: Final = 15.0  # `stop_grace_period` of docker-compose.yml


class Program:
    """One program and whatever it starts; `name` is `<service>-<replica>`."""

    def __init__(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], folder: Path
    ) -> None:
        self.name, self.command = name, [*command]
        self.service = name.rpartition("-")[0] or name
        self.log = folder / f"{name}.log"
        self.is_wanted = self.is_paused = False
        self._env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **env}
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0

    @property
    def pid(self) -> int:
        """The first process of the group; 0 before the start."""
        return self._process.pid if self._process else 0

    def start(self, **more: str) -> None:
        """Start it, with these further variables."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self._env | more,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.is_wanted, self.is_paused, self._started_at = True, False, time.time()

    def has_died(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def has_reported(self, alive: Path) -> bool:
        """Whether it runs, and has touched its file since it was started."""
        return not self.has_died() and alive.exists() and alive.stat().st_mtime > self._started_at

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Signal the whole group; after SIGKILL it is dead, and started again a second later."""
        assert self._process
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        if number == signal.SIGKILL:
            self._process.wait()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it for good, as an engine does: SIGTERM to the first process, then SIGKILL to all."""
        self.is_wanted = False
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_WITHIN_S)
        self.kill()

    def pause(self) -> None:
        self.is_paused = True
        self.kill(signal.SIGSTOP)

    def resume(self) -> None:
        self.kill(signal.SIGCONT)
        self.is_paused = False

    def group(self) -> list[int]:
        """Every process of the group."""
        return [pid for pid, group in _processes() if group == self.pid]

    def lines(self) -> int:
        """Lines that it has logged so far."""
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0


class Supervisor:
    """Starts programs again a second after they died, until it is stopped."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._programs, self._stopping = programs, threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        died_at: dict[str, float] = {}
        while not self._stopping.wait(0.1):
            for program in [*self._programs]:
                if not (program.is_wanted and program.has_died()):
                    died_at.pop(program.name, None)
                elif (
                    time.monotonic() - died_at.setdefault(program.name, time.monotonic())
                    > RESTART_AFTER_S
                ):
                    program.start()


def _processes() -> Iterator[tuple[int, int]]:
    """(pid, process group) of every process."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            yield int(path.parent.name), int(path.read_text().rpartition(")")[2].split()[2])


def wait_until(condition: object, *, within_s: float, what: str) -> None:
    """Wait until `condition()` is true. TimeoutError, which says `what`, after `within_s`."""
    until = time.monotonic() + within_s
    while not condition():  # type: ignore[operator]
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {within_s:g} s")
        time.sleep(0.1)
