"""The log of the full profile: one Redis Stream, whose entry ids are the seqs.

Every entry carries its epoch, so the stream alone is the whole truth: a Redis that lost its memory
starts a new epoch with the first event after it, and no second key can disagree.
"""

from __future__ import annotations

from asyncio import sleep, timeout
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from itertools import chain, groupby
from typing import Any, Final, NamedTuple

import redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.lib.outage import Outage
from core.realtime.log import Batch, EventBody, Parcel, Position, new_epoch, numbered
from core.realtime.publish_queue import PublishQueue

STREAM: Final = "{arq:events}"
BLOCK_MS: Final = 5_000
MAX_READ: Final = 500
CONNECT_TIMEOUT_S: Final = 2.0
ANSWER_TIMEOUT_S: Final = BLOCK_MS / 1000 + 3

# Adds parcels in one round trip, all or nothing, and each once: one that comes again, since the
# answer was lost or another process writes it too, is recognised by its writer and number.
# Without parcels it only makes sure that the log has begun.
# KEYS: stream, then of every parcel the last number of its writer.
# ARGV: length, the epoch if the log begins, then of every parcel: its number, the epoch that it
# begins (empty: none), how many events it has, and of each the type and body.
_APPEND = """
local stream, arg = KEYS[1], 3
local function add(seq, epoch, kind, body)
  local id = string.format('%d-0', seq)
  redis.call('XADD', stream, 'MAXLEN', '~', ARGV[1], id, 'e', epoch, 't', kind, 'b', body)
end
local function begin(seq, epoch)
  local now = redis.call('TIME')
  seq = math.max(seq + 1, now[1] * 1000000 + now[2])
  add(seq, epoch, '', '{"type":""}')
  return seq, epoch
end
local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local seq, epoch
if last then
  seq, epoch = tonumber(string.match(last[1], '^%d+')), last[2][2]
else
  seq, epoch = begin(0, ARGV[2])
end
for parcel = 2, #KEYS do
  local number, fresh, events = tonumber(ARGV[arg]), ARGV[arg + 1], tonumber(ARGV[arg + 2])
  local after = arg + 3 + 2 * events
  if tonumber(redis.call('GET', KEYS[parcel]) or '0') < number then
    if fresh ~= '' then seq, epoch = begin(seq, fresh) end
    for i = arg + 3, after - 1, 2 do
      seq = seq + 1
      add(seq, epoch, ARGV[i], ARGV[i + 1])
    end
    redis.call('SET', KEYS[parcel], ARGV[arg], 'EX', 86400)
  end
  arg = after
end
"""


class RedisLog:
    """The log in the Redis at `url`, of about `length` events."""

    retryable_errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)

    def __init__(self, url: str, length: int) -> None:
        self._url = url
        self._length = length
        self.outage = Outage("events.writing")
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=3,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._append = self._redis.register_script(_APPEND)
        self._queue = PublishQueue(self, maximum=length)

    def append(self, events: Sequence[EventBody]) -> None:
        """Queue (type, JSON object) pairs, from any thread; in Redis within about a millisecond."""
        self._queue.put(events)

    def position(self) -> Position | None:
        """Where the log ends now, or None when Redis does not answer or the log has not begun."""
        try:
            newest: Any = self._redis.xrevrange(STREAM, count=1)
        except self.retryable_errors:
            return None
        return next((Position(row.epoch, row.seq) for row in map(_row, newest)), None)

    def close(self) -> None:
        """Write what is queued, for at most 2 s."""
        self._queue.close()
        self._redis.close()

    def write(self, parcels: Sequence[Parcel]) -> None:
        """Add parcels, each once. Raises one of `retryable_errors`."""
        keys, arguments = [STREAM], self._beginning()
        for writer, number, events, broken in parcels:
            keys.append(_writer_key(writer))
            arguments += [number, new_epoch() if broken else "", len(events)]
            arguments += chain.from_iterable(events)
        self._append(keys=keys, args=arguments)

    def last_numbers(self, writers: Collection[str]) -> dict[str, int]:
        """The number of each writer's last parcel in the log, 0 when it has none or is forgotten.

        Raises one of `retryable_errors`.
        """
        numbers: Any = self._redis.mget([*map(_writer_key, writers)])
        return {writer: int(number or 0) for writer, number in zip(writers, numbers, strict=True)}

    def _beginning(self) -> list[Any]:
        return [self._length, new_epoch()]

    async def follow(self) -> AsyncIterator[Batch]:
        """First a fresh batch of what the log still has, then what comes, through every outage."""
        outage = Outage("events.reading")
        at = Position("", 0)
        while True:
            try:
                async with self._connection() as client:
                    rows, at = await self._missed(client, at)
                    while True:
                        outage.over()
                        for batch in _batches(rows, at.epoch):
                            at = Position(batch.epoch, batch.entries[-1].seq)
                            yield batch
                        rows = await self._next(client, at.seq)
            except self.retryable_errors as exc:
                delay_s = outage.began(exc)
            await sleep(delay_s)

    def _connection(self) -> AsyncRedis:
        """A connection without time limits of its own; its callers set them.

        redis-py would use asyncio.wait_for, which before Python 3.12 can swallow a cancellation.
        """
        return AsyncRedis.from_url(
            self._url,
            protocol=2,
            socket_timeout=None,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            retry=AsyncRetry(NoBackoff(), 0),
        )

    async def _missed(self, client: AsyncRedis, at: Position) -> tuple[list[_Row], Position]:
        """What came after `at`; if that is gone, the whole log and the position before it."""
        async with timeout(ANSWER_TIMEOUT_S):
            await client.eval(_APPEND, 1, STREAM, *self._beginning())
        rows = await self._range(client, at.seq)
        if rows and (rows[0].seq, rows[0].epoch) == (at.seq, at.epoch):
            return rows[1:], at
        return await self._range(client, 0), Position("", 0)

    async def _range(self, client: AsyncRedis, first: int) -> list[_Row]:
        """All rows from `first` on, read in portions."""
        rows: list[_Row] = []
        while True:
            start = f"({rows[-1].seq}-0" if rows else f"{first}-0"
            async with timeout(ANSWER_TIMEOUT_S):
                portion: Any = await client.xrange(STREAM, min=start, count=MAX_READ)
            rows += map(_row, portion)
            if len(portion) < MAX_READ:
                return rows

    async def _next(self, client: AsyncRedis, seq: int) -> list[_Row]:
        """The rows after `seq`, waited for; none after BLOCK_MS."""
        async with timeout(ANSWER_TIMEOUT_S):
            response: Any = await client.xread({STREAM: f"{seq}-0"}, count=MAX_READ, block=BLOCK_MS)
        return [_row(item) for _, portion in response for item in portion]


def _writer_key(writer: str) -> str:
    return f"{STREAM}:writer:{writer}"


class _Row(NamedTuple):
    epoch: str
    seq: int
    type: str
    body: bytes


def _row(item: tuple[bytes, Mapping[bytes, bytes]]) -> _Row:
    seq, fields = item
    return _Row(
        fields[b"e"].decode(), int(seq.partition(b"-")[0]), fields[b"t"].decode(), fields[b"b"]
    )


def _batches(rows: Iterable[_Row], epoch: str) -> Iterable[Batch]:
    """The rows by epoch; those of another one than `epoch`, which was read last, start anew."""
    for its_epoch, group in groupby(rows, key=lambda row: row.epoch):
        entries = [numbered(row.seq, row.type, row.body, its_epoch) for row in group]
        yield Batch(its_epoch, entries, fresh=its_epoch != epoch)
        epoch = its_epoch
