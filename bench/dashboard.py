"""The dashboard: the server's responses with ten million calls, the page's weight, its first paint
on a throttled line, and a tab that is left open under a stream of events.

The responses are granian's; page and tab are the embedded server's, without compression. Needs
Chromium. `BENCH_SOAK_S=7200` for the two hours, `BENCH_CALLS=...` for another history.
"""

from __future__ import annotations

import gzip
import http.client
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, Final

import psycopg

from bench.kit import bench_database, heading, line, percentile
from bench.rest import OURS, PEERS, PORT, REDIS, running, server_environment
from bench.stats import prepare

CALLS: Final = int(os.environ.get("BENCH_CALLS", "10000000"))
SOAK_S: Final = int(os.environ.get("BENCH_SOAK_S", "7200"))
EVENTS_PER_S: Final = 50
ROUNDS, REQUESTS = 3, 100
PATHS: Final = ("/dashboard/", "/dashboard/figures", "/dashboard/state")
EMBEDDED: Final = "gateway, embedded (uvicorn)"
# The browser's own preset of this name.
FAST_4G: Final = {
    "offline": False,
    "latency": 165,
    "downloadThroughput": 9_000_000 / 8 * 0.9,
    "uploadThroughput": 1_500_000 / 8 * 0.9,
}
LOADS: Final = 5
MAX_GROWTH_MB: Final = 5.0  # of the heap in a soak, after collection
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
LCP: Final = """() => new Promise((done) => new PerformanceObserver((list) =>
    done(list.getEntries().at(-1).startTime)
).observe({type: "largest-contentful-paint", buffered: true}))"""
COUNT_CHANGES: Final = """() => {
    window.changes = [];
    new MutationObserver(() => changes.push(performance.now())).observe(document,
        {subtree: true, childList: true, characterData: true, attributes: true});
}"""
MAX_CHANGES: Final = """() => {
    const counts = new Map();
    for (const at of changes) counts.set(at / 1000 | 0, (counts.get(at / 1000 | 0) ?? 0) + 1);
    changes.length = 0;
    return Math.max(0, ...counts.values());
}"""
SCREENED: Final = """
    INSERT INTO centralino_screenedcall
        (server, channel_id, caller, number, called, verdict, why, entry, at)
    SELECT 'pbx', 'c' || n, '333' || n, '+39333' || n, '0612345',
        CASE WHEN n %% 4 = 0 THEN 'blocked' ELSE 'passed' END, 'clean', '',
        now() - random() * interval '3 days'
    FROM generate_series(1, %s) AS n
"""


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if chromium is None:
        print("dashboard: needs Chromium")
        return
    with bench_database() as url:
        prepare(url, CALLS)
        cookie = fill(url)
        responses(url, cookie)
        with running(PEERS[EMBEDDED], server_environment(url)) as base, browser(chromium) as chrome:
            weight(base, cookie, chrome)
            first_paint(base, cookie, chrome)
            soak(base, cookie, chrome)


def fill(url: str) -> str:
    """100 calls in progress, 60,000 screened callers of three days; the cookie of a session."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    from webcom import ingest

    ingest.store_calls([call(n) for n in range(100)], announce=False)
    with psycopg.connect(url, autocommit=True) as connection:
        psycopg.ClientCursor(connection).execute(SCREENED, [60_000])
        connection.execute("VACUUM ANALYZE centralino_screenedcall")
    user = User.objects.create_superuser("bench")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def call(number: int, **more: Any) -> Any:
    """A call in progress, as the carrier sends it."""
    from webcom.types import parse_call

    fields = {
        "id": f"live{number}", "lineID": "Line90", "lineNumber": f"899{number % 30:06d}",
        "state": "Pending", "caller": f"333{number:07d}", "callerOperator": "TIM",
        "cost": 0.15, "timestamp": int(time.time()) - number % 600, "revision": 1,
    }  # fmt: skip
    return parse_call(fields | more)


def responses(url: str, cookie: str) -> None:
    heading(f"Responses with {CALLS:,} calls, granian, a commit before each ({REQUESTS * ROUNDS})")
    times: dict[str, list[float]] = {path: [] for path in PATHS}
    with (
        running(PEERS[OURS], server_environment(url)),
        psycopg.connect(url, autocommit=True) as writer,
    ):
        client = http.client.HTTPConnection("127.0.0.1", PORT)
        for path in PATHS:
            timed_get(client, path, cookie)  # the thread's first connection
        for _ in range(ROUNDS):
            for path in PATHS:
                for _ in range(REQUESTS):
                    writer.execute("SELECT pg_current_xact_id()")
                    times[path].append(timed_get(client, path, cookie)[0])
    for path, ms in times.items():
        line(path, f"p50 {median(ms):.1f} p99 {percentile(ms, 0.99):.1f} ms")


def timed_get(client: http.client.HTTPConnection, path: str, cookie: str) -> tuple[float, bytes]:
    """Milliseconds until the whole response has come, and its body."""
    began = time.perf_counter()
    client.request("GET", path, headers={"Cookie": cookie, "Accept": "text/html"})
    response = client.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {body[:200]!r}")
    return (time.perf_counter() - began) * 1000, body


@contextmanager
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's own loop runs in this thread
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield chrome
        chrome.close()


def opened(chrome: Any, base: str, cookie: str) -> Any:
    """A tab with the session, nothing loaded yet."""
    name, value = cookie.split("=", 1)
    context = chrome.new_context(viewport={"width": 1440, "height": 900}, locale="it-IT")
    context.add_cookies([{"name": name, "value": value, "url": base}])
    return context.new_page()


def weight(base: str, cookie: str, chrome: Any) -> None:
    heading("Weight of the page, everything that is loaded")
    page = opened(chrome, base, cookie)
    requests: list[Any] = []
    page.on("requestfinished", lambda request: requests.append(request))
    page.goto(f"{base}/dashboard/", wait_until="networkidle")
    bodies = [request.response().body() for request in requests]
    line("files", str(len(bodies)))
    line("as they are", f"{sum(map(len, bodies)) / 1000:.0f} KB")
    line("gzipped", f"{sum(len(gzip.compress(body)) for body in bodies) / 1000:.0f} KB")
    page.context.close()


def first_paint(base: str, cookie: str, chrome: Any) -> None:
    heading(f"First paint on a fast 4G line (165 ms, 8.1 Mbit/s), empty cache, of {LOADS}")
    seen: dict[str, list[float]] = {"first-contentful-paint": [], "largest-contentful-paint": []}
    lives: list[float] = []
    for _ in range(LOADS):
        page = opened(chrome, base, cookie)
        protocol = page.context.new_cdp_session(page)
        protocol.send("Network.enable")
        protocol.send("Network.emulateNetworkConditions", FAST_4G)
        page.goto(f"{base}/dashboard/")
        page.wait_for_selector('[data-link="live"]')
        lives.append(page.evaluate("performance.now()"))
        seen["largest-contentful-paint"].append(page.evaluate(LCP))
        paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        seen["first-contentful-paint"].append(page.evaluate(paint))
        page.context.close()
    for name, ms in seen.items():
        line(name, f"{median(ms):.0f} ms", f"worst {max(ms):.0f}")
    line("connected to the sockets", f"{median(lives):.0f} ms", f"worst {max(lives):.0f}")


def soak(base: str, cookie: str, chrome: Any) -> None:
    heading(f"One tab, {EVENTS_PER_S} events/s, {SOAK_S} s")
    page = opened(chrome, base, cookie)
    page.goto(f"{base}/dashboard/")
    page.wait_for_selector('[data-link="live"]')
    page.evaluate(COUNT_CHANGES)
    protocol = page.context.new_cdp_session(page)
    machine = chrome.new_browser_cdp_session()
    events = EventLoad()
    events.send(30)  # until the page is filled
    heaps, maximum = [heap_mb(protocol)], 0
    page.evaluate(MAX_CHANGES)
    began, cpu = time.monotonic(), renderer_s(machine)
    while time.monotonic() - began < SOAK_S:
        events.send(min(30, SOAK_S))
        maximum = max(maximum, page.evaluate(MAX_CHANGES))
        heaps.append(heap_mb(protocol))
        if len(heaps) % 20 == 1:
            line(f"  after {(time.monotonic() - began) / 60:.0f} min", f"heap {heaps[-1]:.1f} MB")
    share = (renderer_s(machine) - cpu) / (time.monotonic() - began)
    line("events", f"{events.sent:,}")
    line(
        "heap after collection, MB", f"{heaps[0]:.1f} to {heaps[-1]:.1f}", f"most {max(heaps):.1f}"
    )
    line("nodes", f"{page.evaluate('document.querySelectorAll(`*`).length'):,}")
    line("processor of the tab", f"{share:.1%} of one core")
    line("changes of the page in a second", f"at most {maximum}")
    page.context.close()
    if heaps[-1] > heaps[0] + MAX_GROWTH_MB:
        raise SystemExit(f"the heap grew from {heaps[0]:.1f} to {heaps[-1]:.1f} MB")


def heap_mb(protocol: Any) -> float:
    protocol.send("HeapProfiler.collectGarbage")
    return float(protocol.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def renderer_s(machine: Any) -> float:
    """Seconds of processor time of all tabs; there is one."""
    processes = machine.send("SystemInfo.getProcessInfo")["processInfo"]
    return float(sum(one["cpuTime"] for one in processes if one["type"] == "renderer"))


class EventLoad:
    """Events at an even rate: calls that begin, change and end, channels, screened callers."""

    def __init__(self) -> None:
        from core.realtime.redis_log import RedisLog

        self._log = RedisLog(REDIS, 20_000)
        self.sent = 0

    def send(self, seconds: float) -> None:
        due = time.monotonic()
        end = due + seconds
        while due < end:
            event = self._event(self.sent)
            self._log.append([(event.type, event.body())])
            self.sent += 1
            due += 1 / EVENTS_PER_S
            time.sleep(max(0.0, due - time.monotonic()))

    def _event(self, n: int) -> Any:
        from centralino.events import AsteriskEvent, CallPassed
        from centralino.types import Decision, Verdict, Why
        from webcom.events import CallEvent

        now = int(time.time())
        if n % 10 == 8:
            return AsteriskEvent(self._channel(n // 10, now))
        if n % 10 == 9:
            decision = Decision(Verdict.PASSED, Why.CLEAN, f"+39333{n:07d}")
            return CallPassed("pbx", f"s{n}", f"333{n:07d}", "0612345", decision, now)
        # Every call has four events, 400 events apart, and ends with the last one.
        age, number = n % 1_600 // 400, n // 1_600 * 400 + n % 400
        over = {"state": "Ok", "endedAt": now} if age == 3 else {}
        return CallEvent(call(1_000 + number, cost=age / 10, revision=age, timestamp=now, **over))

    def _channel(self, n: int, now: int) -> dict[str, Any]:
        """A channel comes; twenty turns later it goes."""
        number, event = (n // 2, "Newchannel") if n % 2 == 0 else (n // 2 - 20, "Hangup")
        uniqueid = f"bench.{number}"
        return {
            "event": event, "server": "pbx", "channel": f"PJSIP/trunk-{number}",
            "linkedid": uniqueid, "uniqueid": uniqueid, "calleridnum": f"06{number:07d}",
            "calleridname": "", "context": "", "exten": "201", "state": "Ring", "timestamp": now,
        }  # fmt: skip


if __name__ == "__main__":
    main()
