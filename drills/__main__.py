"""`python -m drills [words ...]`: inflict the faults whose names contain one of the words, or all.

  --quick         each once
  --repeat N      the cheap ones N times (default 20)
  --soak HOURS    instead: traffic without faults; fails when memory or open files grow
  --list          print the names

Needs root, for namespaces: processes, ports, file systems and packet filters of a run are its own,
and the kernel removes them with it. Logs stay in var/drills/.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from drills import runs
from drills.faults import DRILLS
from drills.profile import FullProfile
from drills.promises import promises
from drills.runs import HEADINGS, Figures, counted
from drills.soak import soak
from drills.traffic import steady_traffic

LOGS: Final = Path("var/drills").resolve()
INSIDE: Final = "GATEWAY_DRILLS_INSIDE"
NEEDED: Final = ("unshare", "iptables", "nginx", "redis-server", "setpriv", "cc")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="drills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--soak", type=float, default=0.0, metavar="HOURS")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    names = [name for name in DRILLS if any(word in name for word in options.words or [""])]
    if not names:
        parser.error("no such drill; --list prints their names")
    if options.list:
        print("\n".join(names))
        return
    if INSIDE not in os.environ:
        _isolate()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    repeat = 1 if options.quick else options.repeat
    try:
        sys.exit(_soak(options.soak) if options.soak else _inflict(names, repeat))
    except KeyboardInterrupt:
        sys.exit(130)


def _isolate() -> NoReturn:
    """Run this again as the first process of new namespaces; all of it ends with this process."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if os.geteuid() or missing:
        sys.exit(
            f"Drills run as root, with {', '.join(NEEDED)} "
            f"(missing: {', '.join(missing) or 'none'})."
        )
    namespaces = ["--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    command = ["setpriv", "--pdeathsig=KILL", "unshare", *namespaces]
    child = subprocess.Popen(
        [*command, sys.executable, "-m", "drills", *sys.argv[1:]],
        env={**os.environ, INSIDE: "1", "PATH": path},
    )
    while True:
        with suppress(KeyboardInterrupt):  # it got that, too, and prints what it has
            sys.exit(child.wait())


def _inflict(names: Sequence[str], repeat: int) -> int:
    promised, rows, failed = promises(), list[list[str]](), 0
    try:
        with FullProfile(_folder(), _logs()).running() as world, steady_traffic(world) as ledger:
            for name in names:
                drill = DRILLS[name]
                times = repeat if drill.is_cheap else 1
                figures = runs.together([runs.run(drill, world, ledger) for _ in range(times)])
                verdict = runs.broken(figures, promised[name])
                failed |= bool(verdict)
                rows.append(runs.cells(name, figures, verdict))
                _print_row(rows[-1], figures)
    finally:
        _print_table(rows)
    return failed


def _print_row(row: Sequence[str], figures: Figures) -> None:
    print(" | ".join(row))
    for call in figures.missing:
        print(f"    lost: {call}")
    print(f"    lines: {counted(+figures.lines)}", flush=True)


def _soak(hours: float) -> int:
    with FullProfile(_folder(), _logs()).running() as world, steady_traffic(world) as ledger:
        return soak(world, ledger, hours)


def _folder() -> Path:
    """A file system in memory, which goes with the namespace."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "drills", "/mnt"], check=True)
    return Path("/mnt")


def _logs() -> Path:
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    return LOGS


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[n]) for row in (HEADINGS, *rows)) for n in range(len(HEADINGS))]
    print()
    for row in (HEADINGS, *rows):
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


if __name__ == "__main__":
    main()
