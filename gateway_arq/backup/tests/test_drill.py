"""The drill: a gateway that is written to is backed up, restored elsewhere, and serves the same."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from gateway_arq.backup.keys import make_key, read_key
from gateway_arq.backup.tests.places import Place
from gateway_arq.tests.gateway import API_KEY, DRAWS, RunningGateway, StartGateway

pytestmark = pytest.mark.timeout(300)  # several starts of a gateway, on a machine that is busy

CALLS: Final = 60
LISTED: Final = ("3331234567", "3337654321")
ALL_CALLS: Final = "/api/webcom/calls?limit=10000&from=2020-01-01"
DOCUMENTS: Final = ("/jpbx-api/api/blacklist", "/api/lotto/latest")


def fill(gateway: RunningGateway) -> None:
    for number in range(CALLS):
        gateway.deliver(id=f"first-{number}", state="Ok", duration=number, cost=0.15)
    for listed in LISTED:
        response = gateway.request("POST", "/jpbx-api/api/blacklist", json={"number": listed})
        assert response.ok, response.text
    response = gateway.request("POST", "/api/lotto/import", json={"file_path": "storico.tsv"})
    assert response.ok, response.text


@contextmanager
def writing(gateway: RunningGateway, run: str) -> Iterator[list[str]]:
    """Calls come in during the block; their ids, in the order in which they were stored."""
    stored: list[str] = []
    stopping = threading.Event()

    def write() -> None:
        while not stopping.is_set():
            stored.append(call := f"{run}-{len(stored)}")
            gateway.deliver(id=call, state="Pending")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield stored
    finally:
        stopping.set()
        thread.join()


def drill(source: Place, target: Place, start: StartGateway, key: str, *, run: str) -> None:
    """Back up `source` while it is written to, restore into `target`, start it and compare."""
    gateway = start(source.on_a_free_port())
    if run == "one":
        imported = source.data / "lotto" / "import"
        imported.mkdir(parents=True, exist_ok=True)
        (imported / "storico.tsv").write_text(DRAWS)
        fill(gateway)
    with writing(gateway, run) as stored:
        before = len(stored)
        path, manifest = source.backup(key)
        after = len(stored)
    assert after - before > 3, "nothing was written meanwhile"

    code, output = target.manage("restore", str(path), "--identity", str(path.parents[2] / "key"))
    assert code == 0, output
    rows = {table.name: table.rows for table in manifest.tables}
    restored = start(target.on_a_free_port())
    ids = [call["id"] for call in calls(restored)]
    assert len(ids) == rows["webcom_call"]
    mine = sorted(int(one.removeprefix(f"{run}-")) for one in ids if one.startswith(f"{run}-"))
    assert mine == list(range(len(mine))), "a call is missing before one that is there"
    assert before - 1 <= len(mine) <= after + 1
    assert sum(one.startswith("first-") for one in ids) == CALLS

    there = {call["id"]: call for call in calls(gateway)}
    assert all(call == there[call["id"]] for call in calls(restored))
    for address in DOCUMENTS:
        assert read(restored, address) == read(gateway, address)
    assert (target.data / "lotto" / "import" / "storico.tsv").read_text() == DRAWS
    restored.deliver(id=f"{run}-new", state="Ok")  # sequences go on where they were
    gateway.stop()
    restored.stop()


def calls(gateway: RunningGateway) -> list[dict[str, Any]]:
    """Every call, of all states."""
    found: list[dict[str, Any]] = read(gateway, ALL_CALLS)["calls"]
    return found


def read(gateway: RunningGateway, address: str) -> Any:
    status, body = gateway.get(address, key=API_KEY)
    assert status == 200, body
    return json.loads(body)


def with_key(place: Place) -> str:
    """Have the place's backups encrypted; the secret key."""
    path = place.folder / "key"
    place.env["BACKUP_RECIPIENT"] = make_key(path)
    return read_key(path)


@pytest.fixture
def source(place: Callable[..., Place], migrated_data_dir: Path) -> Place:
    """A place on SQLite that is ready to start."""
    made = place("source")
    shutil.copytree(migrated_data_dir, made.data)
    return made


def test_a_backup_made_under_writes_serves_the_same_elsewhere(
    source: Place, place: Callable[..., Place], start_gateway: StartGateway
) -> None:
    drill(source, place("target"), start_gateway, with_key(source), run="one")


def test_a_gateway_moves_from_sqlite_to_postgresql_and_back(
    source: Place,
    place: Callable[..., Place],
    database: Callable[[], str],
    start_gateway: StartGateway,
) -> None:
    full = place("full", database())
    drill(source, full, start_gateway, with_key(source), run="one")
    drill(full, place("back"), start_gateway, with_key(full), run="two")
