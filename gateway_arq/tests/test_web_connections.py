"""Which connections are admitted, and who is let go of when."""

from __future__ import annotations

import ipaddress
import resource
from types import SimpleNamespace

import pytest

from gateway_arq.web import connections
from gateway_arq.web.connections import HEAD_S, LINGER_S, WRITE_S, Connections, raise_file_limit

PROXY = ipaddress.ip_network("10.0.0.0/8")


class Waiting:
    """A connection that notes what is done to it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def head_is_late(self) -> None:
        self.seen.append("late")

    def cut(self) -> None:
        self.seen.append("cut")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_an_address_may_have_so_many_and_a_network_of_ipv6_counts_as_one() -> None:
    table = Connections(total=10, per_address=2)
    last = object()
    for address in ("192.0.2.1", "2001:db8::1"):
        assert table.admit(object(), address)
    assert table.admit(last, "192.0.2.1")
    assert table.admit(object(), "2001:db8::2")
    assert not table.admit(object(), "192.0.2.1")
    assert not table.admit(object(), "2001:db8::3")
    table.leave(last)
    assert table.admit(object(), "192.0.2.1")


def test_proxies_of_ours_are_counted_in_all_only() -> None:
    table = Connections(total=3, per_address=1, trusted=[PROXY])
    assert [table.admit(object(), "10.0.0.1") for _ in range(4)] == [True] * 3 + [False]


def test_a_refused_connection_that_leaves_frees_nobodys_place() -> None:
    table = Connections(total=1, per_address=1)
    kept, refused = object(), object()
    assert table.admit(kept, "192.0.2.1")
    assert not table.admit(refused, "192.0.2.1")
    table.leave(refused)
    assert len(table) == 1
    assert not table.admit(object(), "192.0.2.1")


def test_who_has_waited_longest_to_begin_goes_when_all_are_too_many(clock: object) -> None:
    table = Connections(total=2, per_address=9)
    first, second = Waiting(), Waiting()
    for connection in (first, second):
        table.admit(connection, "192.0.2.1")
        table.heads.start(connection)
    table.heads.start(first)  # it has had a response meanwhile
    assert table.admit(object(), "192.0.2.2")
    assert (first.seen, second.seen) == ([], ["cut"])
    table.heads.stop(first)  # its request is being answered
    assert not table.admit(object(), "192.0.2.2")


@pytest.mark.parametrize(
    ("name", "within_s", "done"),
    [("heads", HEAD_S, "late"), ("writes", WRITE_S, "cut"), ("lingering", LINGER_S, "cut")],
    ids=["head", "answer", "refused"],
)
def test_each_wait_has_an_end(
    clock: SimpleNamespace, name: str, within_s: float, done: str
) -> None:
    table = Connections(total=9, per_address=9)
    late, gone = Waiting(), Waiting()
    for connection in (late, gone):
        getattr(table, name).start(connection)
    table.forget(gone)
    clock.now += within_s - 0.1
    table.sweep()
    assert late.seen == []
    clock.now += 0.2
    table.sweep()
    table.sweep()
    assert (late.seen, gone.seen) == ([done], [])


def test_refusals_are_logged_once_a_minute(
    clock: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    table = Connections(total=9, per_address=1)
    table.admit(object(), "192.0.2.1")
    for _ in range(50):
        table.admit(object(), "192.0.2.1")
    assert [record.getMessage() for record in caplog.records] == [
        "connections.refused limit=address address=192.0.2.1 open=1"
    ]


@pytest.mark.parametrize(
    ("soft", "hard", "wanted"),
    [
        (1_024, 524_288, 65_536),
        (1_024, 4_096, 4_096),
        (1_024, resource.RLIM_INFINITY, 65_536),
        (100_000, 524_288, 100_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 65_536),
    ],
    ids=["far", "as far as it goes", "no hard limit", "already", "none at all"],
)
def test_file_limit_is_raised(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, wanted: int
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    assert raise_file_limit() == wanted
    assert limits[-1] == ((soft, hard) if len(limits) == 1 else (wanted, hard))
