"""Making backups: what is in them, what is pruned, and what staff and scrapers see."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from core.workers.leader import only_one
from core.workers.models import Health, WorkerStatus
from gateway_arq.backup import services, tasks
from gateway_arq.backup.archive import BackupError, verified
from gateway_arq.backup.keys import make_key, read_key
from gateway_arq.backup.models import Backup
from gateway_arq.backup.restore import restore
from gateway_arq.backup.target import target

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_profiles]


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """BACKUP_DIR, beside the folders of the draws."""
    settings.BACKUP_DIR = tmp_path / "backups"
    settings.LOTTO_IMPORT_DIR = tmp_path / "import"
    settings.LOTTO_EXPORT_DIR = tmp_path / "export"
    settings.LOTTO_IMPORT_DIR.mkdir()
    return tmp_path / "backups"


def test_a_backup_holds_every_row_and_every_file_and_no_session(
    folder: Path, settings: Any, client: Any
) -> None:
    user = User.objects.create_user("anna", password="x")
    client.force_login(user)
    (settings.LOTTO_IMPORT_DIR / "storico.tsv").write_text("draws")
    made = services.take()
    manifest = verified(folder / made.name, "")
    stored = {table.name: table for table in manifest.tables}
    assert stored["auth_user"].rows == 1
    assert "password" in stored["auth_user"].columns
    assert "django_session" not in stored
    assert manifest.profile == connection.vendor
    with connection.cursor() as cursor:
        for table in manifest.tables:
            if table.name not in ("backups_backup", "workers_workerstatus"):  # written afterwards
                cursor.execute(f'SELECT count(*) FROM "{table.name}"')
                assert cursor.fetchone() == (table.rows,), table.name
    with tarfile.open(folder / made.name) as tar:
        assert tar.extractfile("files/lotto-import/storico.tsv").read() == b"draws"


def test_every_table_is_backed_up_or_left_out_by_name(folder: Path) -> None:
    manifest = verified(folder / services.take().name, "")
    tables = set(connection.introspection.django_table_names(only_existing=True))
    left_out = {"django_session", "realtime_pendingevents", "workers_lease"}
    assert tables - {table.name for table in manifest.tables} == left_out


def test_the_newest_are_kept_and_other_files_are_left_alone(folder: Path, settings: Any) -> None:
    folder.mkdir()
    for day in range(1, 10):
        (folder / f"gateway-2026010{day}T030000Z.tar.gz").touch()
    (folder / "gateway-20260101T030000Z.tar.gz.age.partial").touch()
    (folder / "gateway-mine.tar.gz").touch()
    settings.BACKUP_KEEP = 3
    made = services.take()
    assert sorted(path.name for path in folder.iterdir()) == [
        "gateway-20260108T030000Z.tar.gz",
        "gateway-20260109T030000Z.tar.gz",
        made.name,
        "gateway-mine.tar.gz",
    ]


def test_with_a_recipient_it_is_encrypted(folder: Path, settings: Any, tmp_path: Path) -> None:
    settings.BACKUP_RECIPIENT = make_key(tmp_path / "key")
    made = services.take()
    assert made.is_encrypted
    assert verified(folder / made.name, read_key(tmp_path / "key")).rows == made.rows


def test_its_worker_shows_a_failure_and_the_recovery(folder: Path) -> None:
    folder.write_text("no folder")
    with pytest.raises(FileExistsError):
        tasks.backup()
    assert WorkerStatus.objects.get(name="gateway.backup").health == Health.DEGRADED
    assert not Backup.objects.exists()
    folder.unlink()
    tasks.backup()
    assert WorkerStatus.objects.get(name="gateway.backup").health == Health.HEALTHY


def test_a_disk_that_is_nearly_full_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = services.take().size_bytes
    left = shutil.disk_usage(folder)._replace(free=services.MIN_FREE_BYTES + size - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: left)
    with pytest.raises(BackupError, match=r"The disk has 500 MB left"):
        services.take()
    assert len(list(folder.iterdir())) == 1


def test_two_at_once_are_one(folder: Path) -> None:
    with only_one(services.WORKER), pytest.raises(BackupError, match="Another"):
        services.take()


def test_what_migrating_made_is_no_data_and_a_user_is() -> None:
    services.take()  # its own row and its worker's are none either
    assert target().filled() == ""
    User.objects.create_user("anna", password="x")
    assert target().filled() == "auth_user"


def test_a_database_with_data_is_refused_without_replace(folder: Path) -> None:
    User.objects.create_user("anna", password="x")
    made = services.take()
    if connection.vendor == "postgresql":
        connection.close()
    with pytest.raises(BackupError, match=r"not empty \(auth_user\)"):
        restore(folder / made.name)


def test_a_backup_of_a_newer_version_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(services, "__version__", "9.0.0")
        made = services.take()
    with pytest.raises(BackupError, match=r"gateway 9\.0\.0, newer than this one"):
        restore(folder / made.name)


def test_a_backup_with_a_migration_of_tomorrow_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        known = services._known
        newer.setattr(services, "_known", lambda source: [*known(source), ("webcom", "0099_more")])
        made = services.take()
    with pytest.raises(BackupError, match=r"webcom\.0099_more"):
        restore(folder / made.name)


def test_a_database_that_is_newer_than_the_code_is_not_backed_up(folder: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('webcom', '0099_more', '2026-01-31 00:00:00+00')"
        )
    try:
        with pytest.raises(BackupError, match=r"webcom\.0099_more"):
            services.take()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '0099_more'")
    assert not list(folder.iterdir())


def test_commands_say_what_they_did_and_what_is_wrong(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("backup", "--to", str(tmp_path / "elsewhere"))
    [path] = (tmp_path / "elsewhere").iterdir()
    assert path.name in capsys.readouterr().out
    call_command("restore", str(path), "--check")
    assert "whole" in capsys.readouterr().out
    call_command("backup", "--new-key", str(tmp_path / "key"))
    assert capsys.readouterr().out.startswith("BACKUP_RECIPIENT=age1")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CommandError, match="broken"):
        call_command("restore", str(path), "--check")
    with pytest.raises(CommandError, match="No such file"):
        call_command("restore", str(tmp_path / "none"), "--check")
