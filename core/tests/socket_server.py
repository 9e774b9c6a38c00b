"""The gateway's web application with a door for tests: /publish sends a call event."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway_arq.asgi import application as gateway  # first of ours: it sets Django up

# isort: split

from core.realtime.publish import get_log
from core.sockets import hub

hub.SWEEP_S = 0.2  # type: ignore[misc]  # who does not read is noticed sooner


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "websocket" or scope["path"] != "/publish":
        await gateway(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        body = message["text"].encode()
        await asyncio.to_thread(get_log().append, [("call_event_realtime", body)])
