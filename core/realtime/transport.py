"""What a socket needs of its server beyond ASGI: to feel back pressure, and to be cut at last.

An ASGI `send` cannot drop a connection whose buffer is full, and need not wait until there is room
in it, so this looks behind it at the two servers that we support. Behind any other `send` nothing
is found, and nothing is done.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def _transport(send: Send) -> Any:
    """The connection behind `send`: the protocol's method in uvicorn, its argument in daphne."""
    send = inspect.unwrap(send)
    protocol = getattr(send, "__self__", None) or next(iter(getattr(send, "args", ())), None)
    return getattr(protocol, "transport", None)


def cut(send: Send) -> None:
    """Drop the connection at once, with whatever is still unsent in it."""
    transport = _transport(send)
    for name in ("abort", "abortConnection"):  # asyncio's name, Twisted's name
        if callable(abort := getattr(transport, name, None)):
            abort()
            return


def cut_when_stuck(send: Send) -> Send:
    """A `send` that waits while the connection's buffer is full; call it after the handshake.

    uvicorn's waits by itself; daphne's never does, and would fill the memory for a client that does
    not read.
    """
    transport = _transport(send)
    if not hasattr(transport, "registerProducer"):
        return send
    valve = _Valve()
    transport.unregisterProducer()  # the handshake's HTTP channel, which would stop reading instead
    transport.registerProducer(valve, True)

    @functools.wraps(send)
    async def send_when_open(message: MutableMapping[str, Any]) -> None:
        await valve.open.wait()
        await send(message)

    return send_when_open


class _Valve:
    """A Twisted push producer: the transport closes it while its buffer is full."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    def pauseProducing(self) -> None:
        self.open.clear()

    def resumeProducing(self) -> None:
        self.open.set()

    def stopProducing(self) -> None:
        self.open.set()
