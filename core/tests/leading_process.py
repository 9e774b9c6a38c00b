"""A worker that does nothing but lead, as a process to be killed: `NAME JOURNAL [options]`.

`outlives`: it goes on without the database. `slow`: it takes its time in a transaction. `quiet`: it
writes once, when it begins to lead, and asks for no database after that.

It writes a line into the journal in each round of its loop and after each transaction: the time (of
the machine's monotonic clock, which processes share), its id, its token and what it did.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

import django

ROUND_S: Final = 0.05
SLOW_S: Final = 0.3


def main(name: str, journal: str, *options: str) -> None:
    django.setup()
    from core.workers.database import DatabaseGuard
    from core.workers.leader import Leadership, run_as_leader
    from core.workers.models import WorkerStatus

    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    outlives = "outlives" in options
    leadership = Leadership(name, DatabaseGuard(name), outlives_database=outlives)

    def note(what: str) -> None:
        with Path(journal).open("a") as file:
            file.write(f"{time.monotonic()} {os.getpid()} {leadership.token} {what}\n")

    def write() -> None:
        with leadership.transaction():
            WorkerStatus.objects.update_or_create(
                name=name, defaults={"failures": leadership.token}
            )
            if "slow" in options:
                note("writing")
                time.sleep(SLOW_S)
        note("wrote")

    def lead() -> None:
        is_first = True
        while not stopping.is_set() and leadership.check():
            note("active")
            if is_first or "quiet" not in options:
                write()
            is_first = False
            stopping.wait(ROUND_S)

    note("ready")
    run_as_leader(leadership, lead, stopping)


if __name__ == "__main__":
    main(*sys.argv[1:])
