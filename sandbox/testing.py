"""The sandbox inside a test: real servers on loopback in a thread, their clock the test's."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from aiohttp import web

from sandbox.ami import AmiServer
from sandbox.app import Upstream, build_app
from sandbox.ari import AriServer
from sandbox.cdn import CdnServer
from sandbox.faults import Faults
from sandbox.ledger import Ledger
from sandbox.lotto_site import LottoSiteServer
from sandbox.openrouter import OpenRouterServer
from sandbox.operator import LottoOperatorServer
from sandbox.push import PushStream
from sandbox.switchboard import PlannedCall, Switchboard, invented_call, live_call
from sandbox.telegram import TelegramServer
from sandbox.televideo import TelevideoServer
from sandbox.television import TelevisionServer
from sandbox.webcom import PREFIX, WebcomServer

if TYPE_CHECKING:
    from sandbox.television import DrawScene

TOKEN: Final = "sandbox-test-token"
EVENING: Final = 1_760_032_800.0  # 2025-10-09 20:00 in Rome, a busy hour
TIMEOUT_S: Final = 10
T = TypeVar("T")
S = TypeVar("S")


def _wait(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the servers' loop from the test's thread; its result."""
    return asyncio.run_coroutine_threadsafe(work, loop).result(TIMEOUT_S)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], T]) -> T:
    """Call a function in the servers' thread; its result."""

    async def call() -> T:
        return function()

    return _wait(loop, call())


class ManualClock:
    """Returns the time that the test sets."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class RunningSandbox:
    """Handle of a running sandbox. Methods may be called from the test's thread."""

    base_url: str  # WEBCOM_URL
    push_url: str  # WEBCOM_PUSH_URL
    control_url: str
    token: str
    faults: Faults
    clock: ManualClock
    carrier: WebcomServer
    loop: asyncio.AbstractEventLoop

    def advance(self, seconds: float) -> None:
        """Let time pass: what becomes due happens and is pushed before this returns."""
        self.clock.now += seconds
        self._inside(self.carrier.catch_up)

    def place_call(
        self,
        *,
        caller: str = "331234567",
        line_id: str = "Sickprod90TLW",
        ring_s: float = 3,
        talk_s: int = 60,
    ) -> str:
        """A call that rings now; its id."""

        def place() -> str:
            ledger, now = self.carrier.ledger, self.clock.now
            plan = ledger.place_call(
                now=now,
                line_id=line_id,
                caller=caller,
                operator="TIM",
                ring_s=ring_s,
                talk_s=talk_s,
            )
            return plan.call_id

        call_id = self._inside(place)
        self.advance(0)
        return call_id

    def send_frame(self, frame: str) -> None:
        """Send a text frame as it is to every client of the push."""
        self._inside(lambda: self.carrier.stream.broadcast(frame))

    def drop_push(self) -> None:
        """Cut every push connection without a close handshake."""
        self._inside(self.carrier.stream.drop)

    def close_push(self) -> None:
        """Close every push connection with a close handshake."""
        _wait(self.loop, self.carrier.stream.close())

    def _inside(self, function: Callable[[], T]) -> T:
        return _call(self.loop, function)


@contextmanager
def running_sandbox(
    *,
    now: float = EVENING,
    seed: int = 1,
    per_day: float = 300,
    ping_s: float = 15,
    ticking: bool = False,
) -> Iterator[RunningSandbox]:
    """A sandbox on a free port of 127.0.0.1 until the block ends.

    Time stands at `now` (epoch s) until `advance`; with `ticking` the carrier follows its clock by
    itself.
    """
    clock, faults = ManualClock(now), Faults()
    ledger = Ledger(now=now, seed=seed, per_day=per_day)
    carrier = WebcomServer(
        ledger, token=TOKEN, stream=PushStream(ping_s=ping_s), clock=clock, ticking=ticking
    )
    with _serving(carrier.upstream(), faults) as (base, loop):
        yield RunningSandbox(
            base_url=base + PREFIX,
            push_url=f"{base.replace('http', 'ws', 1)}{PREFIX}/stream",
            control_url=f"{base}/_sandbox",
            token=TOKEN,
            faults=faults,
            clock=clock,
            carrier=carrier,
            loop=loop,
        )


async def _started(runner: web.AppRunner) -> int:
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return int(runner.addresses[0][1])


AMI_USER: Final = "gateway"
AMI_SECRET: Final = "sandbox-ami-secret"


@dataclass(frozen=True)
class RunningAmi:
    """Handle of a running manager. Methods may be called from the test's thread."""

    port: int
    clock: ManualClock
    server: AmiServer
    loop: asyncio.AbstractEventLoop

    def send_raw(self, raw: bytes) -> None:
        """Send bytes as they are to every session that is logged in."""
        self.inside(lambda: self.server.send_raw(raw))

    def happens(self, what: dict[str, str]) -> None:
        """Let an event happen on the switchboard."""
        self.inside(lambda: self.server.switchboard.happens(what, now=self.clock()))

    def drop(self) -> None:
        """Cut every connection without a closing message."""
        self.inside(self.server.drop)

    def shut_down(self) -> None:
        """Stop as Asterisk does on command; new connections are still accepted."""
        self.inside(self.server.shut_down)

    def inside(self, function: Callable[[], T]) -> T:
        """Call `function` in the server's thread."""

        return _call(self.loop, function)


@contextmanager
def running_ami(*, now: float = EVENING) -> Iterator[RunningAmi]:
    """A manager on a free port of 127.0.0.1 until the block ends, its switchboard empty."""
    clock = ManualClock(now)
    server = AmiServer(Switchboard(), user=AMI_USER, secret=AMI_SECRET, clock=clock)
    with _loop_in_thread("sandbox-ami") as loop:
        listener = _wait(loop, asyncio.start_server(server.serve, "127.0.0.1", 0))
        running = RunningAmi(listener.sockets[0].getsockname()[1], clock, server, loop)
        try:
            yield running
        finally:
            loop.call_soon_threadsafe(listener.close)
            running.drop()


@contextmanager
def _loop_in_thread(name: str) -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=name, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT_S)
        loop.close()


ARI_USER: Final = "anti-spam"
ARI_PASSWORD: Final = "sandbox-ari-password"


@dataclass(frozen=True)
class RunningAri:
    """Handle of a running ARI. Methods may be called from the test's thread."""

    url: str
    faults: Faults
    server: AriServer
    loop: asyncio.AbstractEventLoop

    def ring(self, call: PlannedCall) -> Future[Any]:
        """Let a caller ring in; done when the call is over."""
        return asyncio.run_coroutine_threadsafe(
            live_call(call, self.server.switchboard, self.server.clock), self.loop
        )

    def ring_unscreened(self) -> Future[str]:
        """A caller who is in Stasis already; the result is why they are refused, or ''."""

        async def wait() -> str:
            call = invented_call(9, now=EVENING, dice=Random(3))
            _, arrival = next(call.steps())
            self.server.switchboard.happens(arrival, now=self.server.clock())
            decision = asyncio.get_running_loop().create_future()
            self.server.waiting[arrival["Uniqueid"]] = decision
            return str(await decision)

        return asyncio.run_coroutine_threadsafe(wait(), self.loop)

    def drop(self) -> None:
        """Cut the application's socket without a close handshake."""
        self.loop.call_soon_threadsafe(self.server.cut)

    def freeze(self) -> None:
        """Send nothing any more, for the rest of the test."""
        self.loop.call_soon_threadsafe(time.sleep, 2)


@contextmanager
def running_ari() -> Iterator[RunningAri]:
    """An ARI on a free port of 127.0.0.1 until the block ends, its switchboard empty."""
    faults = Faults()
    server = AriServer(Switchboard(), user=ARI_USER, password=ARI_PASSWORD)
    with _serving(server.upstream(), faults) as (base, loop):
        yield RunningAri(f"{base}/ari", faults, server, loop)


@dataclass(frozen=True)
class Running(Generic[S]):
    """Handle of a running part of the sandbox."""

    url: str  # as the gateway's setting wants it
    faults: Faults
    server: S


@dataclass(frozen=True)
class Timed(Running[S]):
    """One whose time stands until the test moves it."""

    clock: ManualClock


RunningCdn = Timed[CdnServer]
RunningOperator = Timed[LottoOperatorServer]
RunningTelegram = Running[TelegramServer]
RunningOpenRouter = Timed[OpenRouterServer]
RunningLottoSite = Timed[LottoSiteServer]
RunningTelevideo = Timed[TelevideoServer]
RunningTelevision = Running[TelevisionServer]


@contextmanager
def running_cdn(*, now: float = EVENING) -> Iterator[RunningCdn]:
    """A streaming network on a free port of 127.0.0.1 until the block ends; its time stands."""
    faults, clock = Faults(), ManualClock(now)
    server = CdnServer(clock=clock)
    with _serving(server.upstream(), faults) as (base, _):
        yield RunningCdn(f"{base}/cdn", faults, server, clock)


@contextmanager
def running_operator(*, now: float = EVENING) -> Iterator[RunningOperator]:
    """A Lotto operator on a free port of 127.0.0.1 until the block ends; its time stands."""
    faults, clock = Faults(), ManualClock(now)
    server = LottoOperatorServer(clock=clock)
    with _serving(server.upstream(), faults) as (base, _):
        yield RunningOperator(f"{base}/lotto/storico.zip", faults, server, clock)


BOT_TOKEN: Final = "1234:sandbox-bot-token"
CHAT: Final = "-100200300"


@contextmanager
def running_telegram() -> Iterator[RunningTelegram]:
    """A Telegram with one bot and one chat on a free port of 127.0.0.1 until the block ends."""
    faults, server = Faults(), TelegramServer(token=BOT_TOKEN, chat=CHAT)
    with _serving(server.upstream(), faults) as (base, _):
        yield RunningTelegram(f"{base}/telegram", faults, server)


AI_KEY: Final = "sk-or-v1-sandbox-key"


@contextmanager
def running_openrouter(*, now: float = EVENING) -> Iterator[RunningOpenRouter]:
    """An OpenRouter on a free port of 127.0.0.1 until the block ends; its time stands."""
    faults, clock = Faults(), ManualClock(now)
    server = OpenRouterServer(key=AI_KEY, clock=clock)
    with _serving(server.upstream(), faults) as (base, _):
        yield RunningOpenRouter(f"{base}/openrouter/v1", faults, server, clock)


SITE_USER: Final = "gateway"
SITE_PASSWORD: Final = "sandbox-site-password"


@contextmanager
def running_lotto_site(*, now: float | None = None) -> Iterator[RunningLottoSite]:
    """A Lotto site on a free port of 127.0.0.1 until the block ends; its time stands."""
    faults, clock = Faults(), ManualClock(time.time() if now is None else now)
    server = LottoSiteServer(user=SITE_USER, password=SITE_PASSWORD, clock=clock)
    with _serving(server.upstream(), faults) as (base, _):
        yield RunningLottoSite(f"{base}/lotto-site", faults, server, clock)


@contextmanager
def running_televideo(*, now: float = EVENING) -> Iterator[RunningTelevideo]:
    """A page of text on a free port of 127.0.0.1 until the block ends; its time stands."""
    faults, clock = Faults(), ManualClock(now)
    server = TelevideoServer(clock=clock)
    with _serving(server.upstream(), faults) as (base, _):
        yield RunningTelevideo(f"{base}/televideo/691", faults, server, clock)


@contextmanager
def running_television(
    *,
    clock: Callable[[], float] = time.time,
    segment_s: float = 1.0,
    draw: DrawScene | None = None,
) -> Iterator[RunningTelevision]:
    """A television on a free port of 127.0.0.1 until the block ends.

    `draw` as for `TelevisionServer`. The video runs in real time, whatever `clock` says.
    """
    faults, server = Faults(), TelevisionServer(clock=clock, segment_s=segment_s, draw=draw)
    with _serving(server.upstream(), faults) as (base, _):
        yield RunningTelevision(f"{base}/tv/live.m3u8", faults, server)


@contextmanager
def _serving(upstream: Upstream, faults: Faults) -> Iterator[tuple[str, asyncio.AbstractEventLoop]]:
    """A sandbox with this one part: its address, and the loop it runs in."""
    with _loop_in_thread(f"sandbox-{upstream.name}") as loop:
        app = build_app([upstream], faults)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        try:
            yield f"http://127.0.0.1:{_wait(loop, _started(runner))}", loop
        finally:
            _wait(loop, runner.cleanup())
