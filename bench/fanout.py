"""One event to many sockets: ours beside stock Channels, `websockets.broadcast` and node `ws`.

Every server runs alone on one core, the clients and Redis on the other; the servers take turns.
Ours is measured in both profiles: through Redis, as stock Channels, and in memory, as the others.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import kit
from bench.peers.event import TYPE, event, event_json
from bench.sockets import Crowd, crowd, handshake, send_text

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).parent / "peers"
KEY = "sk_bench_fanout_key"
CLIENTS = int(os.environ.get("BENCH_CLIENTS", "500"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
FLOW_S = 4.0
STEADY_PER_S, STEADY_S = 20, 5
BURST, BURST_CLIENTS = 500, 100
STUCK_EVENTS = 10_000
DAPHNE = ["-m", "daphne", "-v0"]
UVICORN = [
    "-m",
    "uvicorn",
    "--no-access-log",
    "--log-level",
    "warning",
    "--ws",
    "websockets-sansio",
]

Publish = Callable[
    [int], None
]  # sends so many events, as fast as it can; may return before they are out


@dataclass
class Peer:
    """One kind of server; `command` ends with its port."""

    name: str
    command: list[str]
    path: str = "/ws"
    by_redis: Callable[[str], Publish] | None = None  # None: by its /publish socket
    window: int = 50  # events on their way at once when the flow is measured
    figures: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        self.figures.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        return statistics.median(self.figures[name])


def publish_ours(redis_url: str) -> Publish:
    from core.realtime.redis_log import RedisLog

    log = RedisLog(redis_url, 20_000)

    def publish(count: int) -> None:
        for number in range(count):
            log.append([(TYPE, event_json(number).encode())])

    return publish


def publish_stock(redis_url: str) -> Publish:
    """group_send in a thread with a loop that stays, which is the best that a publisher can do."""
    from channels_redis.core import RedisChannelLayer

    layer = RedisChannelLayer(hosts=[{"address": redis_url, "socket_timeout": 60}])
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    one_after_the_other = asyncio.Lock()

    async def send(count: int) -> None:
        async with one_after_the_other:
            for number in range(count):
                await layer.group_send("calls", {"type": "call.event", "event": event(number)})

    return lambda count: asyncio.run_coroutine_threadsafe(send(count), loop)


def publish_inside(port: int) -> Publish:
    connection = handshake(port, "/publish")
    return lambda count: send_text(connection, str(count))


def peers() -> list[Peer]:
    ours = f"/ws?api_key={KEY}"
    plain = ["--ws-per-message-deflate", "false", "--port"]
    found = [
        Peer(
            "ours, full profile (Redis), uvicorn",
            [*UVICORN, "gateway_arq.asgi:application", *plain],
            ours,
            publish_ours,
        ),
        Peer("ours, embedded (memory), uvicorn",
             [*UVICORN, "gateway_in_memory:application", *plain], ours),
        Peer("ours, full profile (Redis), daphne",
             [*DAPHNE, "gateway_arq.asgi:application", "-p"], ours, publish_ours),
        Peer("stock channels_redis, daphne", [*DAPHNE, "channels_consumer:application", "-p"],
             by_redis=publish_stock, window=5),
        Peer("stock channels_redis, uvicorn", [*UVICORN, "channels_consumer:application", *plain],
             by_redis=publish_stock, window=5),
        Peer("websockets.broadcast, uvloop", [str(PEERS / "websockets_broadcast.py")]),
    ]  # fmt: skip
    if shutil.which("node") and (PEERS / "node_modules").is_dir():
        found.append(Peer("node ws", [str(PEERS / "node_ws.mjs")]))
    else:
        print("  (node ws left out: npm ci in bench/peers)")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def process(
    command: list[str], core: int, env: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A running command, pinned to a core, ended at the end."""
    running = subprocess.Popen(
        command,
        env={**os.environ, **env},
        cwd=ROOT,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(5)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextmanager
def running(peer: Peer, redis_url: str, data_dir: str) -> Iterator[tuple[int, int, Publish]]:
    """A server of that kind: its process id, port, and how to have it send events."""
    port = free_port()
    program = shutil.which("node") or "" if peer.command[0].endswith(".mjs") else sys.executable
    env = {
        "REDIS_URL": "" if peer.by_redis is None else redis_url,
        "DATABASE_URL": "",
        "DATA_DIR": data_dir,
        "API_KEY_1": KEY,
        "DOTENV": "",
        "HEARTBEAT_S": "3600",
        "MAX_SOCKETS_PER_KEY": "0",  # all come from here, with one key
        "MAX_SOCKETS_PER_ADDRESS": "0",
        # full before the memory of a client that never reads is measured
        "EVENT_LOG_LENGTH": "5000",
        "DJANGO_SETTINGS_MODULE": "gateway_arq.settings",
        "LOG_LEVEL": "ERROR",
        "PYTHONPATH": f"{ROOT}:{PEERS}",
    }
    with process([program, *peer.command, str(port)], kit.SERVER_CORE, env) as server:
        wait_for(port)
        yield server.pid, port, peer.by_redis(redis_url) if peer.by_redis else publish_inside(port)


def measure(peer: Peer, redis_url: str, data_dir: str) -> None:
    with running(peer, redis_url, data_dir) as (pid, port, publish):
        with crowd(port, peer.path, 10):  # everything is loaded before memory is counted
            time.sleep(0.5)
        idle_mb = kit.rss_mb(pid)
        with crowd(port, peer.path, CLIENTS) as clients:
            settle(clients)
            peer.note("KB per idle client", (kit.rss_mb(pid) - idle_mb) * 1024 / CLIENTS)
            before_s, before = kit.cpu_s(pid), clients.events
            peer.note("deliveries/s", flow(clients, publish, peer.window))
            peer.note(
                "CPU us each", (kit.cpu_s(pid) - before_s) * 1e6 / max(1, clients.events - before)
            )
            p50, p99 = steady(clients, publish)
            peer.note("p50 ms", p50)
            peer.note("p99 ms", p99)
        with crowd(port, peer.path, BURST_CLIENTS) as clients:
            settle(clients)
            publish(BURST)
            clients.read(lambda: clients.events >= BURST * BURST_CLIENTS, within_s=10)
            peer.note("burst %", 100 * clients.events / (BURST * BURST_CLIENTS))
    with running(peer, redis_url, data_dir) as (pid, port, publish):
        stuck(peer, pid, port, publish)


def settle(clients: Crowd) -> None:
    clients.read(lambda: False, within_s=1.0)


def flow(clients: Crowd, publish: Publish, window: int) -> float:
    """Events delivered in a second: windows of events, the next when every client has the last."""
    began, first = time.perf_counter(), clients.events
    while time.perf_counter() - began < FLOW_S:
        goal = clients.events + window * len(clients)
        publish(window)
        if not clients.read(lambda goal=goal: clients.events >= goal, within_s=20):  # type: ignore[misc]
            print("  (a window did not arrive whole)")
            break
    return (clients.events - first) / (time.perf_counter() - began)


def steady(clients: Crowd, publish: Publish) -> tuple[float, float]:
    """Median and 99th percentile of the delay in ms at STEADY_PER_S events a second."""
    clients.delays_ms = []
    goal = clients.events + STEADY_PER_S * STEADY_S * len(clients)
    began = time.perf_counter()
    for number in range(STEADY_PER_S * STEADY_S):
        publish(1)
        due = began + (number + 1) / STEADY_PER_S
        clients.read(lambda due=due: time.perf_counter() >= due, within_s=1)  # type: ignore[misc]
    clients.read(lambda: clients.events >= goal, within_s=30)
    delays, clients.delays_ms = clients.delays_ms, None
    delays += [30_000.0] * (STEADY_PER_S * STEADY_S * len(clients) - len(delays))  # never came
    return kit.percentile(delays, 0.5), kit.percentile(delays, 0.99)


def stuck(peer: Peer, pid: int, port: int, publish: Publish) -> None:
    """What a client that never reads costs in MB, and whether it is closed in 25 s."""
    with crowd(port, peer.path, 1) as clients:
        settle(clients)
        pour(clients, publish)
        without_mb = kit.rss_mb(pid)
        with closing(handshake(port, peer.path, receive_buffer=4096)) as lazy:
            settle(clients)
            pour(clients, publish)
            peer.note("never-reading client MB", kit.rss_mb(pid) - without_mb)
            clients.read(lambda: False, within_s=25)
            peer.note("closed after 25 s", float(is_closed(lazy)))


def pour(clients: Crowd, publish: Publish) -> None:
    for _ in range(STUCK_EVENTS // 100):
        goal = clients.events + 100
        publish(100)
        if not clients.read(lambda goal=goal: clients.events >= goal, within_s=5):  # type: ignore[misc]
            break


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has closed it: no established connection ends at its port any more."""
    mine = f"0100007F:{connection.getsockname()[1]:04X}"  # 127.0.0.1 as the kernel writes it
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return not any(row[2] == mine and row[3] == "01" for row in rows)


def prepared_data_dir(stack: ExitStack) -> str:
    """A data directory with the gateway's tables, for its keys."""
    data_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
    env = {**os.environ, "DATA_DIR": data_dir, "DATABASE_URL": "", "REDIS_URL": "", "DOTENV": ""}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    return data_dir


def main() -> None:
    """Run and print; BENCH_ROUNDS and BENCH_CLIENTS change how much."""
    kit.heading(f"Fan-out: {CLIENTS} clients, 300-byte events, medians of {ROUNDS} rounds")
    os.sched_setaffinity(0, {kit.LOAD_CORE})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # no server may be left behind
    with ExitStack() as stack:
        data_dir = prepared_data_dir(stack)
        port = free_port()
        redis = ["redis-server", "--port", str(port), "--save", "", "--logfile", os.devnull]
        stack.enter_context(process(redis, kit.LOAD_CORE, {}))
        wait_for(port)
        peers_run = peers()
        for number in range(ROUNDS):
            for peer in peers_run:
                measure(peer, f"redis://127.0.0.1:{port}/0", data_dir)
                latest = ", ".join(
                    f"{name} {figures[-1]:,.1f}" for name, figures in peer.figures.items()
                )
                print(f"  round {number + 1}: {peer.name}: {latest}", flush=True)
        report(peers_run)


def report(peers_run: list[Peer]) -> None:
    names = list(peers_run[0].figures)
    print(f"\n  {'':<36}" + "".join(f"{name:>26}" for name in names))
    for peer in peers_run:
        print(f"  {peer.name:<36}" + "".join(f"{peer.median(name):>26,.1f}" for name in names))
    by_name = {peer.name: peer for peer in peers_run}
    redis, memory = (
        by_name[f"ours, {profile}, uvicorn"]
        for profile in ("full profile (Redis)", "embedded (memory)")
    )
    stock, broadcast = (
        by_name["stock channels_redis, daphne"],
        by_name["websockets.broadcast, uvloop"],
    )
    print()
    ratio(
        "deliveries/s, ours (Redis) / stock on daphne", redis, stock, "deliveries/s", "at least 25"
    )
    ratio(
        "deliveries/s, ours (memory) / broadcast",
        memory,
        broadcast,
        "deliveries/s",
        "at least 0.75",
    )
    ratio(
        "deliveries/s, ours (Redis) / broadcast", redis, broadcast, "deliveries/s", "at least 0.75"
    )
    ratio("p99 at 20/s, stock on daphne / ours (Redis)", stock, redis, "p99 ms", "at least 30")


def ratio(title: str, one: Peer, other: Peer, figure: str, target: str) -> None:
    kit.line(title, f"{one.median(figure) / other.median(figure):.2f}", target)


if __name__ == "__main__":
    main()
