"""Folders and databases that a backup is made from and restored into, and the commands for it."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from gateway_arq.backup.archive import Manifest, verified
from gateway_arq.tests.gateway import API_KEY, WEBHOOK_SECRET, Processes, environment


class Place:
    """A gateway's folder and database, empty at first."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.folder = folder
        self.env = environment(
            folder,
            API_KEY_1=API_KEY,
            DATABASE_URL=database_url,
            SANDBOX="false",
            LOTTO_ARCHIVE_URLS="",
            WEBCOM_WEBHOOK_SECRET=WEBHOOK_SECRET,
            RATE_LIMIT_PER_MINUTE="0",
        )

    @property
    def data(self) -> Path:
        return self.folder / "var"

    def on_a_free_port(self) -> dict[str, str]:
        """The environment to start it with now: a port of a minute ago may be another's."""
        free = environment(self.folder)
        return self.env | {name: free[name] for name in ("PORT", "SANDBOX_PORT")}

    def manage(self, *command: str) -> tuple[int, str]:
        """The exit code and the output of `manage.py`."""
        done = Processes().run(sys.executable, "manage.py", *command, env=self.env, timeout=200)
        return done.returncode, done.stdout + done.stderr

    def backup(self, key: str = "") -> tuple[Path, Manifest]:
        """The newest backup, verified."""
        code, output = self.manage("backup")
        assert code == 0, output
        path = max((self.data / "backups").iterdir())
        return path, verified(path, key)


@contextmanager
def databases(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Makes empty PostgreSQL databases, and drops them in the end."""
    made: list[str] = []

    def new() -> str:
        made.append(f"test_gateway_drill_{secrets.token_hex(6)}")
        admin.execute(f"CREATE DATABASE {made[-1]}")
        return f"{postgres_url.rpartition('/')[0]}/{made[-1]}"

    with psycopg.connect(postgres_url, autocommit=True) as admin:
        yield new
        for name in made:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
