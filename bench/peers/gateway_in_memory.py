"""The gateway in the embedded profile, with a path for the benchmark.

A client of /publish that sends a number gets so many events published, by a thread as in real life.
"""

from __future__ import annotations

import asyncio
from typing import Any

from event import TYPE, event_json

from core.realtime.publish import get_log
from gateway_arq.asgi import application as gateway


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "websocket" or scope["path"] != "/publish":
        await gateway(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await asyncio.to_thread(_publish, int(message["text"]))


def _publish(count: int) -> None:
    for number in range(count):
        get_log().append([(TYPE, event_json(number).encode())])
