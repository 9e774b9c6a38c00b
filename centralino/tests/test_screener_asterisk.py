"""Call screening and the real Asterisk."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from centralino.models import LineRule, ListEntry, LiveState, ScreenedCall
from centralino.selectors import live
from centralino.services import lists
from centralino.tests import threads
from centralino.tests.bed import CALLED, Bed, hang_up
from centralino.tests.threads import in_thread
from centralino.workers import screener
from core.lib.numbers import canonical
from core.tests.published import PublishedEvents

pytestmark = [
    pytest.mark.django_db(transaction=True),
]
soon = partial(threads.soon, within_s=20)  # a real Asterisk takes seconds
CALLER = "3478893084"


def channels_created(published_events: PublishedEvents) -> int:
    return sum(message.get("event") == "ChannelCreated" for message in published_events)


@contextmanager
def screening(bed: Bed) -> Iterator[None]:
    server = bed.server(tunnel=False)
    server.save()
    try:
        with in_thread(lambda stopping: screener.screen(server, stopping)):
            assert soon(is_screening)
            yield
    finally:
        server.delete()


def is_screening() -> bool:
    state = LiveState.objects.filter(key="asterisk_1.ari").first()
    return state is not None and state.document["status"]["websocket"] == "connected"


def verdicts() -> list[tuple[str, str]]:
    return list(ScreenedCall.objects.order_by("at", "id").values_list("verdict", "why"))


def test_a_second_call_within_a_day_of_an_answered_one_is_blocked(published_events, asterisk_bed):
    with screening(asterisk_bed):
        asterisk_bed.call(caller=CALLER)
        assert soon(ListEntry.objects.exists)
        created = channels_created(published_events)
        asterisk_bed.call(caller=CALLER)
        assert soon(lambda: len(verdicts()) == 2)
        assert channels_created(published_events) == created + 1  # the caller's own: nothing rang
    assert verdicts() == [("passed", "clean"), ("blocked", "blacklist")]
    row = ScreenedCall.objects.first()
    assert (row.number, row.called) == (canonical(CALLER), CALLED)
    order = [message["type"] for message in published_events if message["type"] != "ari_event"]
    assert order == ["call_passed", "blacklist_added", "call_blocked"]


def test_anonymous_and_listed_callers_are_blocked_before_they_ring(published_events, asterisk_bed):
    lists.blacklist_number("+39347*", hours=1)
    with screening(asterisk_bed):
        asterisk_bed.call(caller="anonymous")
        asterisk_bed.call(caller=CALLER)
        assert soon(lambda: len(verdicts()) == 2)
        assert channels_created(published_events) == 2
    assert sorted(verdicts()) == [("blocked", "anonymous"), ("blocked", "blacklist")]


def everything_said(published_events: PublishedEvents) -> str:
    """All that was published, stored as live state, or written in the history."""
    rows = [*LiveState.objects.values(), *ScreenedCall.objects.values()]
    return "\n".join(map(str, [*published_events, *rows]))


@pytest.mark.parametrize("block", [True, False], ids=["refused", "let in"])
def test_a_caller_who_hides_the_number_is_anonymous_and_masked_everywhere(
    published_events, asterisk_bed, block
):
    LineRule.objects.create(block_anonymous=block)
    with screening(asterisk_bed):
        asterisk_bed.call(anonymous="", pai=CALLER)  # Privacy: id, and who it is for the carrier
        assert soon(lambda: "ChannelDestroyed" in str(published_events))
    assert verdicts() == [("blocked", "anonymous") if block else ("passed", "clean")]
    row = ScreenedCall.objects.get()
    assert (row.caller, row.number, row.called) == ("347*******", "", CALLED)
    assert "347*******" in str(published_events.of("ari_event"))
    assert CALLER not in everything_said(published_events)


def test_a_caller_whom_the_carrier_vouches_for_is_shown(published_events, asterisk_bed):
    with screening(asterisk_bed):
        asterisk_bed.call(caller="0649911", pai="+39 347 889 3084".replace(" ", ""))
        assert soon(lambda: verdicts() == [("passed", "clean")])
    assert ScreenedCall.objects.get().number == canonical(CALLER)


@pytest.mark.parametrize(
    ("caller", "called"),
    [
        (CALLER, "800026028%3bnpdi%3brn=+39360"),
        (f"+39{CALLER}%3bphone-context=+39", "+39800026028%3bphone-context=+39"),
        (f"{CALLER}%3bnpdi", "0039800026028%3bext=12"),
    ],
)
def test_what_the_carrier_adds_to_a_number_is_no_part_of_it(
    published_events, asterisk_bed, caller, called
):
    LineRule.objects.create(called="800 026 028", enabled=False)
    with screening(asterisk_bed):
        asterisk_bed.call(caller=caller, to=called)
        assert soon(lambda: verdicts() == [("passed", "screening-off")])
    assert ScreenedCall.objects.get().number == canonical(CALLER)


def test_the_dialplan_leaves_nothing_of_a_forged_number(published_events, asterisk_bed):
    with screening(asterisk_bed):
        asterisk_bed.call(caller=f"{CALLER}%0d%0a%0d%0aEvent%3a%20Hangup%0d%0aUniqueid%3a%209.9")
        assert soon(lambda: len(verdicts()) == 1)
    assert verdicts() == [("blocked", "anonymous")]
    assert ScreenedCall.objects.get().caller == f"{CALLER}EventHangupUniqueid99"


def test_classes_of_callers_are_refused_by_a_real_call(published_events, asterisk_bed):
    LineRule.objects.create(
        block_foreign=True, block_short=True, block_repeated=True, answered_hours=0
    )
    with screening(asterisk_bed):
        for caller in ("+447911123456", "40123", CALLER, f"0039{CALLER}"):
            asterisk_bed.call(caller=caller)
        assert soon(lambda: len(verdicts()) == 4)
    assert [why for _, why in verdicts()] == ["foreign", "short-code", "clean", "repeated"]


def test_the_registered_phone_is_online_and_what_rings_is_seen(published_events, asterisk_bed):
    with screening(asterisk_bed):
        states = {endpoint.resource: endpoint.state for endpoint in live.endpoints()}
        assert (states["105"], states["100"]) == ("online", "offline")
        caller = asterisk_bed.start_call(seconds=20)
        try:
            assert soon(lambda: len(live.active_calls()) == 2)
            [busy] = [e for e in live.endpoints() if e.resource == "105"]
            assert len(busy.channel_ids) == 1
            assert {call.state for call in live.active_calls()} <= {"Ring", "Ringing", "Up"}
        finally:
            hang_up(caller)


def test_a_caller_left_in_stasis_by_a_killed_monitor_is_screened_by_the_next(
    published_events, asterisk_bed, monkeypatch
):
    # A monitor that dies before it decides.
    screen = screener.Screener._screen

    async def never(*_: Any) -> None:
        return

    monkeypatch.setattr(screener.Screener, "_screen", never)
    with screening(asterisk_bed):
        caller = asterisk_bed.start_call(seconds=30)
        assert soon(lambda: live.monitor_status().stasis_calls == 1)
    monkeypatch.setattr(screener.Screener, "_screen", screen)
    try:
        with screening(asterisk_bed):
            assert soon(lambda: verdicts() == [("passed", "clean")])
            assert soon(lambda: live.monitor_status().stasis_calls == 0)
    finally:
        hang_up(caller)


def test_asterisk_killed_or_frozen_is_screened_again_soon(published_events, asterisk_bed):
    with screening(asterisk_bed):
        asterisk_bed.kill("ASTERISK")
        assert soon(lambda: not is_screening())
        asterisk_bed.refresh()
        assert soon(is_screening)
        asterisk_bed.kill("ASTERISK", signal.SIGSTOP)
        try:
            assert soon(lambda: not is_screening(), within_s=15)
        finally:
            asterisk_bed.kill("ASTERISK", signal.SIGCONT)
        assert soon(is_screening)
        asterisk_bed.call(caller="anonymous")
        assert soon(lambda: verdicts() == [("blocked", "anonymous")])
