"""A PostgreSQL and a Redis of the drills' own, each in a small file system of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
import redis

from core.tests.postgres_server import binaries
from drills.programs import Program, wait_until

POSTGRES_HOST: Final = "127.0.3.1"
REDIS_HOST: Final = "127.0.4.1"
PASSWORD: Final = "drills"
DATABASE_URL: Final = f"postgres://gateway:{PASSWORD}@{POSTGRES_HOST}:5432/gateway"
REDIS_URL: Final = f"redis://:{PASSWORD}@{REDIS_HOST}:6379/0"
DISK_MB: Final = 512


def make_disk(folder: Path, owner: str) -> Path:
    """A file system of DISK_MB in memory."""
    folder.mkdir()
    options = f"size={DISK_MB}m,mode=700,uid={owner},gid={owner}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "drills", folder], check=True)
    return folder


class Postgres(Program):
    """PostgreSQL with the database `gateway`."""

    def __init__(self, folder: Path, logs: Path) -> None:
        programs = binaries()
        if programs is None:
            raise FileNotFoundError("PostgreSQL's server programs are not here")
        self.disk = make_disk(folder / "postgres", "postgres")
        self._data = self.disk / "data"
        as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        subprocess.run(
            [
                *as_postgres,
                programs / "initdb",
                "-D",
                self._data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "--no-sync",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        options = {
            "listen_addresses": POSTGRES_HOST,
            "unix_socket_directories": self.disk,
            "max_wal_size": "96MB",
            "fsync": "off",
            "log_lock_waits": "on",
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [*as_postgres, str(programs / "postgres"), "-D", str(self._data), *flags]
        super().__init__("postgres", command, env={}, folder=logs)

    def create(self) -> None:
        """The database, once it runs."""
        wait_until(self.responds, within_s=30, what="PostgreSQL")
        with self.connected("postgres") as connection:
            connection.execute("CREATE ROLE gateway LOGIN")
            connection.execute("CREATE DATABASE gateway OWNER gateway")

    def responds(self) -> bool:
        try:
            with self.connected("postgres"):
                return True
        except psycopg.Error:
            return False

    @contextmanager
    def connected(self, database: str = "gateway") -> Iterator[psycopg.Connection[Any]]:
        """A connection past the network, which faults cut."""
        with psycopg.connect(
            host=str(self.disk),
            user="postgres",
            dbname=database,
            autocommit=True,
            connect_timeout=3,
        ) as connection:
            yield connection

    def run(self, statement: LiteralString) -> None:
        with self.connected() as connection:
            connection.execute(statement)

    def ask(self, statement: LiteralString, *parameters: Any) -> list[Any]:
        """Rows; of one column its values. psycopg.Error when it does not answer."""
        with self.connected() as connection:
            rows = connection.execute(statement, parameters).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    def group(self) -> list[int]:
        """Its backends too, which have process groups of their own."""
        return [self.pid, *_children(self.pid)]

    def kill(self, number: int = signal.SIGKILL) -> None:
        for pid in self.group():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        super().kill(number)


class Redis(Program):
    """Redis as docker-compose.yml starts it."""

    def __init__(self, command: Sequence[str], folder: Path, logs: Path) -> None:
        self.disk = make_disk(folder / "redis", "root")
        given = [re.sub(r"\$\{REDIS_PASSWORD.*\}", PASSWORD, str(word)) for word in command]
        super().__init__(
            "redis", [*given, "--bind", REDIS_HOST, "--dir", str(self.disk)], env={}, folder=logs
        )
        self.client = redis.Redis.from_url(REDIS_URL, socket_timeout=2)

    def responds(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


def _children(pid: int) -> list[int]:
    found = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for child in found.split()]
