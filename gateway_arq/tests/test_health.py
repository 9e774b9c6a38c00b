"""/health where nothing can be written: a full DATA_DIR, a full or read-only database."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.utils import load_backend

from core.tests.postgres_server import USER, PostgresServer
from gateway_arq.databases import postgres


@contextmanager
def tiny_disk(size: str) -> Iterator[Path]:
    """A file system of that size."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-tiny-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("no file system may be mounted here")  # no root, or in a container
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def fill(folder: Path) -> None:
    """Leave no byte."""
    with (folder / "filler").open("wb", buffering=0) as file:

        def write() -> None:
            while True:
                file.write(bytes(4_096))

        with pytest.raises(OSError, match="space"):
            write()


def health(api: Any) -> tuple[int, dict[str, str], str | None]:
    response = api.get("/health")
    return response.status_code, response.json(), response.headers.get("Retry-After")


HEALTHY = (200, {"status": "healthy"}, None)


@pytest.mark.django_db
def test_full_data_dir_is_reported_until_there_is_room(api: Any, settings: Any) -> None:
    with tiny_disk("256k") as folder:
        settings.DATA_DIR = folder
        assert health(api) == HEALTHY
        fill(folder)
        assert health(api) == (503, {"detail": "The disk is full."}, "60")
        (folder / "filler").unlink()
        assert health(api) == HEALTHY
        assert [*folder.iterdir()] == []


@pytest.mark.django_db
def test_data_dir_that_is_gone_is_reported(api: Any, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "gone"
    detail = "DATA_DIR cannot be written: No such file or directory."
    assert health(api) == (503, {"detail": detail}, "60")


@contextmanager
def default_database(url: str) -> Iterator[None]:
    """This thread works with the PostgreSQL at `url`."""
    timeouts = dict.fromkeys(("web", "listener", "task", "command"), 5)
    entry = connections.configure_settings({"default": postgres(url, timeouts)})["default"]
    before = connections["default"]
    connections["default"] = load_backend(entry["ENGINE"]).DatabaseWrapper(entry, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = before


@pytest.fixture
def keyed(api: Any, django_db_blocker: Any) -> Iterator[Any]:
    """A client whose key needs no database."""
    with django_db_blocker.unblock():
        yield api


def test_full_disk_of_postgresql_is_reported(keyed: Any, postgres_server: PostgresServer) -> None:
    with tiny_disk("24m") as folder:
        shutil.chown(folder, USER, USER)
        postgres_server.execute(f"CREATE TABLESPACE tiny LOCATION '{folder}'")
        postgres_server.execute("CREATE DATABASE tiny TABLESPACE tiny")
        try:
            with default_database(postgres_server.url_at(postgres_server.port, "tiny")):
                assert health(keyed) == HEALTHY
                assert health(keyed) == HEALTHY  # over the same connection
                fill(folder)
                detail = "The disk of the database is full."
                assert health(keyed) == (503, {"detail": detail}, "60")
                (folder / "filler").unlink()
                assert health(keyed) == HEALTHY
        finally:
            (folder / "filler").unlink(missing_ok=True)
            postgres_server.execute("DROP DATABASE tiny WITH (FORCE)")
            postgres_server.execute("DROP TABLESPACE tiny")


def test_read_only_postgresql_is_reported(keyed: Any, postgres_server: PostgresServer) -> None:
    with default_database(postgres_server.url + "?options=-c+default_transaction_read_only=on"):
        assert health(keyed) == (503, {"detail": "The database is read-only."}, "60")


def test_frozen_postgresql_is_reported_in_time(keyed: Any, postgres_server: PostgresServer) -> None:
    with default_database(postgres_server.url):
        assert health(keyed) == HEALTHY
        postgres_server.freeze()
        try:
            status, body, _ = health(keyed)
        finally:
            postgres_server.thaw()
    assert status == 503
    assert body["detail"] == "The database did not answer in time. Try again."
