"""The live channel table, the finished calls and the published events, from recorded streams."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.channel_table import SETTLE_S, ChannelTable, Table, calls_in_progress, flat_event
from centralino.clients.messages import END, parse_message
from centralino.serializers import call_fields
from centralino.tests.managers import SAMPLES, sample
from centralino.types import AmiMessage, PbxCallRecord

NOW = 1_795_361_862.0


def events(name: str) -> list[AmiMessage]:
    messages = map(parse_message, sample(name).split(END))
    return [message for message in messages if "event" in message]


def message(event: str, uniqueid: str, **headers: str) -> AmiMessage:
    known = {
        "event": event,
        "uniqueid": uniqueid,
        "linkedid": uniqueid,
        "channel": f"PJSIP/{uniqueid}",
        "channelstatedesc": "Ring",
        "calleridnum": "331234567",
        "context": "from-trunk",
        "exten": "899748963",
    }
    return AmiMessage(known | headers)


def played(name: str) -> tuple[ChannelTable, Any, list[PbxCallRecord]]:
    """The table after a recorded stream, one event a second; what was published and finished."""
    table, published, finished = ChannelTable("asterisk_1"), [], []
    for second, event in enumerate(events(name)):
        outcome = table.apply([event], NOW + second)
        published += [e.fields for e in outcome.events]
        finished += outcome.finished
    return table, published, finished


@pytest.mark.parametrize("name", SAMPLES)
def test_every_recorded_call_ends_and_leaves_nothing_behind(name: str):
    table, published, finished = played(name)
    assert len(table) == 0
    assert table.table() == Table()
    began = [e for e in published if e["event"] == "Newchannel"]
    ended = [e for e in published if e["event"] == "Hangup"]
    assert {e["uniqueid"] for e in began} == {e["uniqueid"] for e in ended} != set()
    assert sorted(call.linkedid for call in finished) == sorted({e["linkedid"] for e in began})


def test_an_answered_call_is_one_row_with_its_times():
    _, _, [call] = played("asterisk16/ami-call.txt")
    assert (call.server, call.caller, call.caller_name) == ("asterisk_1", "3478893084", "")
    assert (call.exten, call.cause, call.cause_text) == ("899748963", 16, "Normal Clearing")
    assert call.linkedid.endswith(".0")
    assert call.started_at.timestamp() < call.answered_at.timestamp() < call.ended_at.timestamp()


def test_an_unanswered_call_has_no_answer_time():
    _, _, [call] = played("asterisk16/ami-call-busy.txt")
    assert call.answered_at is None
    assert call.cause == 17


def test_an_event_has_the_documented_fields_first_and_always():
    _, published, _ = played("asterisk16/ami-call.txt")
    documented = [
        "event", "server", "channel", "uniqueid", "calleridnum", "calleridname", "context",
        "exten", "state", "timestamp",
    ]  # fmt: skip
    assert {event["event"] for event in published} == {
        "Newchannel", "Newstate", "DialBegin", "DialEnd", "Hangup",
    }  # fmt: skip
    for event in published:
        assert list(event)[:10] == documented
        assert isinstance(event["timestamp"], int)
        assert "<unknown>" not in event.values()
    assert published[0] | {"uniqueid": "", "linkedid": ""} == {
        "event": "Newchannel",
        "server": "asterisk_1",
        "channel": "PJSIP/clouditalia-endpoint-00000000",
        "uniqueid": "",
        "calleridnum": "3478893084",
        "calleridname": "",
        "context": "from-trunk",
        "exten": "899748963",
        "state": "Ring",
        "timestamp": int(NOW) + 1,
        "linkedid": "",
        "connectedlinenum": "",
        "connectedlinename": "",
    }
    dial = next(event for event in published if event["event"] == "DialEnd")
    assert (dial["dialstatus"], dial["destcalleridnum"]) == ("ANSWER", "105")
    hangup = published[-1]
    assert (hangup["cause"], hangup["cause_txt"]) == (16, "Normal Clearing")


def test_a_dial_without_a_caller_has_the_fields_of_the_called_channel():
    dial = AmiMessage({"event": "DialBegin", "destchannel": "PJSIP/105-1", "destuniqueid": "9.1"})
    event = flat_event("asterisk_1", dial, 5)
    assert (event["channel"], event["uniqueid"], event["state"]) == ("PJSIP/105-1", "9.1", "")


def test_asterisks_own_timestamp_is_used():
    table = ChannelTable("asterisk_1")
    stamped = message("Newchannel", "1.1", timestamp="1731671400.123456")
    assert table.apply([stamped], NOW).events[0].fields["timestamp"] == 1731671400


@pytest.mark.parametrize(
    "stamp",
    ["soon", "inf", "-inf", "nan", "1e300", "-5", "0", "4102444800", "99999999999999999999"],
)
def test_a_time_that_cannot_be_is_the_one_when_it_came(stamp: str):
    table = ChannelTable("asterisk_1")
    begun = table.apply([message("Newchannel", "1.2", timestamp=stamp)], NOW)
    assert begun.events[0].fields["timestamp"] == int(NOW)
    [call] = table.apply([message("Hangup", "1.2", timestamp=stamp)], NOW + 5).finished
    assert (call.started_at.timestamp(), call.ended_at.timestamp()) == (NOW, NOW + 5)


@pytest.mark.parametrize(
    "duration",
    ["99999999:00:00", "9" * 5_000 + ":00:00", "-1:00:00", "x"],
    ids=["years", "5,000 digits", "negative", "a word"],
)
def test_a_duration_that_cannot_be_is_none(duration: str):
    table = ChannelTable("asterisk_1")
    table.reconcile([message("CoreShowChannel", "1.1", duration=duration)], NOW)
    assert table.table().channels[0].started_at == NOW


def test_a_caller_who_turns_out_to_hide_the_number_is_masked_in_the_call():
    table = ChannelTable("asterisk_1")
    table.apply([message("Newchannel", "1.1", calleridnum="3478893084")], NOW)
    table.apply([message("NewCallerid", "1.1", calleridnum="347*******")], NOW)
    assert table.table().calls[0].caller == "347*******"
    [call] = table.apply([message("Hangup", "1.1", calleridnum="347*******")], NOW).finished
    assert call.caller == "347*******"


def test_further_events_are_published_when_configured():
    table = ChannelTable("asterisk_1", more_events=["Hold"])
    published = table.apply([message("Hold", "1.1"), message("Unhold", "1.1")], NOW).events
    assert [event.fields["event"] for event in published] == ["Hold"]


def test_a_lost_hangup_leaves_no_ghost():
    table = ChannelTable("asterisk_1")
    table.apply([message("Newchannel", "1.1"), message("Newchannel", "2.1")], NOW)
    table.reconcile([message("CoreShowChannel", "2.1")], NOW + 60)
    assert [channel.uniqueid for channel in table.channels()] == ["2.1"]
    assert table.settle(NOW + 60) == []
    [ended] = table.settle(NOW + 60 + SETTLE_S)
    assert (ended.linkedid, ended.cause) == ("1.1", None)
    assert ended.ended_at.timestamp() == NOW + 60 + SETTLE_S


def test_a_hangup_under_way_at_the_snapshot_still_has_its_cause():
    table = ChannelTable("asterisk_1")
    table.apply([message("Newchannel", "1.1")], NOW)
    table.reconcile([], NOW + 60)
    late = message("Hangup", "1.1", **{"cause": "17", "cause-txt": "User busy"})
    [ended] = table.apply([late], NOW + 61).finished
    assert (ended.cause, ended.cause_text) == (17, "User busy")
    assert table.settle(NOW + 100) == []


def test_a_call_in_a_snapshot_has_the_age_that_asterisk_reports():
    table = ChannelTable("asterisk_1")
    table.reconcile([message("CoreShowChannel", "1.1", duration="01:02:03")], NOW)
    [ended] = table.apply([message("Hangup", "1.1", cause="16")], NOW).finished
    assert (ended.ended_at - ended.started_at).total_seconds() == 3723


def test_the_caller_is_the_one_of_the_first_channel_wherever_it_is_listed():
    table = ChannelTable("asterisk_1")
    phone = message("CoreShowChannel", "1.2", linkedid="1.1", calleridnum="105")
    trunk = message("CoreShowChannel", "1.1", linkedid="1.1", calleridnum="3331234567")
    table.reconcile([phone, trunk], NOW)
    ended = table.apply([message("Hangup", "1.2"), message("Hangup", "1.1")], NOW + 5).finished
    assert [call.caller for call in ended] == ["3331234567"]


@pytest.mark.parametrize("duration", ["", "soon", "1:2", "aa:bb:cc", "-1:00:00", "٣:00:00"])
def test_an_unreadable_age_is_none(duration: str):
    table = ChannelTable("asterisk_1")
    table.reconcile([message("CoreShowChannel", "1.1", duration=duration)], NOW)
    assert table.channels()[0].started_at == NOW


def test_restored_calls_that_are_gone_are_finished():
    before = ChannelTable("asterisk_1")
    before.apply([message("Newchannel", "1.1"), message("Newchannel", "2.1")], NOW)
    after = ChannelTable("asterisk_1", restored=before.table())
    after.reconcile([message("CoreShowChannel", "2.1")], NOW + 30)
    assert [call.linkedid for call in after.settle(NOW + 40)] == ["1.1"]
    assert [channel.started_at for channel in after.channels()] == [NOW]


def test_a_channel_transferred_into_another_call_ends_its_own():
    table = ChannelTable("asterisk_1")
    table.apply([message("Newchannel", "1.1"), message("Newchannel", "2.1")], NOW)
    moved = table.apply([message("BridgeEnter", "2.1", linkedid="1.1")], NOW + 5).finished
    assert [call.linkedid for call in moved] == ["2.1"]
    ends = [message("Hangup", "1.1", cause="16"), message("Hangup", "2.1", linkedid="1.1")]
    assert [call.linkedid for call in table.apply(ends, NOW + 9).finished] == ["1.1"]
    assert table.table() == Table()


def test_events_of_channels_that_are_not_there_change_nothing():
    table = ChannelTable("asterisk_1")
    strays = [message(name, "7.7") for name in ("Hangup", "DialEnd", "BridgeLeave", "Rename")]
    strays.append(AmiMessage({"event": "Newchannel"}))
    assert table.apply(strays, NOW).finished == []
    assert table.table() == Table()


def test_the_channels_of_one_linkedid_are_one_call_with_the_parties_who_talk_in_it():
    table = ChannelTable("asterisk_1")

    def after(*batch: AmiMessage) -> list[Any]:
        table.apply(batch, NOW + 1.5)
        return [call_fields(call) | {"ended": call.ended} for call in table.changed_calls()]

    began = {
        "key": "asterisk_1:1.1", "line": "899748963", "caller": "331234567", "operator": "",
        "state": "Ringing", "started": int(NOW) + 1, "ended": False,
    }  # fmt: skip
    assert after(message("Newchannel", "1.1")) == [began]
    phones = [
        message("Newchannel", "1.2", linkedid="1.1", channel="PJSIP/201-00a"),
        message("Newchannel", "1.3", linkedid="1.1", channel="Local/105@from-queue-00b"),
        message("Newchannel", "1.4", linkedid="1.1", channel="Surrogate"),
    ]
    answered = message("Newstate", "1.1", channelstatedesc="Up", exten="s")
    talking = began | {"operator": "105@from-queue, 201, Surrogate", "state": "Pending"}
    assert after(*phones, answered) == [talking]  # once a batch
    assert after(message("NewExten", "1.1", exten="s")) == []  # nothing that is shown
    renamed = message("Rename", "1.2", linkedid="1.1", newname="PJSIP/202-00c")
    assert after(renamed) == [talking | {"operator": "105@from-queue, 202, Surrogate"}]
    gone = [message("Hangup", uniqueid, linkedid="1.1") for uniqueid in ("1.2", "1.3")]
    assert after(*gone) == [talking | {"operator": "Surrogate"}]
    ends = [message("Hangup", uniqueid, linkedid="1.1") for uniqueid in ("1.4", "1.1")]
    assert after(*ends) == [talking | {"operator": "", "ended": True}]


def test_what_is_known_of_the_first_channel_later_completes_its_call():
    table = ChannelTable("asterisk_1")
    table.apply([message("Newchannel", "1.1", calleridnum="<unknown>", exten="")], NOW)
    assert [(call.caller, call.exten) for call in table.changed_calls()] == [("", "")]
    table.apply([message("NewExten", "1.1")], NOW)
    assert [(call.caller, call.exten) for call in table.changed_calls()] == [
        ("331234567", "899748963")
    ]


def test_calls_change_with_a_snapshot_and_end_when_their_hangup_was_missed():
    table = ChannelTable("asterisk_1")
    table.reconcile([message("CoreShowChannel", "1.1")], NOW)
    assert [(call.linkedid, call.ended) for call in table.changed_calls()] == [("1.1", False)]
    table.reconcile([], NOW + 60)
    assert table.changed_calls() == []
    table.settle(NOW + 60 + SETTLE_S)
    assert [(call.linkedid, call.ended) for call in table.changed_calls()] == [("1.1", True)]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_changed_calls_of_a_recorded_stream_are_the_table_at_every_moment(name: str):
    table, shown = ChannelTable("asterisk_1"), {}
    for second, event in enumerate(events(name)):
        table.apply([event], NOW + second)
        for call in table.changed_calls():
            shown[call.linkedid] = call
            if call.ended:
                del shown[call.linkedid]
        assert list(shown.values()) == calls_in_progress("asterisk_1", table.table())
    assert shown == {}


NAMES = ("Newchannel", "Newstate", "Hangup", "DialBegin", "NewCallerid", "BridgeEnter", "Rename")
HAPPENINGS = st.tuples(
    st.sampled_from(NAMES), st.integers(1, 5), st.integers(1, 5), st.sampled_from(["Up", "Ring"])
)


@given(
    happenings=st.lists(HAPPENINGS, max_size=40),
    alive=st.sets(st.integers(1, 5)),
    cut=st.integers(0, 40),
)
def test_a_snapshot_corrects_any_loss_and_every_call_ends_once(
    happenings: list[tuple[str, int, int, str]], alive: set[int], cut: int
):
    """Any events, some lost, the process replaced midway: then the table is Asterisk's."""
    table, clock = ChannelTable("asterisk_1"), count(int(NOW))
    finished: list[PbxCallRecord] = []
    for number, (name, uniqueid, linkedid, state) in enumerate(happenings):
        if number == cut:
            table = ChannelTable("asterisk_1", restored=table.table())
        event = message(name, str(uniqueid), linkedid=str(linkedid), channelstatedesc=state)
        finished += table.apply([event], next(clock)).finished
    snapshot = [message("CoreShowChannel", str(uniqueid)) for uniqueid in alive]
    at = next(clock)
    table.reconcile(snapshot, at)
    finished += table.settle(at + SETTLE_S)
    assert {channel.uniqueid for channel in table.channels()} == set(map(str, alive))
    assert len(table) == len(alive)
    began = {call.linkedid for call in finished} | {call.linkedid for call in table.table().calls}
    ends = [message("Hangup", channel.uniqueid) for channel in table.channels()]
    finished += table.apply(ends, at + 9).finished
    assert table.table() == Table()
    assert {call.linkedid for call in finished} == began
    assert all(call.ended_at >= call.started_at for call in finished)
