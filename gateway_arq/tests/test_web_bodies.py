"""Bodies, read in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from gateway_arq.web import bodies
from gateway_arq.web.bodies import SMALL, BodyRefused, BodyRoom, Disconnected, collected


def receiving(*pieces: bytes, then: str = "") -> Any:
    """An ASGI `receive` that gives these pieces, then waits, or disconnects."""
    waiting = list(pieces)

    async def receive() -> dict[str, Any]:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(0), "more_body": True}
        if then:
            return {"type": then}
        await asyncio.Event().wait()
        raise AssertionError

    return receive


def ignored(count: int) -> None:
    """A share that is always large enough."""


async def test_pieces_become_a_body_as_soon_as_it_is_complete() -> None:
    assert await collected(receiving(b"ab", b"", b"c"), 3, ignored) == b"abc"


async def test_who_goes_away_sends_no_body() -> None:
    with pytest.raises(Disconnected):
        await collected(receiving(b"ab", then="http.disconnect"), 3, ignored)


@pytest.mark.parametrize("pieces", [(), (b"ab",)], ids=["nothing", "half"])
async def test_a_body_that_does_not_come_is_a_408(
    monkeypatch: pytest.MonkeyPatch, pieces: Iterable[bytes]
) -> None:
    monkeypatch.setattr(bodies, "BODY_S", 0.01)
    with pytest.raises(BodyRefused) as refused:
        await collected(receiving(*pieces), 1_000, ignored)
    assert refused.value.status == 408


async def test_what_has_come_gives_the_rest_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_S", 0.0)
    monkeypatch.setattr(bodies, "MIN_RATE", 20)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.02)  # 50 a second
        return {"type": "http.request", "body": b"x", "more_body": True}

    first = asyncio.Event()

    async def receive_with_a_start() -> dict[str, Any]:
        if first.is_set():
            return await receive()
        first.set()
        return {"type": "http.request", "body": b"xx", "more_body": True}

    assert len(await collected(receive_with_a_start, 8, ignored)) == 8


async def test_an_address_fills_half_of_the_room_and_gives_it_back() -> None:
    room = BodyRoom(SMALL * 8)
    with room.share("192.0.2.1") as mine, room.share("192.0.2.2") as others:
        mine(SMALL * 4)
        with pytest.raises(BodyRefused) as refused:
            mine(1)
        assert (refused.value.status, refused.value.retry_after_s) == (503, 5)
        others(SMALL * 4)
        with room.share("192.0.2.3") as third, pytest.raises(BodyRefused):
            third(1)
    with room.share("192.0.2.1") as mine:
        mine(SMALL * 4)


async def test_small_bodies_need_no_room() -> None:
    room = BodyRoom(0)
    with room.share("192.0.2.1") as take:
        assert await collected(receiving(bytes(SMALL)), SMALL, take)
        with pytest.raises(BodyRefused):
            await collected(receiving(bytes(SMALL), b"x"), SMALL + 1, take)
