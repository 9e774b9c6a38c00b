"""The carrier's push: a WebSocket stream, and signed webhooks, repeated until they are accepted."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections import deque
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import web
from standardwebhooks import Webhook

logger = logging.getLogger(__name__)

PING_S: Final = 15.0
QUEUE_LENGTH: Final = 10_000  # a client further behind is dropped: it has the feed to catch up
CLOSE_HANDSHAKE_S: Final = 0.3
WEBHOOK_BATCH: Final = 100
WEBHOOK_BACKLOG: Final = 10_000
WEBHOOK_TIMEOUT_S: Final = 10.0
MAX_WEBHOOK_RETRY_S: Final = 60.0


class _Client:
    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.frames: asyncio.Queue[str] = asyncio.Queue(QUEUE_LENGTH)
        self._transport = request.transport

    def drop(self) -> None:
        """Cut the connection without a close handshake."""
        if self._transport is not None:
            self._transport.abort()


class PushStream:
    """Sends every client the changes from its connection on, and pings when there are none."""

    def __init__(self, *, ping_s: float = PING_S) -> None:
        self.silent = False  # half-open: connected, but nothing is sent
        self._ping_s = ping_s
        self._clients: set[_Client] = set()

    @property
    def clients(self) -> int:
        return len(self._clients)

    def broadcast(self, frame: str) -> None:
        """Send a text frame to every client."""
        for client in tuple(self._clients):
            try:
                client.frames.put_nowait(frame)
            except asyncio.QueueFull:
                client.drop()

    def drop(self) -> None:
        """Cut every connection."""
        for client in tuple(self._clients):
            client.drop()

    async def close(self) -> None:
        """Close every client's connection with a close handshake."""
        await asyncio.gather(*(client.socket.close(code=1001) for client in tuple(self._clients)))

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Hold one client's connection for its lifetime."""
        socket = web.WebSocketResponse(
            timeout=CLOSE_HANDSHAKE_S, compress=False, max_msg_size=65536
        )
        await socket.prepare(request)
        client = _Client(request, socket)
        self._clients.add(client)
        sending = asyncio.create_task(self._send(client))
        try:
            async for _ in socket:  # clients send nothing in this contract
                continue
        finally:
            sending.cancel()
            self._clients.discard(client)
        return socket

    async def _send(self, client: _Client) -> None:
        while not client.socket.closed:
            try:
                async with asyncio.timeout(self._ping_s):
                    frame = await client.frames.get()
            except TimeoutError:
                frame = '{"type":"ping"}'
            if not self.silent:
                await client.socket.send_str(frame)


class WebhookSender:
    """Posts messages to the gateway, signed as in Standard Webhooks, in order and at least once."""

    def __init__(self, url: str, secret: str, *, retry_first_s: float = 1.0) -> None:
        """`secret` as `whsec_<base64>`, else ValueError; pauses double from `retry_first_s`."""
        if not re.fullmatch(r"whsec_[A-Za-z0-9+/]{4,}=*", secret):
            raise ValueError("the webhook secret must be whsec_<base64>")
        self._url, self._retry_first_s = url, retry_first_s
        self._signer = Webhook(secret)
        self._waiting: deque[dict[str, Any]] = deque(maxlen=WEBHOOK_BACKLOG)
        self._arrived = asyncio.Event()

    def enqueue(self, message: dict[str, Any]) -> None:
        self._waiting.append(message)
        self._arrived.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        timeout = aiohttp.ClientTimeout(total=WEBHOOK_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    count = min(len(self._waiting), WEBHOOK_BATCH)
                    await self._deliver(session, [self._waiting.popleft() for _ in range(count)])

    async def _deliver(self, session: aiohttp.ClientSession, events: list[dict[str, Any]]) -> None:
        message_id, body = f"msg_{uuid.uuid4().hex}", orjson.dumps({"events": events})
        failures = 0
        while (problem := await self._rejection(session, message_id, body)) is not None:
            failures += 1
            if failures == 1:
                logger.warning("sandbox.webhook_failed url=%s error=%s", self._url, problem)
            await asyncio.sleep(
                min(self._retry_first_s * 2.0 ** min(failures - 1, 10), MAX_WEBHOOK_RETRY_S)
            )
        if failures:
            logger.info("sandbox.webhook_recovered url=%s", self._url)

    async def _rejection(
        self, session: aiohttp.ClientSession, message_id: str, body: bytes
    ) -> str | None:
        """Why one attempt was not accepted; None when it was."""
        headers = signed_headers(self._signer, message_id, body)
        try:
            async with session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return None if 200 <= response.status < 300 else f"HTTP {response.status}"
        except (aiohttp.ClientError, TimeoutError) as exc:
            return type(exc).__name__


def signed_headers(
    signer: Webhook, message_id: str, body: bytes, *, at: datetime | None = None
) -> dict[str, str]:
    """The headers of a delivery that is signed now, or `at`."""
    at = at or datetime.now(UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signer.sign(message_id, at, body.decode()),
    }
