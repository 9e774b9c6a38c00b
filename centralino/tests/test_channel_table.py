"""The live channel table, the finished calls and the published events, from recorded streams."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.channel_table import SETTLE_S, ChannelTable, Table, calls_in_progress
from centralino.clients.messages import END, parse_message
from centralino.event_fields import flat_event
from centralino.live_calls import SAME_S
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
    assert sorted(call.linkedid for call in finished) == sorted({e["linkedid"] for e in ended})


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


@pytest.mark.parametrize("asterisk", ["asterisk16", "asterisk22"])
def test_a_recorded_pickup_is_one_call_and_a_click_to_dial_has_its_number(asterisk: str):
    _, _, [call] = played(f"{asterisk}/ami-pickup.txt")
    assert (call.caller, call.exten, call.cause) == ("3478893084", "899748963", 16)
    assert call.started_at < call.answered_at < call.ended_at
    _, _, [call] = played(f"{asterisk}/ami-originate.txt")
    assert (call.caller, call.exten) == ("105", "0551234567")


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


def test_a_call_whose_only_channel_moved_into_another_is_no_call_of_its_own():
    table = ChannelTable("asterisk_1")
    table.apply([message("Newchannel", "1.1"), message("Newchannel", "2.1")], NOW)
    table.changed_calls()
    moved = table.apply([message("BridgeEnter", "2.1", linkedid="1.1")], NOW + 5).finished
    assert moved == []
    assert {call.linkedid: call.ended for call in table.changed_calls()} == {
        "2.1": True,
        "1.1": False,
    }
    ends = [message("Hangup", "1.1", cause="16"), message("Hangup", "2.1", linkedid="1.1")]
    assert [call.linkedid for call in table.apply(ends, NOW + 9).finished] == ["1.1"]
    assert table.table() == Table()


@pytest.mark.parametrize("last", ["BridgeEnter", "Hangup"])
def test_a_call_of_two_is_one_although_both_moved_into_another(last: str):
    table = ChannelTable("asterisk_1")
    begin = [message("Newchannel", "1.1"), message("Newchannel", "2.1")]
    table.apply([*begin, message("Newchannel", "2.2", linkedid="2.1")], NOW)
    moves = [message("BridgeEnter", "2.1", linkedid="1.1"), message(last, "2.2", linkedid="1.1")]
    assert [call.linkedid for call in table.apply(moves, NOW + 5).finished] == ["2.1"]


def picked_up(*events: AmiMessage) -> tuple[list[PbxCallRecord], list[Any]]:
    """A trunk rings 104, and 105 picks it up before these events; what finished, what is shown."""
    table = ChannelTable("asterisk_1")
    ringing = [
        message("Newchannel", "1.1"),
        message("Newchannel", "1.2", linkedid="1.1", channel="PJSIP/104-1"),
        message("Newchannel", "2.1", channel="PJSIP/105-2", exten="*8", calleridnum="105"),
        message("Newstate", "2.1", channelstatedesc="Up", exten="*8"),
    ]
    table.apply(ringing, NOW)
    table.changed_calls()
    return table.apply(events, NOW + 5).finished, table.changed_calls()


PICKUP = message("Pickup", "2.1", exten="*8", targetuniqueid="1.2", targetlinkedid="1.1")


def test_who_picks_a_call_up_is_in_it_from_that_moment():
    # Asterisk keeps the old linkedid until the conversation is over.
    talking = message("BridgeEnter", "2.1", channel="PJSIP/105-2")
    finished, calls = picked_up(PICKUP, message("Hangup", "1.2", linkedid="1.1"), talking)
    assert finished == []
    assert {(call.linkedid, call.ended, *call.parties) for call in calls} == {
        ("2.1", True),
        ("1.1", False, "105"),
    }


@pytest.mark.parametrize("is_seen", [True, False], ids=["pickup seen", "pickup missed"])
def test_a_call_that_was_picked_up_is_stored_once(is_seen: bool):
    ends = [
        message("Hangup", "1.2", linkedid="1.1"),
        message("BridgeEnter", "2.1"),
        message("Hangup", "1.1", cause="16"),
        message("Hangup", "2.1", linkedid="1.1", cause="16"),
    ]
    if not is_seen:
        ends[2:] = reversed(ends[2:])
    finished, _ = picked_up(*[PICKUP] * is_seen, *ends)
    assert [(call.linkedid, call.caller) for call in finished] == [("1.1", "331234567")]


def test_a_pickup_outlives_the_process():
    table = ChannelTable("asterisk_1")
    begin = [message("Newchannel", "1.1"), message("Newchannel", "2.1"), PICKUP]
    table.apply(begin, NOW)
    table = ChannelTable("asterisk_1", restored=table.table())
    table.reconcile([message("CoreShowChannel", "1.1"), message("CoreShowChannel", "2.1")], NOW)
    assert [call.linkedid for call in table.table().calls] == ["1.1"]
    ends = [message("Hangup", "2.1"), message("Hangup", "1.1")]
    assert [call.linkedid for call in table.apply(ends, NOW + 9).finished] == ["1.1"]
    assert table.table() == Table()


def originated(*events: AmiMessage, rung: str = "s") -> PbxCallRecord:
    """A click-to-dial that rings 105 first, then these events, then its end."""
    phone = {"calleridnum": "105", "exten": rung}
    begin = [
        message("Newchannel", "1.1", **phone),
        AmiMessage({"event": "DialBegin", "destuniqueid": "1.1", "destlinkedid": "1.1"}),
        message("Newstate", "1.1", channelstatedesc="Ringing", **phone),
        message("Newstate", "1.1", channelstatedesc="Up", **phone),
    ]
    table = ChannelTable("asterisk_1")
    [call] = table.apply([*begin, *events, message("Hangup", "1.1", exten="h")], NOW).finished
    return call


@pytest.mark.parametrize("rung", ["s", "", "105"])
@pytest.mark.parametrize(
    "event",
    [
        message("NewConnectedLine", "1.1", exten="0551234567"),
        message("Newexten", "1.1", exten="0551234567"),
        message("DialBegin", "1.1", exten="0551234567", destuniqueid="1.2"),
        message("DialBegin", "1.1", exten="s", destcalleridnum="0551234567"),
    ],
    ids=["connected line", "dialplan", "dial", "dial from a macro"],
)
def test_click_to_dial_keeps_the_number_that_was_dialled(event: AmiMessage, rung: str):
    later = message("Newexten", "1.1", exten="777")  # where the dialplan goes on to
    call = originated(event, later, rung=rung)
    assert (call.caller, call.exten) == ("105", "0551234567")


def test_click_to_dial_that_nobody_answered_keeps_what_rang():
    assert originated(rung="105").exten == "105"


def test_who_calls_keeps_what_they_dialled_wherever_the_dialplan_goes():
    table = ChannelTable("asterisk_1")
    goes = [message("Newexten", "1.1", exten=exten) for exten in ("s", "105", "h")]
    up = message("Newstate", "1.1", channelstatedesc="Up", exten="s")
    [call] = table.apply(
        [message("Newchannel", "1.1"), up, *goes, message("Hangup", "1.1")], NOW
    ).finished
    assert call.exten == "899748963"


@pytest.mark.parametrize("ours", [-7_200.0, 0.0, 40.0, 7_200.0])
def test_a_call_has_one_clock(ours: float):
    """Asterisk's where it says the time from the first event on, else ours."""

    def stamped(event: str, after_s: float, is_stamped: bool = True) -> tuple[AmiMessage, float]:
        headers = {"timestamp": str(NOW + ours + after_s)} if is_stamped else {}
        state = "Up" if event == "Newstate" else "Ring"
        return message(event, "1.1", channelstatedesc=state, **headers), NOW + after_s

    def call_of(*happenings: tuple[AmiMessage, float], snapshot: bool = False) -> PbxCallRecord:
        table = ChannelTable("asterisk_1")
        if snapshot:
            table.reconcile([message("CoreShowChannel", "1.1", duration="00:00:03")], NOW)
        finished = [each for event, at in happenings for each in table.apply([event], at).finished]
        return (finished + table.settle(NOW + 99))[0]

    end, answer = stamped("Hangup", 12), stamped("Newstate", 4)
    for call, started in (
        (call_of(stamped("Newchannel", 0), answer, end), NOW + ours),
        (call_of(stamped("Newchannel", 0), answer, stamped("Hangup", 12, False)), NOW + ours),
        (call_of(stamped("Newchannel", 0, False), answer, end), NOW),
    ):
        assert call.started_at.timestamp() == started
        assert (call.answered_at - call.started_at).total_seconds() == 4
        assert (call.ended_at - call.started_at).total_seconds() == 12
    seen = call_of(answer, end, snapshot=True)
    assert (seen.ended_at - seen.started_at).total_seconds() == 15


@pytest.mark.parametrize("set_s", [-7_200, 7_200])
def test_a_clock_that_is_set_in_a_call_changes_nothing_in_it(set_s: int):
    table = ChannelTable("asterisk_1")
    table.apply([message("Newchannel", "1.1", timestamp=str(NOW))], NOW)
    end = message("Hangup", "1.1", timestamp=str(NOW + 12 + set_s))
    [call] = table.apply([end], NOW + 12).finished
    assert (call.ended_at - call.started_at).total_seconds() == 12


@pytest.mark.parametrize("stamp", ["nan", "inf", "-1", "1e300", "99999999999999"])
def test_a_time_that_no_clock_has_is_none(stamp: str):
    table = ChannelTable("asterisk_1")
    events = [message(name, "1.1", timestamp=stamp) for name in ("Newchannel", "Hangup")]
    outcome = table.apply(events, NOW)
    assert outcome.events[0].fields["timestamp"] == int(NOW)
    assert outcome.finished[0].started_at.timestamp() == NOW


def test_a_uniqueid_that_comes_again_is_another_call():
    table = ChannelTable("asterisk_1")
    table.apply([message("Newchannel", "1.1", calleridnum="1")], NOW)
    again = message("Newchannel", "1.1", calleridnum="2")
    [first] = table.apply([again], NOW + SAME_S + 1).finished
    [second] = table.apply([message("Hangup", "1.1")], NOW + SAME_S + 9).finished
    assert [(call.caller, call.ended_at.timestamp() - NOW) for call in (first, second)] == [
        ("1", SAME_S + 1),
        ("2", SAME_S + 9),
    ]


@pytest.mark.parametrize(("duration", "ended"), [("00:00:05", ["1"]), ("00:10:00", []), ("", [])])
def test_a_younger_channel_in_a_snapshot_is_another_call(duration: str, ended: list[str]):
    table = ChannelTable("asterisk_1")
    table.apply([message("Newchannel", "1.1", calleridnum="1")], NOW)
    listed = message("CoreShowChannel", "1.1", calleridnum="2", duration=duration)
    assert [call.caller for call in table.reconcile([listed], NOW + 600)] == ended
    assert len(table) == 1


def test_the_facts_are_the_first_channel_s_whichever_is_seen_first():
    table = ChannelTable("asterisk_1")
    phone = message("Newchannel", "1.2", linkedid="1.1", calleridnum="105", calleridname="Office")
    ends = [message("Hangup", "1.2", linkedid="1.1"), message("Hangup", "1.1")]
    first = message("Newstate", "1.1", calleridname="<unknown>")
    [call] = table.apply([phone, first, *ends], NOW).finished
    assert (call.caller, call.caller_name, call.exten) == ("331234567", "", "899748963")


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
    assert after(message("Newexten", "1.1", exten="s")) == []  # nothing that is shown
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
    table.apply([message("Newexten", "1.1")], NOW)
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


NAMES = (  # of events
    "Newchannel",
    "Newstate",
    "Hangup",
    "DialBegin",
    "NewCallerid",
    "BridgeEnter",
    "Rename",
    "Pickup",
)
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
        state_of = {"channelstatedesc": state, "linkedid": str(linkedid)}
        if name == "Pickup":
            state_of = {"targetlinkedid": str(linkedid)}
        event = message(name, str(uniqueid), **state_of)
        finished += table.apply([event], next(clock)).finished
    snapshot = [message("CoreShowChannel", str(uniqueid)) for uniqueid in alive]
    at = next(clock)
    table.reconcile(snapshot, at)
    finished += table.settle(at + SETTLE_S)
    assert {channel.uniqueid for channel in table.channels()} == set(map(str, alive))
    assert len(table) == len(alive)
    began = {call.linkedid for call in finished} | {call.linkedid for call in table.table().calls}
    there = table.channels()
    ends = [message("Hangup", each.uniqueid, linkedid=each.linkedid) for each in there]
    finished += table.apply(ends, at + 9).finished
    assert table.table() == Table()
    assert {call.linkedid for call in finished} == began
    assert all(call.ended_at >= call.started_at for call in finished)
