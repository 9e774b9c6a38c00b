"""The ARI monitor against the sandbox's ARI: decisions, restarts, faults, no database."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from centralino import state_store
from centralino.clients import ari
from centralino.models import LineRule, ListEntry, LiveState, PbxServer, ScreenedCall
from centralino.services import lists, screened
from centralino.state_store import ScreeningState
from centralino.tests.threads import SOON_S, in_thread, soon
from centralino.workers import screener
from core.lib.numbers import canonical
from core.workers import leader
from core.workers import services as workers
from core.workers.models import Health, WorkerStatus
from sandbox.switchboard import PlannedCall
from sandbox.testing import ARI_PASSWORD, ARI_USER, RunningAri, running_ari

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning"),
]
CALLER = "3331234567"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "BACKOFF_FIRST_S", 0.1)
    for module, name in (
        (leader, "STAND_BY_S"),
        (screener, "RETRY_S"),
        (state_store, "SYNC_EVERY_S"),
        (state_store, "RULES_EVERY_S"),
    ):
        monkeypatch.setattr(module, name, 0.02)


@pytest.fixture
def asterisk() -> Iterator[RunningAri]:
    with running_ari() as asterisk:
        yield asterisk


@pytest.fixture
def server(asterisk: RunningAri, settings: Any) -> PbxServer:
    settings.ASTERISK_SERVERS = {"asterisk_1": {"ARI_PASSWORD": ARI_PASSWORD}}
    return PbxServer.objects.create(name="asterisk_1", ari_url=asterisk.url, ari_user=ARI_USER)


@contextmanager
def screening(server: PbxServer) -> Iterator[None]:
    with in_thread(lambda stopping: screener.screen(server, stopping)):
        yield


def is_screening() -> bool:
    state = LiveState.objects.filter(key="asterisk_1.ari").first()
    return state is not None and state.document["status"]["websocket"] == "connected"


def ring(asterisk: RunningAri, caller: str = CALLER, *, number: int = 1) -> Future[Any]:
    """A caller rings in and, if let through, is answered and hangs up."""
    return asterisk.ring(
        PlannedCall(
            number=number, started_at=1_795_361_862, caller=caller, called="899748963",
            phone="105", outcome="ANSWER", ring_s=0, talk_s=0,
        )
    )  # fmt: skip


def are_stored(count: int) -> bool:
    return ScreenedCall.objects.count() == count


def verdicts() -> list[tuple[str, str]]:
    return list(ScreenedCall.objects.order_by("at", "id").values_list("verdict", "why"))


def test_a_clean_caller_passes_and_is_blocked_once_answered(published_events, asterisk, server):
    with screening(server):
        assert soon(is_screening)
        ring(asterisk).result(SOON_S)
        assert soon(ListEntry.objects.exists)
        ring(asterisk, "+39 333 1234567", number=2).result(SOON_S)
        assert soon(lambda: len(verdicts()) == 2)
    assert verdicts() == [("passed", "clean"), ("blocked", "blacklist")]
    entry = ListEntry.objects.get()
    assert (entry.number, entry.reason, entry.hits) == ("+393331234567", "answered-24h", 1)
    assert timedelta(hours=23.9) < entry.expires_at - timezone.now() < timedelta(hours=24)
    [passed], [blocked], [added] = (
        published_events.of(kind) for kind in ("call_passed", "call_blocked", "blacklist_added")
    )
    assert (passed["number"], passed["called"], passed["reason"]) == (CALLER, "899748963", "clean")
    assert (blocked["e164"], blocked["reason"]) == ("+393331234567", "blacklist")
    assert (added["number"], added["permanent"]) == (CALLER, 0)
    kinds = [message["event"] for message in published_events.of("ari_event")]
    assert kinds[:2] == ["ChannelCreated", "StasisStart"]
    assert "ChannelDestroyed" in kinds


def test_a_forged_caller_is_refused_and_the_history_says_so(published_events, asterisk, server):
    with screening(server):
        assert soon(is_screening)
        ring(asterisk, f"{CALLER}\r\n\r\nEvent: Hangup\r\nUniqueid: 9.9").result(SOON_S)
        assert soon(lambda: verdicts() == [("blocked", "forged")])
    call = ScreenedCall.objects.get()
    assert (call.caller, call.number) == (f"{CALLER}    Event: Hangup  Uniqueid: 9.9", "")
    assert call.get_why_display() == "contraffatto"
    [blocked] = published_events.of("call_blocked")
    assert (blocked["number"], blocked["reason"]) == (call.caller, "forged")


@pytest.mark.parametrize("presentation", ["prohib", "prohib_passed_screen", "prohib_not_screened"])
def test_a_caller_who_hides_the_number_is_anonymous(
    published_events, asterisk, server, presentation
):
    asterisk.server.presentation = presentation
    lists.allow_number(canonical(CALLER), hours=None)
    with screening(server):
        assert soon(is_screening)
        ring(asterisk).result(SOON_S)
        assert soon(lambda: verdicts() == [("blocked", "anonymous")])
    call = ScreenedCall.objects.get()
    assert (call.caller, call.number) == ("333*******", "")
    [blocked] = published_events.of("call_blocked")
    assert (blocked["number"], blocked["e164"]) == ("333*******", "")
    texts = [*map(str, published_events), str(LiveState.objects.get().document)]
    assert not any(CALLER in text for text in texts)
    kinds = [message["event"] for message in published_events.of("ari_event")]
    assert kinds[:2] == ["ChannelCreated", "StasisStart"]


def test_the_rule_of_a_trunk_without_plus_is_the_server_s(published_events, asterisk, server):
    server.e164_without_plus = True
    lists.blacklist_number("+4412345678", hours=None)
    with screening(server):
        assert soon(is_screening)
        ring(asterisk, "4412345678").result(SOON_S)
        assert soon(lambda: verdicts() == [("blocked", "blacklist")])


def test_a_repeated_caller_is_refused_and_remembered_by_the_next_process(
    published_events, asterisk, server
):
    LineRule.objects.create(block_repeated=True, answered_hours=0)
    for number in (1, 2):
        with screening(server):
            assert soon(is_screening)
            ring(asterisk, number=number).result(SOON_S)
            assert soon(partial(are_stored, number))
    assert verdicts() == [("passed", "clean"), ("blocked", "repeated")]


def test_a_server_may_take_hidden_numbers_as_they_are(published_events, asterisk, server):
    asterisk.server.presentation = "prohib"
    server.respect_hidden = False
    with screening(server):
        assert soon(is_screening)
        ring(asterisk).result(SOON_S)
        assert soon(lambda: verdicts() == [("passed", "clean")])
    assert ScreenedCall.objects.get().caller == CALLER


def test_the_dialplan_may_pass_the_presentation():
    app_data = "anti-spam,899748963,prohib_passed_screen"
    channel = {"id": "1.1", "dialplan": {"app_data": app_data}, "caller": {"number": CALLER}}
    unasked = screener.Screener(None, ScreeningState("asterisk_1"), None)
    assert asyncio.run(unasked._is_hidden(channel))
    channel["dialplan"] = {"app_data": "anti-spam,899748963,allowed"}
    assert not asyncio.run(unasked._is_hidden(channel))


def test_callers_are_blocked_before_anything_rings(published_events, asterisk, server):
    lists.blacklist_number(canonical(CALLER), hours=None)
    with screening(server):
        assert soon(is_screening)
        ring(asterisk, "anonymous").result(SOON_S)
        ring(asterisk, CALLER, number=2).result(SOON_S)
        assert soon(lambda: len(verdicts()) == 2)
    assert verdicts() == [("blocked", "anonymous"), ("blocked", "blacklist")]
    created = [m for m in published_events.of("ari_event") if m["event"] == "ChannelCreated"]
    assert len(created) == 2  # the callers' own channels only


def test_what_staff_change_counts_within_a_moment(published_events, asterisk, server):
    with screening(server):
        assert soon(is_screening)
        LineRule.objects.create(called="", answered_hours=0)
        time.sleep(0.2)
        for number, expected in enumerate(("passed", "blocked", "passed"), 1):
            if expected == "blocked":
                lists.blacklist_number(canonical(CALLER), hours=1)
            elif number == 3:
                lists.release_number(canonical(CALLER))
            time.sleep(0.2)
            ring(asterisk, number=number).result(SOON_S)
            assert soon(partial(are_stored, number))
    assert [verdict for verdict, _ in verdicts()] == ["passed", "blocked", "passed"]


def test_a_caller_waiting_in_stasis_is_screened_by_the_next(published_events, asterisk, server):
    waiting = asterisk.ring_unscreened()
    with screening(server):
        assert waiting.result(SOON_S) == ""
        assert soon(lambda: verdicts() == [("passed", "clean")])


def test_a_sound_is_played_before_hanging_up(published_events, asterisk, server):
    LineRule.objects.create(called="899748963", sound="sound:ss-noservice", hangup_reason="busy")
    with screening(server):
        assert soon(is_screening)
        ring(asterisk, "anonymous").result(SOON_S)
        assert soon(lambda: verdicts() == [("blocked", "anonymous")])
    assert "PlaybackFinished" in [message["event"] for message in published_events.of("ari_event")]


def test_a_sound_that_cannot_be_played_lets_nobody_in(published_events, asterisk, server):
    LineRule.objects.create(called="", sound="sound:none")
    asterisk.faults.arm("answer", "ari.play", status=500)
    with screening(server):
        assert soon(is_screening)
        ring(asterisk, "anonymous").result(SOON_S)
        assert soon(lambda: verdicts() == [("blocked", "anonymous")])


@pytest.mark.parametrize(
    ("caller", "what", "verdict"),
    [
        (CALLER, "ari.proceed", ("passed", "clean")),
        ("anonymous", "ari.hang_up", ("blocked", "anonymous")),
    ],
)
def test_a_failed_request_to_asterisk_is_repeated(
    published_events, asterisk, server, caller, what, verdict
):
    asterisk.faults.arm("answer", what, times=2, status=500)
    with screening(server):
        assert soon(is_screening)
        ring(asterisk, caller).result(SOON_S)
        assert soon(lambda: verdicts() == [verdict])
    assert asterisk.faults.listed() == []


def test_screening_continues_while_the_database_is_unavailable(
    published_events, asterisk, server, monkeypatch
):
    unavailable = threading.Event()
    store, listing = screened.store, lists.blacklist_number

    def guarded(work: Callable[..., Any]) -> Callable[..., Any]:
        def if_there(*args: Any, **options: Any) -> Any:
            if unavailable.is_set():
                raise OperationalError("the database is unavailable")
            return work(*args, **options)

        return if_there

    monkeypatch.setattr(screened, "store", guarded(store))
    monkeypatch.setattr(lists, "blacklist_number", guarded(listing))
    with screening(server):
        assert soon(is_screening)
        unavailable.set()
        ring(asterisk).result(SOON_S)
        assert soon(lambda: len(published_events.of("call_passed")) == 1)
        ring(asterisk, number=2).result(SOON_S)
        assert soon(lambda: len(published_events.of("call_blocked")) == 1)
        assert not ScreenedCall.objects.exists()
        unavailable.clear()
        assert soon(lambda: len(verdicts()) == 2 and ListEntry.objects.exists())


def test_the_state_is_renewed_though_nothing_changes(
    published_events, asterisk, server, monkeypatch
):
    monkeypatch.setattr(state_store, "BEAT_EVERY_S", 0.1)
    with screening(server):
        assert soon(is_screening)
        first = LiveState.objects.get().updated_at
        assert soon(lambda: LiveState.objects.get().updated_at > first + timedelta(seconds=0.2))


def test_a_drop_is_recovered_and_logged_once(published_events, asterisk, server, caplog):
    with screening(server):
        assert soon(is_screening)
        asterisk.faults.arm("answer", "ari.channels", times=2, status=503)
        asterisk.drop()
        assert soon(lambda: not is_screening())
        assert soon(is_screening)
        ring(asterisk).result(SOON_S)
        assert soon(lambda: verdicts() == [("passed", "clean")])
    assert caplog.text.count("worker.failed name=asterisk.ari.asterisk_1") == 1


def test_a_frozen_asterisk_is_noticed(published_events, asterisk, server, monkeypatch):
    monkeypatch.setattr(ari, "PING_S", 0.3)
    with screening(server):
        assert soon(is_screening)
        asterisk.freeze()
        assert soon(lambda: not is_screening())


def test_the_password_is_shown_nowhere(published_events, asterisk, server, settings, caplog):
    settings.ASTERISK_SERVERS = {"asterisk_1": {"ARI_PASSWORD": "not-the-right-one"}}
    with screening(server):
        assert soon(lambda: WorkerStatus.objects.filter(health=Health.DOWN).exists())
    job = WorkerStatus.objects.get(name="asterisk.ari.asterisk_1")
    assert "HTTP 401" in job.last_error
    assert "not-the-right-one" not in caplog.text + job.last_error
