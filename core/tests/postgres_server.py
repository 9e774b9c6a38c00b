"""A PostgreSQL of a test's own, which may be frozen, cut off, filled and restarted.

    with private_postgres() as server:
        server.freeze()

PostgreSQL refuses to run as root: there, the server runs as the user `postgres`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from core.tests.tcp import free_port

USER: Final = "postgres"
# What makes a server of tests quick: nothing of it has to outlive the machine.
CONFIG: Final = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
max_connections = 50
shared_buffers = 16MB
autovacuum = off
max_wal_size = 200MB
"""
START_S: Final = 30


def binaries() -> Path | None:
    """The folder of PostgreSQL's server programs, the newest that is here; None without any."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if (path := shutil.which("initdb")) is not None:
        found.append(Path(path).resolve().parent)
    return max(found, default=None, key=lambda folder: folder.parent.name.zfill(4))


@dataclass
class PostgresServer:
    """A running server; `url` is a database on it that a superuser opens without a password."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return self.url_at(self.port)

    @staticmethod
    def url_at(port: int, database: str = "postgres") -> str:
        """The same database through another port, such as a proxy's."""
        return f"postgres://{USER}@127.0.0.1:{port}/{database}"

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """A connection of the test's own, in autocommit."""
        return psycopg.connect(self.url, autocommit=True, **options)

    def execute(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of one statement, if it has any."""
        with self.connect(connect_timeout=5) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start it again after `stop` or `kill`; it accepts connections on return."""
        _run("pg_ctl", "start", "-w", "-t", str(START_S), "-D", self.folder, "-l", self._log)

    def stop(self, mode: str = "fast") -> None:
        """End it: fast drops connections, immediate is a crash. A frozen one is thawed first."""
        self.thaw()
        _run("pg_ctl", "stop", "-w", "-m", mode, "-D", self.folder)

    def freeze(self) -> None:
        """Stop all its processes as they are: the kernel still accepts and acknowledges."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def terminate_clients(self) -> int:
        """End every client's connection, as a restart does; returns how many."""
        [(count,)] = self.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return int(count)

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Hold the strongest lock of a table."""
        with self.connect() as connection, connection.transaction():
            connection.execute(f"LOCK TABLE {table}".encode())
            yield

    @contextmanager
    def blackholed(self) -> Iterator[None]:
        """Drop every packet to and from it in the kernel; only root may."""
        rules = [("INPUT", "-i", "lo", "-p", "tcp", f"--{end}port", str(self.port), "-j", "DROP")
                 for end in ("d", "s")]  # fmt: skip
        for rule in rules:
            subprocess.run(["iptables", "-I", *rule], check=True, capture_output=True)
        try:
            yield
        finally:
            for rule in rules:
                subprocess.run(["iptables", "-D", *rule], check=True, capture_output=True)

    @contextmanager
    def replica(self) -> Iterator[PostgresServer]:
        """A streaming replica of it, made with pg_basebackup; it has all that was committed."""
        with _folder() as folder:
            source = ("-h", "127.0.0.1", "-p", str(self.port), "-U", USER)
            _run("pg_basebackup", *source, "-D", folder, "-R", "-X", "stream", "-c", "fast")
            with _started(folder) as replica:
                yield replica

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _signal(self, number: signal.Signals) -> None:
        with suppress(FileNotFoundError):  # it does not run
            postmaster = int((self.folder / "postmaster.pid").read_text().split()[0])
            children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
            # The postmaster first: it must not replace a child, or mistake it for dead.
            for pid in (postmaster, *map(int, children.split())):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)


@contextmanager
def private_postgres(**settings: str) -> Iterator[PostgresServer]:
    """A new, empty server for the block, with these settings beside CONFIG.

    RuntimeError where its programs are missing: ask `binaries()` first.
    """
    with _folder() as folder:
        _run("initdb", "-D", folder, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync",
             "--locale=C.UTF-8")  # fmt: skip
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        with (folder / "postgresql.conf").open("a") as file:
            file.write(CONFIG + "".join(lines))
        with _started(folder) as server:
            yield server


@contextmanager
def _started(folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(folder, free_port())
    with (folder / "postgresql.conf").open("a") as file:
        file.write(f"port = {server.port}\n")  # the last one counts
    server.start()
    try:
        yield server
    finally:
        with suppress(subprocess.CalledProcessError):  # the test has stopped it
            server.stop("immediate")


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gateway-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *arguments: object) -> None:
    folder = binaries()
    if folder is None:
        raise RuntimeError("PostgreSQL's server programs are not here")
    command = [str(folder / program), *map(str, arguments)]
    if os.geteuid() == 0:
        command = ["runuser", "-u", USER, "--", *command]
    # Not over a pipe: the server would keep it open.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(command, cwd="/", stdout=output, stderr=output, check=False)
        if done.returncode:
            output.seek(0)
            raise subprocess.CalledProcessError(done.returncode, command, output.read())


def wait_until(is_true: Any, *, within_s: float = 10) -> None:
    """Return as soon as `is_true()`; AssertionError when that takes longer."""
    deadline = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)
