"""100 streams, each on a page of its own, polled every 5 s by the embedded gateway under load.

Watched from outside: when each page is requested, against the clock's ticks. The peer is the same
gateway polling its sandbox's one stream.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from typing import Final

from bench.gateway import SETTLE_S, started
from bench.kit import cpu_s, heading, line, percentile

STREAMS: Final = 100
INTERVAL_S: Final = 5
SECONDS: Final = int(os.environ.get("BENCH_SECONDS", "600"))


class ViewerPages(BaseHTTPRequestHandler):
    """`/17` returns the viewers of stream 17, and records the request."""

    protocol_version = "HTTP/1.1"
    requests: Final[list[tuple[str, float]]] = []

    def do_GET(self) -> None:
        self.requests.append((self.path, time.time()))
        body = b'{"viewers": %d}' % (int(time.time()) % 90)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing: the requests are in `requests`."""


class PageServer(ThreadingHTTPServer):
    request_queue_size = 512  # all come at once


def main() -> None:
    heading(f"{STREAMS} streams polled every {INTERVAL_S} s for {SECONDS} s, embedded gateway")
    server = PageServer(("127.0.0.1", 0), ViewerPages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    alone = watched(0, min(SECONDS, 60), server.server_port)
    shares = watched(STREAMS, SECONDS, server.server_port)
    server.shutdown()
    report_rhythm()
    line("processor, gateway in total", f"{shares:.1%} of one core")
    line("processor, without the 100 streams", f"{alone:.1%} of one core")


def watched(streams: int, seconds: int, port: int) -> float:
    """The share of a core that the gateway takes (the sandbox is a process of its own)."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"LOG_LEVEL": "ERROR"}
        for number in range(1, streams + 1):
            given = {"NAME": f"s{number}", "PRESET": "generic", "PATH": "viewers"}
            given["URL"] = f"http://127.0.0.1:{port}/{number}"
            settings |= {f"WEBTV_{number + 1}_{name}": text for name, text in given.items()}
        gateway = started(folder, **settings)
        try:
            time.sleep(SETTLE_S)
            ViewerPages.requests.clear()
            before = cpu_s(gateway.pid)
            time.sleep(seconds)
            return (cpu_s(gateway.pid) - before) / seconds
        finally:
            gateway.send_signal(signal.SIGTERM)
            gateway.wait(20)


def report_rhythm() -> None:
    ticks: dict[int, list[str]] = defaultdict(list)
    late_ms = []
    for path, at in ViewerPages.requests:
        tick = int(at // INTERVAL_S)
        ticks[tick].append(path)
        late_ms.append((at - tick * INTERVAL_S) * 1_000)
    whole = sorted(ticks)[1:-1]  # the first and the last may be cut off
    missed = sum(STREAMS - len(set(ticks[tick])) for tick in range(whole[0], whole[-1] + 1))
    twice = sum(count - 1 for tick in whole for count in Counter(ticks[tick]).values())
    line("ticks", f"{len(whole)}", f"{missed} requests missed", f"{twice} sent twice")
    line(
        "a page is requested after its tick",
        f"p50 {median(late_ms):.0f} p99 {percentile(late_ms, 0.99):.0f} ms",
    )
