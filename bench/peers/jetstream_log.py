"""The event log in a NATS JetStream stream, behind the interface of `core.realtime.log`: a trial.

What it gave: docs/decisions/0029-jetstream.md. The place in the stream is the seq, counted on from
the clock at the stream's creation. The stream's description holds what Redis has in every
entry: the epoch, that base, and the place where the epoch began, for who cannot see its marker.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import nats
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StorageType, StreamConfig
from nats.js.errors import NoStreamResponseError, NotFoundError

from core.lib.outage import Outage
from core.realtime.log import (
    MARKER_BODY,
    Batch,
    EventBody,
    LoggedEvent,
    Parcel,
    Position,
    first_seq,
    new_epoch,
    numbered,
)
from core.realtime.publish_queue import PublishQueue

TIMEOUT_S: Final = 5.0
KIND: Final = "Kind"  # headers
EPOCH: Final = "Epoch"
T = TypeVar("T")


class _Epoch(NamedTuple):
    """What the stream's description says."""

    name: str
    base: int  # its entries' seq is this and their place
    began_at: int  # a place

    @classmethod
    def read(cls, description: str) -> _Epoch:
        name, base, began_at = description.split()
        return cls(name, int(base), int(began_at))

    def text(self) -> str:
        return f"{self.name} {self.base} {self.began_at}"


class JetStreamLog:
    """The log in the stream `name` of the server at `url`, of `length` events."""

    retryable_errors: tuple[type[Exception], ...] = (NatsError, OSError, TimeoutError)

    def __init__(self, url: str, length: int, *, name: str) -> None:
        self._url, self._name = url, name
        self._config = StreamConfig(
            name=name, subjects=[name], max_msgs=length, storage=StorageType.FILE
        )
        self.outage = Outage("events.writing")
        self._queue = PublishQueue(self, maximum=length)
        self._loop = asyncio.new_event_loop()
        self._connection: Any = None
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def append(self, events: Sequence[EventBody]) -> None:
        """Queue (type, JSON object) pairs, from any thread."""
        self._queue.put(events)

    def write(self, parcels: Sequence[Parcel]) -> None:
        """Add parcels; what comes again within the stream's duplicate window (2 min) is skipped.

        Not all or nothing: events of another writer may come between those of a parcel.
        """
        self._wait(self._write(parcels))

    def last_numbers(self, writers: Collection[str]) -> dict[str, int]:
        """Unknown: JetStream knows ids of messages, and for a while."""
        return dict.fromkeys(writers, 0)

    def position(self) -> Position | None:
        """Where the log ends now, or None when the server does not answer."""
        try:
            epoch, last = self._wait(self._state(self._loop))
        except self.retryable_errors:
            return None
        return Position(epoch.name, epoch.base + last)

    def close(self) -> None:
        """Write what is queued, for at most 2 s."""
        self._queue.close()
        if self._connection is not None:
            self._wait(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def delete(self) -> None:
        """Delete the stream: the server loses its memory."""
        self._wait(self._delete())

    async def _delete(self) -> None:
        await (await self._own()).jetstream().delete_stream(self._name)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(TIMEOUT_S)

    async def _own(self) -> Any:
        if self._connection is None:
            self._connection = await self._connect()
        return self._connection

    async def _connect(self) -> Any:
        return await nats.connect(self._url, connect_timeout=2, allow_reconnect=False)

    async def _state(self, _: object = None) -> tuple[_Epoch, int]:
        """The epoch and the last place; the stream is made if it is not there."""
        stream = (await self._own()).jetstream()
        try:
            info = await stream.stream_info(self._name)
        except NotFoundError:
            epoch = _Epoch(new_epoch(), first_seq(), 1)
            info = await stream.add_stream(self._config.evolve(description=epoch.text()))
            await self._mark(stream, epoch.name)
            return epoch, 1
        return _Epoch.read(info.config.description), info.state.last_seq

    async def _mark(self, stream: Any, epoch: str) -> int:
        headers = {KIND: "", EPOCH: epoch}
        return int((await stream.publish(self._name, MARKER_BODY, headers=headers)).seq)

    async def _write(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            try:
                await self._add(parcel)
            except NoStreamResponseError:  # the first write, or the server has lost it
                await self._state()
                await self._add(parcel)

    async def _add(self, parcel: Parcel) -> None:
        stream = (await self._own()).jetstream()
        if parcel.broken:
            epoch, _ = await self._state()
            name = new_epoch()
            epoch = epoch._replace(name=name, began_at=await self._mark(stream, name))
            await stream.update_stream(self._config.evolve(description=epoch.text()))
        waiting = [
            await stream.publish_async(
                self._name,
                body,
                headers={KIND: kind, "Nats-Msg-Id": f"{parcel.writer}:{parcel.number}:{n}"},
            )
            for n, (kind, body) in enumerate(parcel.events)
        ]
        await asyncio.gather(*waiting)

    async def follow(self) -> AsyncIterator[Batch]:
        """First a fresh batch with what the log still has, then what comes, through outages."""
        outage = Outage("events.reading")
        at = Position("", 0)
        while True:
            try:
                connection = await self._connect()
                try:
                    async for batch in self._read(connection, at):
                        outage.over()
                        at = Position(batch.epoch, batch.entries[-1].seq)
                        yield batch
                finally:
                    await connection.close()
            except self.retryable_errors as exc:
                delay_s = outage.began(exc)
            await asyncio.sleep(delay_s)

    async def _read(self, connection: Any, at: Position) -> AsyncIterator[Batch]:
        epoch, last = await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(self._state(), self._loop)
        )
        stream = connection.jetstream()
        first = max((await stream.stream_info(self._name)).state.first_seq, epoch.began_at)
        if at.epoch == epoch.name and epoch.base + first <= at.seq + 1:
            first, fresh = at.seq - epoch.base + 1, False
        else:
            fresh = True
        follower = await stream.subscribe(
            self._name,
            ordered_consumer=True,
            config=ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=first,
                ack_policy=AckPolicy.NONE,
            ),
        )
        name, entries = epoch.name, list[LoggedEvent]()
        checked_at = time.monotonic()
        while True:
            try:
                message = await follower.next_msg(timeout=0.5)
            except TimeoutError:
                if connection.is_closed:
                    raise ConnectionError("closed") from None
                if time.monotonic() - checked_at > 1:  # an ordered consumer says nothing of it
                    checked_at = time.monotonic()
                    if (await self._state_from(stream)).base != epoch.base:
                        raise ConnectionError("another stream") from None
                continue
            place = message.metadata.sequence.stream
            if began := message.headers.get(EPOCH):
                if entries:
                    yield Batch(name, entries, fresh)
                name, fresh, entries = began, fresh or began != name, []
            seq = epoch.base + place
            entries.append(numbered(seq, message.headers.get(KIND, ""), message.data, name))
            if place >= last and not follower.pending_msgs:
                yield Batch(name, entries, fresh)
                fresh, entries = False, []

    async def _state_from(self, stream: Any) -> _Epoch:
        return _Epoch.read((await stream.stream_info(self._name)).config.description)
