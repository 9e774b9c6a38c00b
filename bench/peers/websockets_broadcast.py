"""`websockets.broadcast`, the fastest that pure Python offers. usage: websockets_broadcast.py PORT

A client of /publish that sends a number gets so many events sent to every client of /ws.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from event import event_json
from websockets.asyncio.server import ServerConnection, broadcast, serve

clients: set[ServerConnection] = set()


async def handle(connection: ServerConnection) -> None:
    if connection.request is not None and connection.request.path == "/publish":
        async for message in connection:
            await publish(int(message))
        return
    clients.add(connection)
    try:
        await connection.wait_closed()
    finally:
        clients.discard(connection)


async def publish(count: int) -> None:
    for number in range(count):
        broadcast(clients, event_json(number))
        await asyncio.sleep(0)


async def main(port: int) -> None:
    async with serve(handle, "127.0.0.1", port, compression=None, max_queue=1) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
