"""The AMI listener and the real Asterisk: calls, and everything that can be killed or frozen."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from centralino.models import LiveState, PbxCall
from centralino.selectors.channels import active_channels_count
from centralino.tests import threads
from centralino.tests.bed import CALLED, Bed, hang_up
from centralino.tests.threads import in_thread
from centralino.workers import ami_listener
from core.tests.published import PublishedEvents
from core.workers.models import Health, WorkerStatus

pytestmark = [
    pytest.mark.django_db(transaction=True),
]
soon = partial(threads.soon, within_s=20)  # a real Asterisk takes seconds


@contextmanager
def listening(bed: Bed, *, tunnel: bool) -> Iterator[None]:
    server = bed.server(tunnel=tunnel)
    server.save()
    with in_thread(lambda stopping: ami_listener.Listener(server, stopping).run()):
        assert soon(is_live)
        yield


def is_live() -> bool:
    return WorkerStatus.objects.filter(health=Health.HEALTHY).exists()


def is_lost(published_events: PublishedEvents) -> bool:
    return any(message.get("status") == "lost" for message in published_events)


def agrees(bed: Bed) -> bool:
    return active_channels_count() == bed.channels()


@pytest.mark.parametrize("tunnel", [True, False])
@pytest.mark.parametrize("client", ["asyncio", "pyst2"])
def test_a_call_is_published_in_order_and_stored_once(
    published_events, asterisk_bed, settings, tunnel, client
):
    settings.AMI_CLIENT = client
    with listening(asterisk_bed, tunnel=tunnel):
        asterisk_bed.call(seconds=1)
        assert soon(PbxCall.objects.exists)
        assert soon(lambda: agrees(asterisk_bed))
    channels = published_events.of("asterisk_event")
    ours = [message for message in channels if message["linkedid"] == channels[0]["linkedid"]]
    calls = published_events.of("pbx_call")
    first = [one for one in calls if one["key"] == calls[0]["key"]]
    assert [one["ended"] for one in first].index(True) == len(first) - 1
    assert ours[0]["event"] == "Newchannel"
    assert (ours[0]["calleridnum"], ours[0]["exten"]) == ("3478893084", CALLED)
    assert {"DialBegin", "DialEnd", "Newstate"} <= {message["event"] for message in ours}
    ended = [m["uniqueid"] for m in ours if m["event"] == "Hangup"]
    assert sorted(ended) == sorted(m["uniqueid"] for m in ours if m["event"] == "Newchannel")
    call = PbxCall.objects.get()
    assert (call.caller, call.exten, call.cause) == ("3478893084", CALLED, 16)
    assert call.answered_at is not None


def test_a_call_that_another_phone_picks_up_is_one_call(published_events, asterisk_bed):
    with listening(asterisk_bed, tunnel=False):
        caller = asterisk_bed.start_call(post="ring", seconds=2)  # 104 rings and never answers
        try:
            assert soon(lambda: active_channels_count() == 2)
            asterisk_bed.originate("PJSIP/105", "*8")
            assert soon(lambda: "105" in {one["operator"] for one in open_calls(published_events)})
            assert [one["caller"] for one in open_calls(published_events)] == ["3478893084"]
            assert soon(PbxCall.objects.exists)
            assert soon(lambda: agrees(asterisk_bed) and not active_channels_count())
        finally:
            hang_up(caller)
    call = PbxCall.objects.get()
    assert (call.caller, call.exten, call.cause) == ("3478893084", CALLED, 16)
    assert call.answered_at is not None


def open_calls(published_events: PublishedEvents) -> list[dict[str, Any]]:
    """The calls in progress, as the dashboard shows them."""
    latest = {one["key"]: one for one in published_events.of("pbx_call")}
    return [one for one in latest.values() if not one["ended"]]


@pytest.mark.parametrize(
    ("client", "channel"), [("asyncio", "PJSIP/105"), ("pyst2", "Local/105@internal")]
)
def test_click_to_dial_keeps_the_number_that_was_dialled(
    published_events, asterisk_bed, settings, client, channel
):
    settings.AMI_CLIENT = client
    with listening(asterisk_bed, tunnel=False):
        asterisk_bed.originate(channel, "0551234567")
        assert soon(lambda: [one["line"] for one in open_calls(published_events)] == ["0551234567"])
        asterisk_bed.cli("channel", "request", "hangup", "all")
        assert soon(PbxCall.objects.exists)
    call = PbxCall.objects.get()
    assert (call.caller, call.exten) == ("105", "0551234567")
    assert call.answered_at is not None


@pytest.mark.parametrize("client", ["asyncio", "pyst2"])
def test_a_hidden_number_is_masked_from_the_first_event_to_the_stored_call(
    published_events, asterisk_bed, settings, client
):
    settings.AMI_CLIENT = client
    with listening(asterisk_bed, tunnel=False):
        asterisk_bed.call(seconds=1, anonymous="", pai="3478893084")
        assert soon(PbxCall.objects.exists)
        assert soon(lambda: agrees(asterisk_bed))
    stored = PbxCall.objects.get()
    assert (stored.caller, stored.number, stored.exten) == ("347*******", "", CALLED)
    events = published_events.of("asterisk_event")
    assert (events[0]["event"], events[0]["calleridnum"]) == ("Newchannel", "347*******")
    assert {"DialBegin", "DialEnd", "Newstate", "Hangup"} <= {one["event"] for one in events}
    texts = map(str, [*published_events, *LiveState.objects.values(), *PbxCall.objects.values()])
    assert not any("3478893084" in text for text in texts)


def test_asterisk_killed_and_restarted_in_a_call(published_events, asterisk_bed):
    with listening(asterisk_bed, tunnel=True):
        caller = asterisk_bed.start_call()
        try:
            assert soon(lambda: active_channels_count() == 2)
            asterisk_bed.kill("ASTERISK")
            assert soon(lambda: is_lost(published_events))
        finally:
            hang_up(caller)
        asterisk_bed.refresh()
        assert soon(is_live)
        assert soon(lambda: agrees(asterisk_bed) and PbxCall.objects.exists())
    assert PbxCall.objects.get().cause is None


def test_ssh_is_cut_in_a_call_that_goes_on(published_events, asterisk_bed):
    with listening(asterisk_bed, tunnel=True):
        caller = asterisk_bed.start_call(seconds=8)
        try:
            assert soon(lambda: active_channels_count() == 2)
            asterisk_bed.cut_ssh()
            assert soon(lambda: is_lost(published_events))
            assert soon(is_live)
            assert soon(lambda: agrees(asterisk_bed))
            assert soon(PbxCall.objects.exists)
        finally:
            hang_up(caller)
    assert PbxCall.objects.get().cause == 16


def test_a_frozen_asterisk_is_noticed_within_15_seconds(published_events, asterisk_bed):
    with listening(asterisk_bed, tunnel=True):
        asterisk_bed.kill("ASTERISK", signal.SIGSTOP)
        try:
            assert soon(lambda: is_lost(published_events), within_s=15)
        finally:
            asterisk_bed.kill("ASTERISK", signal.SIGCONT)
        assert soon(is_live)
        assert soon(lambda: agrees(asterisk_bed))
