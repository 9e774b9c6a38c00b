"""The bus: both logs keep the same promises, and Redis may come and go."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import pytest
import redis

from core.lib.outage import Outage
from core.realtime.log import Batch, EventLog, MemoryLog, Parcel, Position, SharedLog
from core.realtime.publish_queue import MAX_PARCEL, PublishQueue
from core.realtime.redis_log import STREAM, RedisLog
from core.tests.tcp import Proxy

pytestmark = pytest.mark.both_profiles

LENGTH = 1_000


TRIAL = pytest.param("jetstream", marks=pytest.mark.service)


@pytest.fixture(params=["ours", TRIAL])
def log(request: pytest.FixtureRequest, settings: Any) -> Iterator[EventLog]:
    """The log of this deployment profile, and the one on trial."""
    if request.param == "jetstream":
        yield request.getfixturevalue("jetstream_log")
        return
    url = settings.REDIS_URL
    log: EventLog = RedisLog(url, LENGTH) if url else MemoryLog(LENGTH)
    yield log
    log.close()


@pytest.fixture(params=[pytest.param("redis", marks=pytest.mark.service), TRIAL])
def shared_log(request: pytest.FixtureRequest) -> Iterator[SharedLog]:
    """A log that outlives its writers."""
    if request.param == "jetstream":
        yield request.getfixturevalue("jetstream_log")
        return
    log = RedisLog(request.getfixturevalue("redis_url"), LENGTH)
    yield log
    log.close()


@pytest.fixture
def jetstream_log() -> Iterator[Any]:
    """The trial of bench/peers, in a stream of its own."""
    from bench.peers.jetstream_log import JetStreamLog

    url = urlsplit(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    try:
        socket.create_connection((url.hostname, url.port or 4222), timeout=2).close()
    except OSError:
        pytest.skip("NATS is not here")
    log = JetStreamLog(url.geturl(), LENGTH, name=f"gateway_test_{secrets.token_hex(6)}")
    log.position()
    yield log
    log.delete()
    log.close()


def lose_memory(log: SharedLog, redis_url: str) -> None:
    if isinstance(log, RedisLog):
        redis.Redis.from_url(redis_url).delete(STREAM)
    else:
        log.delete()  # type: ignore[attr-defined]


class Reader:
    """What one follower has been given."""

    def __init__(self, batches: AsyncIterator[Batch]) -> None:
        self.batches = batches
        self.epoch = ""
        self.fresh_starts = 0
        self.messages: list[dict[str, Any]] = []

    async def until(self, *names: str) -> None:
        """Read on until the last events are called so."""
        async with asyncio.timeout(10):
            while tuple(self.names[-len(names) :]) != names:
                await self.more()

    async def more(self) -> Batch:
        batch = await anext(self.batches)
        self.epoch = batch.epoch
        self.fresh_starts += batch.fresh
        self.messages += [orjson.loads(entry.frame["text"]) for entry in batch.entries]
        return batch

    @property
    def names(self) -> list[str]:
        return [message["name"] for message in self.messages if message["type"]]


@asynccontextmanager
async def reading(log: EventLog) -> AsyncIterator[Reader]:
    """A follower that has got its first batch."""
    batches = log.follow()
    async with aclosing(cast(AsyncGenerator[Batch], batches)):
        reader = Reader(batches)
        await reader.more()
        yield reader


def events(*names: object) -> list[tuple[str, bytes]]:
    return [("test", orjson.dumps({"type": "test", "name": str(name)})) for name in names]


async def test_follower_gets_first_what_is_there_then_what_comes(log: EventLog) -> None:
    log.append(events("a"))
    async with reading(log) as reader:
        await reader.until("a")
        log.append(events("b", "c"))
        await reader.until("a", "b", "c")
        assert reader.fresh_starts == 1


async def test_every_event_has_the_next_seq_and_the_epoch(log: EventLog) -> None:
    async with reading(log) as reader:
        for n in range(20):
            log.append(events(n, f"{n}b"))
        await reader.until("19b")
    seqs = [message["seq"] for message in reader.messages]
    assert all(after == before + 1 for before, after in pairwise(seqs))
    assert {message["epoch"] for message in reader.messages} == {reader.epoch}
    assert seqs[-1] < 2**53, "JavaScript could not hold it"


async def test_the_position_is_that_of_the_newest_event(log: EventLog) -> None:
    async with reading(log) as reader:
        log.append(events("a", "b"))
        await reader.until("a", "b")
    assert log.position() == Position(reader.epoch, reader.messages[-1]["seq"])


def test_without_redis_there_is_no_position() -> None:
    log = RedisLog("redis://127.0.0.1:1/0", LENGTH)
    assert log.position() is None
    log.close()


async def test_two_followers_get_the_same(log: EventLog) -> None:
    async with reading(log) as one, reading(log) as other:
        log.append(events("a", "b"))
        await one.until("a", "b")
        await other.until("a", "b")
    assert one.messages == other.messages


async def test_a_follower_that_fell_too_far_behind_starts_anew() -> None:
    log = MemoryLog(10)
    async with reading(log) as reader:
        log.append(events(*range(50)))
        batch = await reader.more()
    assert batch.fresh
    assert reader.names == [str(n) for n in range(40, 50)]


async def test_threads_may_append_at_once(log: EventLog) -> None:
    async with reading(log) as reader:
        await asyncio.gather(
            *(
                asyncio.to_thread(log.append, events(*(f"{t}-{n}" for n in range(50))))
                for t in range(8)
            )
        )
        async with asyncio.timeout(10):
            while len(reader.names) < 400:
                await reader.more()
    for thread in range(8):
        mine = [name for name in reader.names if name.startswith(f"{thread}-")]
        assert mine == [f"{thread}-{n}" for n in range(50)], "one append keeps its order"


async def test_a_new_process_has_a_new_epoch_and_greater_seqs() -> None:
    async with reading(MemoryLog(10)) as before:
        pass
    async with reading(MemoryLog(10)) as after:
        pass
    assert before.epoch != after.epoch
    assert after.messages[0]["seq"] > before.messages[-1]["seq"]


async def test_a_log_that_lost_its_memory_starts_a_new_epoch_with_greater_seqs(
    shared_log: SharedLog, redis_url: str
) -> None:
    log = shared_log
    async with reading(log) as reader:
        log.append(events("a"))
        await reader.until("a")
        epoch, seq = reader.epoch, reader.messages[-1]["seq"]
        lose_memory(log, redis_url)
        log.append(events("b"))
        await reader.until("b")
    assert reader.fresh_starts == 2
    assert reader.epoch != epoch
    assert reader.messages[-1]["seq"] > seq


async def test_nothing_is_lost_or_doubled_while_redis_is_away(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "core")
    with Proxy.before(redis_url) as proxy:
        log = RedisLog(proxy.url, LENGTH)
        async with reading(log) as reader:
            log.append(events("before"))
            await reader.until("before")
            rest = asyncio.create_task(reader.until("99"))
            await asyncio.sleep(0)  # it waits for Redis now
            proxy.cut()
            for n in range(100):
                log.append(events(n))
            async with asyncio.timeout(5):
                while len(caplog.records) < 2:
                    await asyncio.sleep(0.01)
            proxy.mend()
            await rest
        log.close()
    assert reader.names == ["before", *map(str, range(100))]
    assert reader.fresh_starts == 1
    logged = [record.getMessage().split(" ")[0] for record in caplog.records]
    assert sorted(logged) == [
        "events.reading.lost",
        "events.reading.recovered",
        "events.writing.lost",
        "events.writing.recovered",
    ], "the fall once, the recovery once"


async def test_a_parcel_whose_answer_was_lost_is_not_stored_twice(shared_log: SharedLog) -> None:
    log = shared_log
    parcel = Parcel("one", 1, events("a", "b"))
    log.write([parcel])
    log.write([parcel, Parcel("one", 2, events("c"))])
    async with reading(log) as reader:
        assert reader.names == ["a", "b", "c"]


async def test_a_parcel_that_two_processes_write_is_stored_once(redis_url: str) -> None:
    writer, other = RedisLog(redis_url, LENGTH), RedisLog(redis_url, LENGTH)
    parcels = [Parcel("killed", 3, events("a")), Parcel("writer", 1, events("b"))]
    other.write(parcels)
    writer.write(parcels[1:])
    writer.write([parcels[0], Parcel("killed", 4, events("c"))])
    async with reading(writer) as reader:
        assert reader.names == ["a", "b", "c"]
    assert writer.last_numbers({"killed", "writer", "new"}) == {"killed": 4, "writer": 1, "new": 0}
    writer.close()
    other.close()


async def test_a_follower_that_missed_trimmed_events_starts_anew(redis_url: str) -> None:
    with Proxy.before(redis_url) as proxy:
        reading_log, writing_log = RedisLog(proxy.url, 100), RedisLog(redis_url, 100)
        async with reading(reading_log) as reader:
            proxy.cut()
            writing_log.append(events(*range(2_000)))
            await asyncio.to_thread(writing_log.close)
            proxy.mend()
            await reader.until("1999")
        reading_log.close()
    assert reader.fresh_starts == 2
    assert len(reader.names) < 2_000


class SlowWriter(MemoryLog):
    """A log that is away while it is `unavailable`, and remembers what it was given."""

    retryable_errors: tuple[type[Exception], ...] = (ConnectionError,)
    outage = Outage("events.writing")

    def __init__(self) -> None:
        super().__init__(LENGTH)
        self.unavailable = True
        self.parcels: list[Parcel] = []

    def write(self, parcels: Sequence[Parcel]) -> None:
        if self.unavailable:
            raise ConnectionError("away")
        self.parcels += parcels

    def last_numbers(self, writers: Collection[str]) -> dict[str, int]:
        return dict.fromkeys(writers, 0)


def test_a_queue_that_overflows_tells_that_the_log_is_broken() -> None:
    writer = SlowWriter()
    queue = PublishQueue(writer, maximum=10)
    queue.put(events("first"))
    queue.put(events(*range(100)))
    writer.unavailable = False
    queue.close()
    written = [name for parcel in writer.parcels for name in names(parcel)]
    assert written[-10:] == [str(n) for n in range(90, 100)]
    assert writer.parcels[-1].broken


async def test_an_overflow_is_a_new_epoch(shared_log: SharedLog) -> None:
    log = shared_log
    log.write([Parcel("one", 1, events("a"))])
    async with reading(log) as reader:
        epoch = reader.epoch
        log.write([Parcel("one", 2, events("b"), broken=True)])
        await reader.until("b")
    assert reader.epoch != epoch


def test_a_queue_that_is_closed_writes_all_it_has_in_order() -> None:
    writer = SlowWriter()
    writer.unavailable = False
    queue = PublishQueue(writer, maximum=10_000)
    queue.put(events(*range(3 * MAX_PARCEL)))
    queue.close()
    assert [name for parcel in writer.parcels for name in names(parcel)] == [
        str(n) for n in range(3 * MAX_PARCEL)
    ]
    assert [parcel.number for parcel in writer.parcels] == [1, 2, 3]


def test_a_queue_that_cannot_write_gives_up_when_closed(caplog: pytest.LogCaptureFixture) -> None:
    queue = PublishQueue(SlowWriter(), maximum=10)
    queue.put(events("a", "b"))
    queue.close(within_s=0.2)
    assert "events.lost_at_exit count=2" in caplog.messages


def test_a_forked_child_writes_its_own_events_only() -> None:
    writer = SlowWriter()
    queue = PublishQueue(writer, maximum=10)
    queue.put(events("parent"))
    child = os.fork()
    if not child:  # in the child nothing may raise: pytest would run on in it
        writer.unavailable = False
        queue.put(events("child"))
        queue.close()
        os._exit(
            0 if [name for parcel in writer.parcels for name in names(parcel)] == ["child"] else 1
        )
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    writer.unavailable = False
    queue.close()
    assert [name for parcel in writer.parcels for name in names(parcel)] == ["parent"]


def names(parcel: Parcel) -> list[str]:
    return [orjson.loads(body)["name"] for _, body in parcel.events]
