from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from sandbox.push import WEBHOOK_BATCH, WebhookSender, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """A gateway that replies with the given statuses, and stores the deliveries."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.deliveries: list[tuple[str, list[dict[str, object]]]] = []
        self.enough = asyncio.Event()

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        events = Webhook(SECRET).verify(body, dict(request.headers))["events"]
        self.deliveries.append((request.headers["webhook-id"], events))
        status = self.statuses.pop(0) if self.statuses else 204
        if status == 204:
            self.enough.set()
        return web.Response(status=status)


async def delivered(receiver: Receiver, messages: list[dict[str, object]]) -> None:
    app = web.Application()
    app.router.add_post("/api/webcom/events", receiver.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/webcom/events"
    sender = WebhookSender(url, SECRET, retry_first_s=0.001)
    for message in messages:
        sender.enqueue(message)
    running = asyncio.create_task(sender.run())
    try:
        async with asyncio.timeout(5):
            await receiver.enough.wait()
    finally:
        running.cancel()
        await runner.cleanup()


async def test_a_delivery_is_repeated_with_the_same_id_until_it_is_accepted() -> None:
    receiver = Receiver(500, 401, 302)
    await delivered(receiver, [{"type": "call", "call": {"id": "1"}}])
    assert len(receiver.deliveries) == 4
    assert len({message_id for message_id, _ in receiver.deliveries}) == 1
    assert receiver.deliveries[0][1] == [{"type": "call", "call": {"id": "1"}}]


async def test_messages_are_sent_in_order_and_in_batches() -> None:
    receiver = Receiver(200)  # the second delivery says "enough"
    await delivered(receiver, [{"n": n} for n in range(WEBHOOK_BATCH + 5)])
    assert [len(events) for _, events in receiver.deliveries] == [WEBHOOK_BATCH, 5]
    assert [event["n"] for _, events in receiver.deliveries for event in events] == list(
        range(WEBHOOK_BATCH + 5)
    )


def test_a_changed_body_or_an_old_delivery_does_not_verify() -> None:
    signer, body = Webhook(SECRET), b'{"events":[]}'
    assert signer.verify(body, signed_headers(signer, "msg_1", body)) == {"events": []}
    with pytest.raises(WebhookVerificationError):
        signer.verify(b'{"events":[1]}', signed_headers(signer, "msg_1", body))
    with pytest.raises(WebhookVerificationError):
        signer.verify(
            body, signed_headers(signer, "msg_1", body, at=datetime(2025, 1, 1, tzinfo=UTC))
        )


def test_a_secret_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        WebhookSender("http://127.0.0.1/", "secret")
