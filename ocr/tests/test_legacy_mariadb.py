"""The old database on a real MariaDB: as documented, read only, and never waited for long."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, urlsplit, urlunsplit

import pymysql
import pytest
import time_machine
from django.db import DatabaseError, OperationalError, connections
from django.test import Client

from core.lib.upstream import UpstreamError
from ocr.legacy import selectors
from ocr.legacy.models import LegacyExtraction, LegacyPrediction
from ocr.legacy.place import at_url
from ocr.tests.legacy_server import ADD_DRAW, ADD_PREDICTION, BARI, DRAWS, documented, legacy_at

TIMEOUT_S = 0.6
SOON_S = 3 * TIMEOUT_S  # an answer, or its absence, on a busy machine
EVENING = "2025-12-07T22:00:00Z"


@dataclass(frozen=True)
class Server:
    """A database of this test on a MariaDB, with the documented tables."""

    name: str
    owner_url: str
    reader_url: str  # the owner's where no other user may be made

    def connect(self) -> pymysql.Connection:
        place = at_url(self.owner_url, timeout_s=10)
        return pymysql.connect(
            host=place["HOST"], port=place["PORT"], user=place["USER"],
            password=place["PASSWORD"], database=self.name, autocommit=True, charset="utf8mb4",
        )  # fmt: skip

    def run(self, statement: str, *rows: tuple[Any, ...]) -> None:
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.executemany(statement, rows) if rows else cursor.execute(statement)


def _url(url: str, name: str, *, user: str = "", password: str = "") -> str:
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    who = f"{user}:{quote(password, safe='')}@" if user else parts.netloc.removesuffix(place)
    return urlunsplit(("mysql", who + place, f"/{name}", "", ""))


@pytest.fixture(scope="module")
def database(legacy_database_url: str) -> Iterator[Server]:
    """A database and, where that is allowed, a user who may do what the documentation grants."""
    name = f"test_legacy_{os.getpid()}"
    owner = _url(legacy_database_url, name)
    place = at_url(owner, timeout_s=10)
    admin = pymysql.connect(
        host=place["HOST"], port=place["PORT"], user=place["USER"], password=place["PASSWORD"]
    )
    with admin, admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
        server = Server(name, owner, owner)
        try:
            for statement in documented("CREATE TABLE"):
                server.run(statement)
            user, password = f"{name}_reader"[:32], secrets.token_urlsafe(12) + "/@:ù"
            try:
                _make_reader(cursor, name, user, password)
            except pymysql.OperationalError:
                yield server
                return
            yield Server(name, owner, _url(owner, name, user=user, password=password))
            cursor.execute(f"DROP USER {user}@'%'")
        finally:
            cursor.execute(f"DROP DATABASE {name}")


def _make_reader(cursor: Any, database: str, user: str, password: str) -> None:
    """Run the documented statements for this database, user and password."""
    cursor.execute(f"DROP USER IF EXISTS {user}@'%'")
    for statement in [*documented("CREATE USER"), *documented("GRANT")]:
        own = statement.replace("gateway_reader", user).replace(" legacy.", f" {database}.")
        cursor.execute(own.replace("'a long random password'", f"'{password}'"))


@pytest.fixture
def old(database: Server, django_db_blocker: Any) -> Iterator[Server]:
    """The old database with twenty draws, queried as the documented user."""
    database.run("DELETE FROM extractions")
    database.run("DELETE FROM predictions")
    database.run(ADD_DRAW, *DRAWS)
    with (
        django_db_blocker.unblock(),
        time_machine.travel(EVENING),
        legacy_at(at_url(database.reader_url, timeout_s=TIMEOUT_S)),
    ):
        yield database


@contextmanager
def sooner_than(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def test_draws_and_predictions_are_read(old: Server) -> None:
    old.run(
        ADD_PREDICTION,
        ("20251206", "TUTTE", "45.4.12", "perché «così» 🎰"),
        ("20251207", "bari", "1-2", None),
    )
    found = selectors.followed(15)
    assert [day.isoformat() for day in selectors.days(2)] == ["2025-12-07", "2025-12-06"]
    assert selectors.last_draw() == found.draw
    assert found.draw.wheels["BA"] == BARI
    assert list(found.draw.wheels) == ["BA", "CA", "RN"]
    assert [(each.colpo, each.outcome, each.prediction.note) for each in found.riscontri] == [
        (1, None, ""),
        (2, "ambo", "perché «così» 🎰"),
    ]


def test_old_character_sets_are_read(old: Server) -> None:
    old.run("CREATE TABLE kept LIKE predictions")
    try:
        old.run("ALTER TABLE predictions CONVERT TO CHARACTER SET latin1")
        old.run(ADD_PREDICTION, ("20251207", "Bari", "12", "così è più giù €"))
        assert selectors.followed(1).riscontri[0].prediction.note == "così è più giù €"
    finally:
        old.run("DROP TABLE predictions")
        old.run("RENAME TABLE kept TO predictions")


def test_rows_that_cannot_be_right_are_passed_over(old: Server) -> None:
    old.run(
        ADD_DRAW,
        *((day, "BA", *BARI) for day in ("99999999", "20251208", "20251131", "", "00000000")),
        ("20251209", "BA", None, None, None, None, None),
        ("20251207", "Forlì", *BARI),
        ("20251207", "RM", 0, 0, 0, 0, 0),
        ("20251207", "TO", 1, 2, 3, 4, 255),
    )
    old.run(ADD_PREDICTION, ("20251207", "Forlì", "12", None), ("20251207", "BA", "", None))
    assert selectors.days(1)[0].isoformat() == "2025-12-07"
    found = selectors.followed(15)
    assert list(found.draw.wheels) == ["BA", "CA", "RN"]
    assert (found.riscontri, len(found.unreadable)) == ([], 2)


def test_views_with_the_documented_names_will_do(old: Server, legacy_database_url: str) -> None:
    """A table with real dates and wheels in a column of their own, seen through a view."""
    old.run("RENAME TABLE extractions TO real_extractions")
    try:
        old.run(
            "CREATE VIEW extractions AS SELECT id, DATE_FORMAT(STR_TO_DATE(data_estrazione, "
            "'%Y%m%d'), '%Y%m%d') AS data_estrazione, ruota, n1, n2, n3, n4, n5 "
            "FROM real_extractions"
        )
        assert selectors.last_draw().wheels["BA"] == BARI
    finally:
        old.run("DROP VIEW extractions")
        old.run("RENAME TABLE real_extractions TO extractions")


def test_the_session_writes_nothing_whoever_the_user_is(old: Server) -> None:
    with legacy_at(at_url(old.owner_url, timeout_s=TIMEOUT_S)):
        with pytest.raises(DatabaseError, match="READ ONLY"):
            LegacyPrediction.objects.using("legacy").bulk_create(
                [LegacyPrediction(day="20251207", wheels="BA", numbers="1")]
            )
        with (
            pytest.raises(DatabaseError, match="READ ONLY"),
            connections["legacy"].cursor() as cursor,
        ):
            cursor.execute("DELETE FROM extractions")
    assert len(selectors.days(1_000)) == 20


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO predictions (data_estrazione, ruote, numeri) VALUES ('20251207', 'BA', '1')",
        "UPDATE extractions SET n1 = 1",
        "DELETE FROM extractions",
        "DROP TABLE predictions",
        "CREATE TABLE more (id INT)",
    ],
)
def test_the_documented_user_may_only_read(old: Server, statement: str) -> None:
    if old.reader_url == old.owner_url:
        pytest.skip("this user may not make users")
    place = at_url(old.reader_url, timeout_s=10)
    reader = pymysql.connect(
        host=place["HOST"], port=place["PORT"], user=place["USER"], database=old.name,
        password=place["PASSWORD"].encode(),
    )  # fmt: skip
    with reader, reader.cursor() as cursor:
        assert cursor.execute("SELECT * FROM extractions") == len(DRAWS)
        with pytest.raises(pymysql.OperationalError, match="denied"):
            cursor.execute(statement)


def test_server_itself_gives_up_a_slow_query(old: Server) -> None:
    slow = at_url(old.reader_url, timeout_s=TIMEOUT_S)
    slow["OPTIONS"]["read_timeout"] = 20
    with legacy_at(slow), connections["legacy"].cursor() as cursor:
        cursor.execute("SET SESSION max_statement_time = 0.2")
        cursor.execute("SELECT @@max_statement_time")
        with sooner_than(10), pytest.raises(OperationalError):
            cursor.execute("SELECT SLEEP(15)")


def test_every_session_has_its_limits(old: Server) -> None:
    with connections["legacy"].cursor() as cursor:
        cursor.execute("SELECT @@max_statement_time, @@tx_read_only")
        assert [float(value) for value in cursor.fetchone()] == [TIMEOUT_S, 1.0]
    connections["legacy"].close()


def test_a_locked_table_is_not_waited_for(old: Server) -> None:
    with closing(old.connect()) as locker, locker.cursor() as cursor:
        cursor.execute("LOCK TABLES extractions WRITE")
        with sooner_than(SOON_S), pytest.raises(UpstreamError) as refused:
            selectors.days(1)
        assert refused.value.retry_after_s
        with sooner_than(0.1), pytest.raises(UpstreamError):
            selectors.days(1)  # it is left alone
        cursor.execute("UNLOCK TABLES")
    selectors._unavailable._until -= selectors.RETRY_S  # which pass
    assert len(selectors.days(1)) == 1


def test_killed_session_costs_one_query(old: Server) -> None:
    sleeping = LegacyExtraction.objects.drawn()

    def killed(limit: int) -> list[Any]:
        with closing(old.connect()) as other, other.cursor() as cursor:
            cursor.execute(f"KILL {connections['legacy'].connection.thread_id()}")
        return list(sleeping)

    with legacy_at(at_url(old.owner_url, timeout_s=TIMEOUT_S)):  # who may kill only their own
        with connections["legacy"].cursor():
            pass  # so that there is a session to kill
        with patch.object(selectors, "_days", killed), pytest.raises(UpstreamError):
            selectors.days(1)
        selectors._unavailable._until -= selectors.RETRY_S
        assert len(selectors.days(1)) == 1


def test_a_missing_table_or_column_is_no_outage(old: Server) -> None:
    for change, back in (
        ("RENAME TABLE predictions TO hidden", "RENAME TABLE hidden TO predictions"),
        (
            "ALTER TABLE predictions CHANGE numeri numbers VARCHAR(40)",
            "ALTER TABLE predictions CHANGE numbers numeri VARCHAR(40) NOT NULL",
        ),
    ):
        old.run(change)
        try:
            with pytest.raises(UpstreamError) as refused:
                selectors.followed(1)
        finally:
            old.run(back)
        assert refused.value.retry_after_s is None, change
        assert selectors.days(1)


def test_wrong_password_is_only_logged(old: Server, caplog: Any) -> None:
    url = _url(old.owner_url, old.name, user="nobody", password="s3cret-of-nobody")
    with legacy_at(at_url(url, timeout_s=TIMEOUT_S)), pytest.raises(UpstreamError) as refused:
        selectors.days(1)
    assert "nobody" not in str(refused.value)
    assert "Access denied" in caplog.text
    assert "s3cret" not in caplog.text


@contextmanager
def listener(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that is no MariaDB; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            held = []
            while True:
                try:
                    client, _ = server.accept()
                except OSError:  # closed below
                    break
                held.append(client)
                talk(client)
            for client in held:
                client.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"mysql://reader@127.0.0.1:{server.getsockname()[1]}/legacy"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def unblocked(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


TALKS: dict[str, Callable[[socket.socket], Any]] = {
    "silent": lambda client: None,
    "closing": lambda client: client.close(),
    "http": lambda client: client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 99),
    "nulls": lambda client: client.sendall(bytes(4096)),
    "half a greeting": lambda client: client.sendall(b"\x4a\x00\x00\x00\x0a5.5"),
    "old protocol": lambda client: client.sendall(b"\x05\x00\x00\x00\x09abcd"),
    "noise": lambda client: client.sendall(b"\x20\x00\x00\x00\x0a" + b"\xff" * 31),
}


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS.keys())
def test_server_that_is_no_mariadb_is_unavailable_in_time(
    unblocked: None, talk: Callable[[socket.socket], None]
) -> None:
    with (
        listener(talk) as url,
        legacy_at(at_url(url, timeout_s=TIMEOUT_S)),
        sooner_than(SOON_S),
        pytest.raises(UpstreamError) as refused,
    ):
        selectors.days(1)
    assert refused.value.retry_after_s == selectors.RETRY_S


@pytest.mark.django_db
def test_gateway_works_while_it_is_unavailable(api: Any, client: Client) -> None:
    asked: list[socket.socket] = []
    with listener(asked.append) as url, legacy_at(at_url(url, timeout_s=TIMEOUT_S)):
        with sooner_than(SOON_S):
            response = api.get("/api/ocr/riscontri2/extraction")
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        for address in ("/readyz", "/livez"):
            assert client.get(address).status_code == 200
        for address in ("/health", "/metrics"):
            assert api.get(address).status_code == 200
        assert api.get("/api/ocr/riscontri2/riscontri").status_code == 503
        assert len(asked) == 1  # so nothing but the first of them can have waited
