"""The hub: what each client gets, and who is sent away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pytest_django.fixtures import Settings

from core.auth.types import Caller, SocketRefused
from core.realtime import control
from core.realtime.event_buffer import CHUNK, EventBuffer
from core.realtime.events import types_on
from core.realtime.log import Batch, MemoryLog, numbered
from core.sockets import client as client_module
from core.sockets import hub as hub_module
from core.sockets.consumers import wanted
from core.sockets.hub import Hub

CALLER = Caller(name="test", scopes=frozenset({"read"}), key_id="env:API_KEY_1")
CALLS = "call_event_realtime"
REBATES = "rebates_updated"
BOTH = frozenset({CALLS, REBATES})


class FakeKeyring:
    """Keys that are valid until they are `ended`."""

    def __init__(self) -> None:
        self.ended: set[str | None] = set()

    def refresh(self) -> None:
        """There is no database behind this one."""

    reload = refresh

    def is_active(self, caller: Caller) -> bool:
        return caller.key_id not in self.ended


class Socket:
    """A socket as its server shows it: what was sent; it takes nothing while `blocked`."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.transport = self
        self.aborted = False
        self._open = asyncio.Event()
        self._open.set()

    async def send(self, message: Any) -> None:
        await self._open.wait()
        if self.closed is not None:
            raise RuntimeError("send after close")
        if message["type"] == "websocket.close":
            self.closed = message["code"]
        else:
            self.sent.append(orjson.loads(message["text"]))

    def abort(self) -> None:
        self.aborted = True

    def block(self) -> None:
        self._open.clear()

    def unblock(self) -> None:
        self._open.set()

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]

    @property
    def names(self) -> list[str]:
        return [message["name"] for message in self.sent if "name" in message]


async def eventually(holds: Callable[[], object], within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.002)


def event(name: object, kind: str = CALLS) -> tuple[str, bytes]:
    return kind, orjson.dumps({"type": kind, "name": str(name)})


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    keys = FakeKeyring()
    monkeypatch.setattr(hub_module, "keyring", keys)
    return keys


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(200)


@pytest.fixture
async def hub(
    log: MemoryLog, keys: FakeKeyring, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Hub]:
    settings.EVENT_LOG_LENGTH = 200
    monkeypatch.setattr(hub_module, "SWEEP_S", 0.02)
    monkeypatch.setattr(hub_module, "REACH_WAIT_S", 0.1)
    monkeypatch.setattr(client_module, "CLOSE_WAIT_S", 0.05)
    hub = Hub(log)
    yield hub
    await hub.stop()


async def joined(
    hub: Hub, since: int | None = None, epoch: str | None = None, wants: frozenset[str] = BOTH
) -> Socket:
    """A socket that has been greeted."""
    socket = Socket()
    socket.client = await hub.join(socket.send, CALLER, wants, since, epoch)  # type: ignore[attr-defined]
    await eventually(lambda: socket.sent)
    return socket


async def test_a_new_client_is_greeted_and_gets_what_comes_from_then_on(
    hub: Hub, log: MemoryLog
) -> None:
    log.append([event("before")])
    socket = await joined(hub)
    log.append([event("a"), event("b")])
    await eventually(lambda: len(socket.names) == 2)
    assert socket.names == ["a", "b"]
    system = socket.sent[0]
    assert system["type"] == "system"
    assert system["message"] == "Connected to Gateway ARQ"
    assert (system["epoch"], system["seq"] + 1) == (socket.sent[1]["epoch"], socket.sent[1]["seq"])


async def test_every_client_gets_every_event_once_and_in_order(hub: Hub, log: MemoryLog) -> None:
    sockets = [await joined(hub) for _ in range(20)]
    for n in range(150):
        log.append([event(n)])
        if n % 7 == 0:
            await asyncio.sleep(0)
    await eventually(lambda: all(socket.names[-1:] == ["149"] for socket in sockets))
    assert all(socket.names == [str(n) for n in range(150)] for socket in sockets)


async def test_a_client_gets_only_the_types_it_wants(hub: Hub, log: MemoryLog) -> None:
    socket = await joined(hub, wants=frozenset({REBATES}))
    log.append([event("a"), event("b", REBATES), event("c"), event("d", REBATES)])
    await eventually(lambda: len(socket.names) == 2)
    assert socket.names == ["b", "d"]


@pytest.mark.parametrize("known_epoch", [True, False])
async def test_a_client_that_comes_back_gets_what_it_missed(
    hub: Hub, log: MemoryLog, known_epoch: bool
) -> None:
    socket = await joined(hub)
    log.append([event("seen")])
    await eventually(lambda: socket.names)
    seen = socket.sent[-1]
    hub.leave(socket.client)  # type: ignore[attr-defined]
    log.append([event(n) for n in range(CHUNK + 10)])
    back = await joined(hub, since=seen["seq"], epoch=seen["epoch"] if known_epoch else None)
    log.append([event("live")])
    await eventually(lambda: back.names[-1:] == ["live"])
    assert back.types[0] == "system"
    assert back.sent[0]["seq"] == seen["seq"], (
        "where it starts, so that it may resume from any message"
    )
    assert back.names == [*map(str, range(CHUNK + 10)), "live"]


async def test_replay_meets_live_without_loss_or_doubling(hub: Hub, log: MemoryLog) -> None:
    first = await joined(hub)
    start = first.sent[0]["seq"]
    joining = []
    for n in range(180):
        log.append([event(n)])
        if n % 9 == 0:
            joining.append(asyncio.create_task(joined(hub, since=start)))
        await asyncio.sleep(0)
    comers = await asyncio.gather(*joining)
    await eventually(lambda: all(socket.names[-1:] == ["179"] for socket in comers))
    assert all(socket.names == [str(n) for n in range(180)] for socket in comers)


@pytest.mark.parametrize(
    ("since", "epoch"),
    [
        pytest.param(0, None, id="older than the log"),
        pytest.param(2**53, None, id="in the future"),
        pytest.param(-1, "other", id="of another epoch"),  # -1 stands for the last seq
    ],
)
async def test_a_client_that_cannot_resume_is_told_to_resync(
    hub: Hub, log: MemoryLog, since: int, epoch: str | None
) -> None:
    last = (await joined(hub)).sent[0]["seq"]
    socket = await joined(hub, since=last if since == -1 else since, epoch=epoch)
    await eventually(lambda: len(socket.sent) == 2)
    log.append([event("next")])
    await eventually(lambda: len(socket.sent) == 3)
    assert socket.types == ["system", "resync", CALLS]
    assert socket.sent[1]["seq"] == socket.sent[0]["seq"] == last


async def test_a_client_that_is_ahead_of_this_process_waits_for_it(
    hub: Hub, log: MemoryLog
) -> None:
    last = (await joined(hub)).sent[0]["seq"]
    joining = asyncio.create_task(joined(hub, since=last + 1))
    await asyncio.sleep(0)
    log.append([event("read elsewhere"), event("next")])
    socket = await joining
    await eventually(lambda: socket.names)
    assert socket.types == ["system", CALLS]
    assert socket.names == ["next"]


async def test_open_sockets_are_told_of_a_new_epoch(keys: FakeKeyring) -> None:
    log = ScriptedLog()
    hub = Hub(log)
    log.batches.put_nowait(Batch("one", [numbered(10, *event("a"), "one")], fresh=True))
    socket = await joined(hub)
    log.batches.put_nowait(Batch("two", [numbered(90, *event("b"), "two")], fresh=True))
    await eventually(lambda: len(socket.sent) == 2)
    log.batches.put_nowait(Batch("two", [numbered(91, *event("c"), "two")], fresh=False))
    await eventually(lambda: len(socket.sent) == 3)
    assert socket.types[1] == "resync"
    assert (socket.sent[1]["epoch"], socket.sent[1]["seq"]) == ("two", 90)
    assert socket.names == ["c"], "b was there when it was sent to read the state again"
    await hub.stop()


class ScriptedLog(MemoryLog):
    """A log whose batches a test writes."""

    def __init__(self) -> None:
        super().__init__(10)
        self.batches: asyncio.Queue[Batch] = asyncio.Queue()

    async def follow(self) -> AsyncIterator[Batch]:
        while True:
            yield await self.batches.get()


async def test_a_slow_client_delays_nobody_and_loses_nothing(hub: Hub, log: MemoryLog) -> None:
    slow, quick = await joined(hub), await joined(hub)
    slow.block()
    for n in range(100):
        log.append([event(n)])
        await asyncio.sleep(0)
    await eventually(lambda: len(quick.names) == 100)
    assert slow.names == []
    slow.unblock()
    await eventually(lambda: len(slow.names) == 100)
    assert slow.names == quick.names


async def test_a_client_that_never_reads_is_cut_off(
    hub: Hub, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "STUCK_SWEEPS", 4)
    stuck, idle = await joined(hub), await joined(hub)
    stuck.block()
    log.append([event("a")])
    await eventually(lambda: stuck.aborted)
    log.append([event("b")])
    await eventually(lambda: idle.names == ["a", "b"])
    assert not idle.aborted, "an idle client is not a stuck one"


async def test_a_client_that_is_slow_and_far_behind_is_told_before_it_is_closed(
    hub: Hub, log: MemoryLog, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOCKET_QUEUE_LENGTH = 10
    monkeypatch.setattr(client_module, "CLOSE_WAIT_S", 5)
    slow = await joined(hub)
    slow.block()
    log.append([event(n) for n in range(100)])
    await eventually(lambda: not hub._clients)
    slow.unblock()
    await eventually(lambda: slow.closed)
    assert slow.closed == 4008
    assert slow.sent[-1] == {"type": "error", "code": 4008, "detail": hub_module.TOO_SLOW[1]}


async def test_a_slow_client_that_is_not_far_behind_is_left_alone(hub: Hub, log: MemoryLog) -> None:
    slow = await joined(hub)
    slow.block()
    log.append([event("a")])
    await asyncio.sleep(0.12)  # six sweeps
    slow.unblock()
    await eventually(lambda: slow.names == ["a"])
    assert slow.closed is None


async def test_the_sockets_of_an_ended_key_are_closed_by_the_sweep(
    hub: Hub, keys: FakeKeyring
) -> None:
    socket = await joined(hub)
    keys.ended.add(CALLER.key_id)
    await eventually(lambda: socket.closed)
    assert socket.closed == 4401
    assert socket.sent[-1] == {
        "type": "error",
        "code": 4401,
        "detail": "API key expired or revoked",
    }


async def test_the_sockets_of_an_ended_key_are_closed_at_once_when_it_is_announced(
    hub: Hub, keys: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "SWEEP_S", 3_600)
    socket = await joined(hub)
    keys.ended.add(CALLER.key_id)
    await asyncio.to_thread(control.announce, "keys.changed")
    await eventually(lambda: socket.closed, within_s=2)
    assert socket.closed == 4401


async def test_the_socket_of_an_ended_session_is_closed_by_the_sweep(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: set[str] = set()
    monkeypatch.setattr(hub_module, "ended_sessions", lambda callers: frozenset(ended))
    staff = Caller("anna", frozenset({"read"}), user_id=1, session_key="a session")
    other = Caller("berta", frozenset({"read"}), user_id=2, session_key="another")
    closed, kept = Socket(), Socket()
    await hub.join(closed.send, staff, BOTH, None, None)
    await hub.join(kept.send, other, BOTH, None, None)
    await eventually(lambda: closed.sent and kept.sent)
    ended.add("a session")
    await eventually(lambda: closed.closed)
    assert (closed.closed, closed.sent[-1]["detail"]) == (4401, "Session ended")
    assert kept.closed is None


async def test_heartbeats_tell_how_far_the_client_is(
    hub: Hub, log: MemoryLog, settings: Settings
) -> None:
    settings.HEARTBEAT_S = 0.05
    socket = await joined(hub, wants=frozenset({REBATES}))
    log.append([event("not wanted")])
    await eventually(lambda: socket.types.count("heartbeat") >= 2)
    heartbeat = socket.sent[-1]
    assert heartbeat["seq"] == socket.sent[0]["seq"] + 1
    assert abs(heartbeat["timestamp"] - datetime.now(UTC).timestamp()) < 5


async def test_a_flood_of_pings_is_owed_one_pong(hub: Hub) -> None:
    socket = await joined(hub)
    socket.block()
    for _ in range(1_000):
        socket.client.owe("pong")  # type: ignore[attr-defined]
    socket.unblock()
    await eventually(lambda: "pong" in socket.types)
    assert socket.types.count("pong") == 1


async def test_more_sockets_than_allowed_are_refused(hub: Hub, settings: Settings) -> None:
    settings.MAX_SOCKETS = 2
    first = await joined(hub)
    await joined(hub)
    with pytest.raises(SocketRefused) as refusal:
        await joined(hub)
    assert refusal.value.code == 4429
    hub.leave(first.client)  # type: ignore[attr-defined]
    assert (await joined(hub)).types == ["system"]


@pytest.mark.parametrize(
    ("setting", "same", "other", "reason"),
    [
        ("PER_KEY", Caller("a", frozenset(), key_id="db:1"),
         Caller("b", frozenset(), key_id="db:2"), "Too many sockets of this key"),
        ("PER_KEY", Caller("anna", frozenset(), user_id=1),
         Caller("berta", frozenset(), user_id=2), "Too many sockets of this key"),
        ("PER_ADDRESS", Caller("a", frozenset(), key_id="db:1", address="192.0.2.1"),
         Caller("a", frozenset(), key_id="db:1", address="192.0.2.2"),
         "Too many sockets of this address"),
    ],
    ids=["key", "user", "address"],
)  # fmt: skip
async def test_nobody_takes_the_sockets_of_the_others(
    hub: Hub, settings: Settings, setting: str, same: Caller, other: Caller, reason: str
) -> None:
    setattr(settings, f"MAX_SOCKETS_{setting}", 2)
    first = await hub.join(Socket().send, same, BOTH, None, None)
    await hub.join(Socket().send, same, BOTH, None, None)
    with pytest.raises(SocketRefused) as refusal:
        await hub.join(Socket().send, same, BOTH, None, None)
    assert (refusal.value.code, refusal.value.detail) == (4429, reason)
    await hub.join(Socket().send, other, BOTH, None, None)
    hub.leave(first)
    await hub.join(Socket().send, same, BOTH, None, None)


async def test_without_a_limit_for_each_only_that_of_the_process_holds(
    hub: Hub, settings: Settings
) -> None:
    settings.MAX_SOCKETS, settings.MAX_SOCKETS_PER_KEY = 3, 0
    for _ in range(3):
        await hub.join(Socket().send, CALLER, BOTH, None, None)
    with pytest.raises(SocketRefused, match=r"^Too many sockets$"):
        await hub.join(Socket().send, CALLER, BOTH, None, None)


async def test_stopping_closes_every_socket_for_a_restart(hub: Hub) -> None:
    sockets = [await joined(hub) for _ in range(3)]
    await hub.stop()
    assert [socket.closed for socket in sockets] == [1012] * 3


async def test_a_client_whose_socket_is_gone_is_no_error(
    hub: Hub, log: MemoryLog, caplog: pytest.LogCaptureFixture
) -> None:
    socket = await joined(hub)
    socket.closed = 1006
    log.append([event("a")])
    await asyncio.sleep(0.05)
    hub.leave(socket.client)  # type: ignore[attr-defined]
    assert not caplog.records
    assert not hub._clients


def test_the_tail_reaches_back_as_far_as_it_is_long() -> None:
    buffer = EventBuffer(3)
    buffer.add(Batch("e", [numbered(seq, CALLS, b"{}", "e") for seq in range(1, 6)], fresh=True))
    assert [entry.seq for entry in buffer.after(2)] == [3, 4, 5]
    assert buffer.reaches("e", 2)
    assert buffer.reaches("e", 5)
    assert not buffer.reaches("e", 1)
    assert not buffer.reaches("e", 6)
    assert not buffer.reaches("f", 4)
    assert buffer.after(5) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", (types_on("/ws"), None, None)),
        (b"types=&api_key=x", (types_on("/ws"), None, None)),
        (b"types=call_event_realtime", (frozenset({CALLS}), None, None)),
        (b"types=call_event_realtime,rebates_updated", (BOTH, None, None)),
        (b"types=call_event_realtime&types=rebates_updated", (BOTH, None, None)),
        (b"types=rebates_updated,heartbeat", (frozenset({REBATES}), None, None)),
        (b"since=12&epoch=abc", (types_on("/ws"), 12, "abc")),
    ],
)
def test_the_query_string_says_what_is_wanted(query: bytes, expected: tuple[Any, ...]) -> None:
    assert wanted(query, types_on("/ws")) == expected


@pytest.mark.parametrize(
    "query",
    [
        b"types=calls",
        b"since=x",
        b"since=-1",
        b"since=1.5",
        b"since=%D9%A3",
        b"since=9" + b"9" * 30,
    ],
)
def test_a_bad_parameter_is_refused(query: bytes) -> None:
    with pytest.raises(SocketRefused) as refusal:
        wanted(query, types_on("/ws"))
    assert refusal.value.code == 4400
