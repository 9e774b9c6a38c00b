"""Steady traffic: calls at the carrier, webhooks, readers, probes, socket clients that resume."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import requests
from standardwebhooks import Webhook
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from drills.ledger import Ledger
from drills.profile import API_KEY, LISTENERS, PROXY, WEB, WEBHOOK_SECRET, FullProfile

CLIENTS: Final = 4
READERS: Final = 4
CALL_EVERY_S: Final = 0.5
WEBHOOK_EVERY_S: Final = 0.25
READ_EVERY_S: Final = 0.5  # each reader
PROBE_EVERY_S: Final = 0.5
SAMPLE_EVERY_S: Final = 0.25
REPEAT_AFTER_S: Final = 0.5
READ_WITHIN_S: Final = 16.0  # DATABASE_TIMEOUT_S, and what a network that swallows packets adds
PROBE_WITHIN_S: Final = 2.0
LINE: Final = "Sickprod90TLW"
READS: Final = (
    "/api/webcom/calls?limit=20",
    "/api/webcom/stats/today",
    "/health",
    "/api/webcom/rebates",
)


@contextmanager
def steady_traffic(world: FullProfile) -> Iterator[Ledger]:
    """Traffic during the block; yields what becomes of it."""
    ledger, stopping = Ledger(CLIENTS), threading.Event()
    waiting: deque[dict[str, Any]] = deque()
    jobs: list[Callable[[], None]] = [
        lambda: every(CALL_EVERY_S, stopping, lambda: place_call(world, ledger)),
        lambda: every(WEBHOOK_EVERY_S, stopping, lambda: waiting.append(finished_call())),
        lambda: deliver(waiting, stopping, ledger),
        lambda: every(SAMPLE_EVERY_S, stopping, lambda: sample(world, ledger)),
        *(lambda n=n: listen(n, stopping, ledger) for n in range(CLIENTS)),
        *(lambda n=n: read(n, stopping, ledger) for n in range(READERS)),
        *(lambda n=n: probe(n, stopping, ledger) for n in (1, 2)),
    ]
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield ledger
    finally:
        stopping.set()
        for thread in threads:
            thread.join(READ_WITHIN_S)


def every(seconds: float, stopping: threading.Event, work: Callable[[], object]) -> None:
    while not stopping.wait(seconds):
        work()


def place_call(world: FullProfile, ledger: Ledger) -> None:
    """A call of about two seconds at the carrier."""
    with suppress(requests.RequestException):  # a carrier that is down places none
        ledger.place(world.sandboxed("calls", line=LINE, ring_s=0.3, talk_s=1)["placed"])


def finished_call() -> dict[str, Any]:
    """A call that the carrier reports by webhook only."""
    now = int(time.time())
    return {
        "id": f"drill-{secrets.token_hex(8)}",
        "lineID": LINE,
        "lineNumber": "899748963",
        "state": "Ok",
        "direction": "Entering",
        "caller": "331234567",
        "called": "899748963",
        "callerOperator": "TIM",
        "cost": 0.15,
        "duration": 1,
        "timestamp": now - 2,
        "endedAt": now,
        "revision": 3,
    }


def deliver(waiting: deque[dict[str, Any]], stopping: threading.Event, ledger: Ledger) -> None:
    """Send what waits as the carrier does: in order, each with its id until it is accepted."""
    session, signer = requests.Session(), Webhook(WEBHOOK_SECRET)
    while not stopping.wait(0.05):
        if not waiting:
            continue
        calls = [waiting.popleft() for _ in range(min(100, len(waiting)))]
        body = json.dumps({"events": [{"type": "call", "call": call} for call in calls]})
        number = f"msg_{secrets.token_hex(8)}"
        while (outcome := _posted(session, signer, number, body)) != "200":
            ledger.note("webhook", outcome)
            if stopping.wait(REPEAT_AFTER_S):
                return
        ledger.note("webhook", "200")
        ledger.place([call["id"] for call in calls], webhook=True)


def _posted(session: requests.Session, signer: Webhook, number: str, body: str) -> str:
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign(number, now, body),
    }
    try:
        response = session.post(
            f"{PROXY}/api/webcom/events", data=body, headers=headers, timeout=READ_WITHIN_S
        )
    except requests.RequestException as exc:
        return type(exc).__name__
    return str(response.status_code)


def read(number: int, stopping: threading.Event, ledger: Ledger) -> None:
    """A client of the API."""
    session, count = requests.Session(), number
    session.headers["X-API-Key"] = API_KEY
    while not stopping.wait(READ_EVERY_S):
        count += 1
        ledger.note("read", _got(session, PROXY + READS[count % len(READS)], READ_WITHIN_S))


def probe(replica: int, stopping: threading.Event, ledger: Ledger) -> None:
    """What an engine asks a web server, past the proxy."""
    url = f"http://{WEB['http'].format(replica)}:8000/livez"
    while not stopping.wait(PROBE_EVERY_S):
        with requests.Session() as session:
            ledger.note("livez", _got(session, url, PROBE_WITHIN_S))


def _got(session: requests.Session, url: str, within_s: float) -> str:
    try:
        return str(session.get(url, timeout=within_s).status_code)
    except requests.RequestException as exc:
        return type(exc).__name__


def listen(number: int, stopping: threading.Event, ledger: Ledger) -> None:
    """A client of /ws that keeps its place and resumes from it, as docs/events.md asks."""
    client, place = ledger.clients[number], ""
    base = f"{PROXY.replace('http', 'ws')}/ws?api_key={API_KEY}&types=call_event_realtime"
    while not stopping.is_set():
        with (
            suppress(OSError, TimeoutError, WebSocketException),
            connect(base + place, open_timeout=5, close_timeout=1) as socket,
        ):
            while not stopping.is_set():
                try:
                    message = json.loads(socket.recv(timeout=1))
                except TimeoutError:
                    continue
                if "seq" in message:
                    place = f"&since={message['seq']}&epoch={message['epoch']}"
                receive(client, message)
        stopping.wait(0.5)


def receive(client: Any, message: dict[str, Any]) -> None:
    now = time.monotonic()
    if message["type"] == "resync":
        client.resyncs.append(now)
    elif message["type"] == "call_event_realtime":
        client.calls[message["id"]].append((message["revision"], now))
        if message["endedAt"] is not None:
            client.ended.setdefault(message["id"], now)


def sample(world: FullProfile, ledger: Ledger) -> None:
    """How many replicas of each listener are active."""
    for service in LISTENERS:
        ledger.active[service].append((time.monotonic(), len(world.active(service))))
