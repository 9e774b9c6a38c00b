"""Exports of the archive over the API: who may write them, how many are kept, a disk that fails."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone

from core.auth import services
from core.auth.types import Scope
from core.tests.staff import onlooker
from lotto import exports, files

pytestmark = pytest.mark.django_db


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def exported(folders: tuple[Path, Path]) -> Path:
    """The export folder, with a file that no client has made."""
    exports_folder = folders[1]
    exports_folder.mkdir(exist_ok=True)
    (exports_folder / "operator.txt").write_text("1939/01/07\tBA\t1\t2\t3\t4\t5\n")
    return exports_folder


@pytest.mark.parametrize(
    ("scope", "query", "status"),
    [
        (Scope.READ, "", 403),
        (Scope.READ, "?filename=full_disk_1.tsv", 403),
        (Scope.READ, "?download=0", 403),
        (Scope.READ, "?download=1", 200),
        (Scope.WRITE, "?filename=a.tsv", 200),
    ],
    ids=["default name", "a name", "no download", "download", "a write key"],
)
def test_only_who_may_write_exports_to_the_disk(
    client: Client, folders: tuple[Path, Path], scope: Scope, query: str, status: int
) -> None:
    _, key = services.create_key(name="client", scope=scope)
    response = client.get(f"/api/lotto/export{query}", headers={"X-API-Key": key})
    assert response.status_code == status
    written = names_in(folders[1]) if folders[1].exists() else set()
    assert written == ({"a.tsv"} if query == "?filename=a.tsv" else set())


@pytest.mark.parametrize(("permission", "status"), [("", 403), ("lotto.change_extraction", 200)])
def test_staff_need_what_saving_a_draw_needs(
    client: Client, folders: tuple[Path, Path], permission: str, status: int
) -> None:
    anna = onlooker("anna", *filter(None, [permission]))
    client.force_login(anna, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/lotto/export").status_code == status
    assert client.get("/api/lotto/export?download=1").status_code == 200


def test_the_newest_exports_are_kept_and_nothing_else_is_touched(
    api: Any, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MAX_FILES", 2)
    for name in ("a.tsv", "b.tsv", "a.tsv", "c.tsv"):
        assert api.get(f"/api/lotto/export?filename={name}").status_code == 200
    assert names_in(exported) == {"operator.txt", "a.tsv", "c.tsv"}


def test_exports_are_deleted_when_their_time_is_over(
    exported: Path, settings: Any, api: Any
) -> None:
    settings.LOTTO_EXPORT_DAYS = 30
    for name in ("old.tsv", "new.tsv"):
        api.get(f"/api/lotto/export?filename={name}")
    then = (timezone.now() - timedelta(days=31)).timestamp()
    for name in ("old.tsv", "operator.txt"):
        os.utime(exported / name, (then, then))
    assert exports.prune() == 1
    assert names_in(exported) == {"operator.txt", "new.tsv"}
    settings.LOTTO_EXPORT_DAYS = 0
    os.utime(exported / "new.tsv", (then, then))
    assert exports.prune() == 0


def test_an_entry_of_the_list_that_is_no_name_deletes_nothing(exported: Path) -> None:
    outside = exported.parent / "precious"
    outside.write_text("x")
    (exported / exports.LIST).write_text("../precious\n.exports\n" + "x\n" * 100)
    exports.prune()
    assert outside.exists()
    assert names_in(exported) == {"operator.txt"}


def test_without_an_export_there_is_nothing_to_prune(settings: Any, tmp_path: Path) -> None:
    settings.LOTTO_EXPORT_DIR = tmp_path / "none"
    assert exports.prune() == 0


def _fails(number: int) -> Callable[..., Any]:
    def fail(*_args: Any, **_more: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "The disk is full."),
        (errno.EROFS, "The disk is read-only."),
        (errno.EDQUOT, "The quota of the disk is used up."),
        (errno.EACCES, "It cannot be written (Permission denied)."),
    ],
)
@pytest.mark.parametrize("place", ["os.fsync", "pathlib.Path.touch", "pathlib.Path.mkdir"])
def test_a_disk_that_fails_is_a_507_with_the_reason(
    api: Any, folders: tuple[Path, Path], number: int, reason: str, place: str
) -> None:
    with patch(place, _fails(number)):
        response = api.get("/api/lotto/export?filename=a.tsv")
    assert response.status_code == 507
    assert response.json() == {"detail": f"The export folder: {reason}", "success": False}
    assert "a.tsv" not in (names_in(folders[1]) if folders[1].exists() else set())


def test_an_upload_that_finds_the_disk_full_is_a_507(
    api: Any, settings: Any, folders: tuple[Path, Path]
) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10  # larger ones go to the disk
    upload = folders[0] / "storico.txt"
    upload.write_bytes(b"2025/12/04\tBA\t1\t2\t3\t4\t5\n")
    with (
        patch("django.core.files.uploadedfile.tempfile.NamedTemporaryFile", _fails(errno.ENOSPC)),
        upload.open("rb") as file,
    ):
        response = api.post("/api/lotto/import", {"file": file}, format="multipart")
    assert (response.status_code, response.json()["detail"]) == (
        507, "The disk is full. Nothing was stored."
    )  # fmt: skip


def test_the_names_that_are_files_of_ours_are_names(folders: tuple[Path, Path]) -> None:
    assert not files.is_name(exports.LIST)
    with pytest.raises(files.Forbidden):
        exports.export(exports.LIST)
