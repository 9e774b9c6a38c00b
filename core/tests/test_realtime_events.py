"""What we say on sockets, and how it gets there."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from django.db import transaction
from django.utils.module_loading import import_string

from core.realtime import control, publish
from core.realtime.events import Error, Event, Heartbeat, Pong, Resync, System, types_on
from core.realtime.log import MemoryLog
from core.sockets.consumers import SERVICE_TYPES
from core.tests.tcp import Proxy
from gateway_arq.routing import SOCKETS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "events.md"


class Said(Event):
    """An event of these tests."""

    type: ClassVar[str] = "test_said"

    def __init__(self, word: str) -> None:
        self.word = word

    def payload(self) -> dict[str, Any]:
        return {"word": self.word}


class FakeLog(MemoryLog):
    """A log that remembers what was appended."""

    def __init__(self) -> None:
        super().__init__(10)
        self.words: list[str] = []

    def append(self, events: Any) -> None:
        self.words += [orjson.loads(body)["word"] for _, body in events]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> FakeLog:
    log = FakeLog()
    monkeypatch.setattr(publish, "get_log", lambda: log)
    return log


def test_every_event_and_every_close_code_is_documented() -> None:
    documented = set(re.findall(r"(?m)^\| `(\w+)` \|", DOCS.read_text()))
    said = {name for name in Event.known if not name.startswith("test_")}
    assert said <= documented
    assert documented - said <= {"types", "since", "epoch"}, "a message that nobody sends"


def test_every_published_event_has_a_socket_that_may_see_it() -> None:
    heard = frozenset[str]().union(*(types_on(address) for address in SOCKETS))
    published = {name for name in Event.known if not name.startswith("test_")} - SERVICE_TYPES
    assert published
    assert published <= heard


@pytest.mark.parametrize(
    "message", [System("e", 5), Heartbeat("e", 5), Resync("e", 5), Pong(), Error(4400, "no")]
)
def test_service_messages_are_flat_json_with_their_type(message: Event) -> None:
    said = orjson.loads(message.frame()["text"])
    assert said["type"] == message.type
    assert message.type in SERVICE_TYPES
    assert not any(isinstance(value, dict | list) for value in said.values())


def test_publishing_keeps_the_order(log: FakeLog) -> None:
    publish.publish(Said(word) for word in "abc")
    publish.publish([])
    assert log.words == ["a", "b", "c"]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_not_published(log: FakeLog) -> None:
    with suppress(ZeroDivisionError), transaction.atomic():
        publish.publish_on_commit(Said("never"))
        raise ZeroDivisionError
    with transaction.atomic():
        publish.publish_on_commit(Said("a"), Said("b"))
        assert log.words == []
    assert log.words == ["a", "b"]


@pytest.mark.django_db(transaction=True)
def test_an_event_that_cannot_be_written_does_not_undo_the_success(
    log: FakeLog, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction.atomic():
        publish.publish_on_commit(Said("a"), Said(object()), Said("b"))  # type: ignore[arg-type]
    assert log.words == ["a", "b"]
    assert "events.unwritable type=test_said" in caplog.text


async def heard(messages: Any) -> str:
    async with asyncio.timeout(5):
        return str(await anext(messages))


async def listening(messages: Any) -> asyncio.Task[str]:
    """A task that hears the next message, when it does listen."""
    before = len(control._listeners)
    task = asyncio.create_task(heard(messages))
    while len(control._listeners) == before:
        await asyncio.sleep(0)
    return task


async def test_what_is_announced_reaches_this_process() -> None:
    messages: Any = control.messages()
    hearing = await listening(messages)
    await asyncio.to_thread(control.announce, control.KEYS_CHANGED)
    assert await hearing == control.KEYS_CHANGED
    await messages.aclose()


async def test_what_is_announced_reaches_other_processes(redis_url: str) -> None:
    messages: Any = control.messages()
    hearing = asyncio.create_task(heard(messages))
    async with asyncio.timeout(5):
        # As another process would say it, until this one is a member of the group.
        while not hearing.done():
            await control._send("from elsewhere")
            await asyncio.sleep(0.01)
    assert await hearing == "from elsewhere"
    await messages.aclose()


async def test_announcing_while_redis_is_away_still_reaches_this_process(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    layer_class = import_string("channels_redis.core.RedisChannelLayer")
    with Proxy.before(redis_url) as proxy:
        layer = layer_class(hosts=[{"address": proxy.url, "socket_timeout": None}])
        monkeypatch.setattr(control, "_layer", lambda: layer)
        proxy.cut()
        messages: Any = control.messages()
        hearing = await listening(messages)
        await asyncio.to_thread(control.announce, control.KEYS_CHANGED)
        assert await hearing == control.KEYS_CHANGED
        assert "control.not_sent" in caplog.text
        await messages.aclose()
