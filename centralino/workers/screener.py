"""The endless ARI monitor: decides about every caller in Stasis from memory, and reports it.

One thread per PBX server talks to Asterisk (an event loop of its own), another one to the database:
it refreshes the lists and stores the results. So screening continues while the database is
unavailable, and results wait.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from django.db import connections

from centralino.clients.ari import HttpAri
from centralino.events import AriEvent, CallBlocked, CallPassed
from centralino.hidden_callers import HOLD_S, PRESENTATION, of_channel
from centralino.models import PbxServer
from centralino.services import screened
from centralino.services.servers import secret
from centralino.state_store import CONTEXT, NAME, ScreeningState, StateStore, in_stasis
from centralino.types import Ari, ChannelGone, Decision, Superseded, Verdict
from centralino.workers.per_server import run_per_server
from core.lib.numbers import masked
from core.lib.texts import without_control
from core.lib.upstream import UpstreamError
from core.realtime.publish import publish
from core.workers.database import DatabaseGuard
from core.workers.leader import Leadership, run_as_leader

logger = logging.getLogger(__name__)

EXTEN: Final = "s"
BEGINS: Final = "ChannelCreated"
READ_ALL_S: Final = 60.0  # the lists, which may be long
CONNECT_S: Final = 15.0
CHECK_EVERY_S: Final = 0.25  # that it still leads
ENDPOINTS_EVERY_S: Final = 10.0
MAX_SOUND_S: Final = 60.0
RETRY_S: Final = 1.0  # a decision that failed: Asterisk announces a caller only once


def run_screening(stopping: threading.Event) -> None:
    """Screen the callers of every enabled server with ARI until `stopping` is set."""
    run_per_server(
        NAME,
        screen,
        stopping,
        applies=lambda server: bool(server.ari_url),
        forget_others=screened.forget_other_states,
    )


def screen(server: PbxServer, stopping: threading.Event) -> None:
    """Screen the callers of one server until `stopping` is set; of several replicas one does."""
    name = f"{NAME}.{server.name}"
    # Callers are let in while nobody screens them: go on without the database.
    leadership = Leadership(name, DatabaseGuard(name), outlives_database=True)
    state = ScreeningState(server.name)
    state_store = StateStore(state, leadership)

    def lead() -> None:
        leadership.check(round_s=READ_ALL_S)
        state_store.read_all()
        while leadership.check(round_s=CONNECT_S) and not stopping.is_set():
            leadership.wait(stopping, _serve(server, state, state_store, leadership, stopping))
        state_store.close()

    run_as_leader(leadership, lead, stopping)


def _serve(
    server: PbxServer,
    state: ScreeningState,
    state_store: StateStore,
    leadership: Leadership,
    stopping: threading.Event,
) -> float:
    """One connection until it drops, another leads or `stopping` is set.

    Returns the seconds to wait before the next.
    """
    ari = HttpAri(
        server.ari_url,
        user=server.ari_user,
        password=secret(server.name, "ARI_PASSWORD"),
        app=server.ari_app,
    )

    def goes_on() -> bool:
        try:
            return not stopping.is_set() and leadership.check()
        finally:
            connections.close_all()  # of a thread of asyncio

    async def connect() -> None:
        async with ari:
            await Screener(ari, state, state_store, server).run(goes_on)

    try:
        with state_store.running():
            asyncio.run(connect())
    except Superseded as exc:
        # Asterisk knows no two applications of one name. Who takes it back without being sure of
        # the lease fights the new leader for the callers.
        leadership.doubt()
        return state_store.note_drop(exc)
    except UpstreamError as exc:
        return state_store.note_drop(exc)
    except Exception as exc:  # a bug of ours is no reason to stop screening
        logger.exception("%s.failing", NAME)
        return state_store.note_drop(UpstreamError(f"{type(exc).__name__} in the monitor"))
    return 0.0


class Screener:
    """One connection: callers that already wait are screened first, then new ones."""

    def __init__(
        self,
        ari: Ari,
        state: ScreeningState,
        state_store: StateStore,
        server: PbxServer | None = None,
    ) -> None:
        self._ari, self._state, self._state_store = ari, state, state_store
        self._hidden = state.hidden
        server = server or PbxServer()
        self._respect_hidden = server.respect_hidden
        self._without_plus = server.e164_without_plus
        self._tasks: set[asyncio.Task[None]] = set()
        self._playing: dict[str, asyncio.Event] = {}  # by channel id

    async def run(self, goes_on: Callable[[], bool]) -> None:
        """Until `goes_on`, asked in each round of this loop, is False (returns) or the connection
        drops (UpstreamError)."""
        async with self._ari.events() as events:
            following = asyncio.create_task(self._follow(events))
            polling = asyncio.create_task(self._poll_endpoints())
            leaving = asyncio.create_task(_until_over(goes_on))
            try:
                await self._catch_up()
                self._state.connected = True
                self._state.changes += 1
                self._state_store.note_recovery()
                tasks = [following, polling, leaving]
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self._state.connected = False
                self._state.changes += 1
                for task in (following, polling, leaving, *self._tasks):
                    task.cancel()
                await asyncio.gather(
                    following, polling, leaving, *self._tasks, return_exceptions=True
                )

    async def _catch_up(self) -> None:
        """Read the current state, and screen the callers that are already waiting.

        Asterisk sends no second StasisStart for them.
        """
        self._note_due()
        for channel in filter(in_stasis, await self._ari.channels()):
            await self._is_hidden(channel)
        found = {str(channel["id"]): channel for channel in await self._ari.channels()}
        self._hidden.keep(found)
        channels = self._state.channels = self._hidden.masked(found)
        self._state.endpoints = await self._ari.endpoints()
        self._state.passed = {
            channel_id: numbers
            for channel_id, numbers in (
                self._state.passed
                | await asyncio.to_thread(self._state_store.passed, list(channels))
            ).items()
            if channel_id in channels
        }
        for channel_id, channel in found.items():
            if in_stasis(channel):
                self._start(self._screen(channel))
            elif channel.get("state") == "Up":  # perhaps answered while disconnected
                self._note_answered(channel_id)

    async def _follow(self, events: Any) -> None:
        async for event in events:
            kind = event.get("type")
            channel = event.get("channel")
            if (
                kind == "StasisStart"
                and isinstance(channel, dict)
                and not event.get("replace_channel")
            ):
                self._start(self._screen(channel))
            for shown in self._shown(event):
                self._note(shown)

    def _shown(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """What may be known now that the event has come, without numbers that are hidden."""
        channel = event.get("channel") or event.get("caller")
        if not (self._respect_hidden and isinstance(channel, dict)):
            return [self._hidden.masked(event)]
        channel_id, now, kind = str(channel.get("id")), time.monotonic(), event.get("type")
        shown = self._hidden.pass_on(
            event,
            now,
            channel=channel_id,
            number=_number(channel),
            hidden=None if kind == BEGINS else of_channel(channel, _argument(channel, 1)),
            begins=kind == BEGINS and channel.get("state") == "Ring",
        )
        if kind == BEGINS and not shown:
            asyncio.get_running_loop().call_later(HOLD_S, self._note_due)
        elif kind == "ChannelDestroyed":
            self._hidden.end(channel_id, now)
        return shown

    def _note_due(self) -> None:
        for event in self._hidden.due(time.monotonic()):
            self._note(event)

    def _note(self, event: dict[str, Any]) -> None:
        """Publish the event, and keep what it says."""
        publish([AriEvent(self._state.server, event)])
        kind, channel = event.get("type"), event.get("channel")
        if isinstance(channel, dict) and isinstance(channel.get("id"), str):
            self._note_channel(kind, channel["id"], channel)
        elif kind == "Dial" and event.get("dialstatus") == "ANSWER":
            self._note_answered((event.get("caller") or {}).get("id", ""))
        elif kind == "PlaybackFinished":
            self._note_played(event)
        elif kind in ("EndpointStateChange", "PeerStatusChange"):
            self._start(self._read_endpoints())

    def _note_channel(self, kind: Any, channel_id: str, channel: dict[str, Any]) -> None:
        self._state.changes += 1
        if kind == "ChannelDestroyed":
            self._state.channels.pop(channel_id, None)
            self._state.passed.pop(channel_id, None)
            return
        if kind != "StasisEnd" or channel_id in self._state.channels:
            self._state.channels[channel_id] = channel
        if channel.get("state") == "Up":
            self._note_answered(channel_id)

    def _note_answered(self, channel_id: str) -> None:
        """Blacklist for a while a caller who was let through and has been answered."""
        number, called = self._state.passed.pop(channel_id, ("", ""))
        hours = self._state.screening.rule(called).answered_hours
        if number and hours:
            self._state.screening.blocked.put(number, int(time.time()) + hours * 3600)
            self._state.blacklisted += 1
            self._state_store.write_answered(number, hours)

    def _note_played(self, event: dict[str, Any]) -> None:
        target = str((event.get("playback") or {}).get("target_uri", "")).removeprefix("channel:")
        if (playing := self._playing.get(target)) is not None:
            playing.set()

    async def _screen(self, channel: dict[str, Any]) -> None:
        """Decide, carry it out in Asterisk, then report it."""
        channel_id = str(channel["id"])
        caller, called = _number(channel), _called(channel)
        hidden = await self._is_hidden(channel)
        decision = self._state.screening.decide(
            "" if hidden else caller,
            called,
            time.time(),
            channel_id=channel_id,
            said=_texts(channel),
            without_plus=self._without_plus,
        )
        while (done := await self._carry_out(decision, channel_id, called)) is None:
            await asyncio.sleep(RETRY_S)
        if done:
            caller, called = without_control(caller), without_control(called)
            caller = masked(caller) if hidden else caller
            self._report(channel_id, caller, called, decision)

    async def _is_hidden(self, channel: dict[str, Any]) -> bool:
        """Whether the caller has asked not to show the number, which the carrier passed on."""
        channel_id, number = str(channel["id"]), _number(channel)
        if not self._respect_hidden or not number:
            return False
        hidden = of_channel(channel, _argument(channel, 1))
        if hidden is None:
            with suppress(UpstreamError):  # unknown: as it was sent
                said = await self._ari.variable(channel_id, PRESENTATION)
                hidden = of_channel(channel, said)
        for event in self._hidden.resolve(channel_id, number, hidden=bool(hidden)):
            self._note(event)
        return bool(hidden)

    async def _carry_out(self, decision: Decision, channel_id: str, called: str) -> bool | None:
        """Whether it was carried out: False if the caller is gone, None if Asterisk failed."""
        try:
            if decision.verdict is Verdict.PASSED:
                if decision.number:
                    self._state.passed[channel_id] = (decision.number, called)
                await self._ari.proceed(channel_id, context=CONTEXT, exten=EXTEN, priority=1)
            else:
                await self._block(channel_id, called)
        except UpstreamError as exc:
            self._state.passed.pop(channel_id, None)
            if isinstance(exc, ChannelGone):  # the caller has hung up meanwhile
                return False
            logger.warning("%s.unanswered server=%s error=%s", NAME, self._state.server, exc)
            return None
        return True

    async def _block(self, channel_id: str, called: str) -> None:
        rule = self._state.screening.rule(called)
        if rule.sound:
            await self._play(channel_id, rule.sound)
        await self._ari.hang_up(channel_id, reason=rule.hangup_reason)

    async def _play(self, channel_id: str, sound: str) -> None:
        """Play it to the end; a sound that cannot be played must not let the caller in."""
        over = self._playing[channel_id] = asyncio.Event()
        try:
            async with asyncio.timeout(MAX_SOUND_S):
                await self._ari.play(channel_id, sound, playback_id=f"refused-{channel_id}")
                await over.wait()
        except (UpstreamError, TimeoutError) as exc:
            logger.warning("%s.sound_not_played sound=%s error=%s", NAME, sound, exc)
        finally:
            del self._playing[channel_id]

    def _report(self, channel_id: str, caller: str, called: str, decision: Decision) -> None:
        event = CallPassed if decision.verdict is Verdict.PASSED else CallBlocked
        server, at = self._state.server, time.time()
        publish([event(server, channel_id, caller, called, decision, int(at))])
        self._state_store.write_screened(
            screened.Screened(server, channel_id, caller, called, decision, at)
        )

    async def _poll_endpoints(self) -> None:
        while True:
            await asyncio.sleep(ENDPOINTS_EVERY_S)
            await self._read_endpoints()

    async def _read_endpoints(self) -> None:
        self._state.endpoints = await self._ari.endpoints()
        self._state.changes += 1

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(self._contained(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _contained(self, work: Any) -> None:
        try:
            await work
        except UpstreamError as exc:
            logger.warning("%s.failed server=%s error=%s", NAME, self._state.server, exc)
        except Exception:
            logger.exception("%s.failing", NAME)


async def _until_over(goes_on: Callable[[], bool]) -> None:
    while await asyncio.to_thread(goes_on):  # which may ask the database
        await asyncio.sleep(CHECK_EVERY_S)


def _texts(value: Any) -> Iterator[str]:
    """Every text in what Asterisk says of a channel: a caller's words may be in any of them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _number(channel: dict[str, Any]) -> str:
    """The caller's number, as it was sent."""
    return str((channel.get("caller") or {}).get("number") or "")


def _called(channel: dict[str, Any]) -> str:
    """The line that was called: the application's argument, or where the caller is."""
    return _argument(channel, 0) or str((channel.get("dialplan") or {}).get("exten", ""))


def _argument(channel: dict[str, Any], place: int) -> str:
    """An argument that the dialplan gave to the application; empty: none."""
    _, *arguments = str((channel.get("dialplan") or {}).get("app_data") or "").split(",")
    return arguments[place] if place < len(arguments) else ""
