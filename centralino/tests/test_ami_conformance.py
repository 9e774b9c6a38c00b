"""Both AMI clients against recorded conversations, every fault of a manager, and a real Asterisk.

Where pyst2 cannot do something, the test says what happens instead: `docs/upstreams/asterisk.md`.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from centralino.clients.ami import AsyncioAmi
from centralino.clients.build import CLIENTS
from centralino.clients.messages import MAX_MESSAGE
from centralino.tests.managers import (
    DATA,
    HANGUP,
    SAMPLES,
    SHORT,
    SHORT_TIMEOUTS,
    address,
    connected,
    event,
    events_from,
    sample,
    session,
)
from centralino.types import AmiAddress, AmiMessage, Overflow
from core.lib.upstream import UpstreamError
from sandbox.testing import AMI_SECRET, RunningAmi, running_ami

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:asterisk.manager"),
    # a thread of pyst2 ends with a traceback: what the supervision is for
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


@pytest.fixture(params=sorted(CLIENTS))
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def manager() -> Iterator[RunningAmi]:
    with running_ami() as running:
        yield running


def ended(client: str, manager: RunningAmi, *, by: Any, **options: Any) -> list[Any]:
    """What still came after `by` had ended the session."""
    with session(client, manager, **options) as ami:
        by()
        before: list[Any] = []
        with pytest.raises(UpstreamError):
            before.extend(item for batch in ami.events(idle_s=5) for item in batch)
        return before


# --- What was recorded ----------------------------------------------------------------------------
@pytest.mark.parametrize("name", SAMPLES)
def test_every_recorded_event_arrives_in_order(client, manager, name):
    raw = sample(name)
    with session(client, manager) as ami:
        events = events_from(ami, manager, raw)

    assert [event["event"] for event in events] == re.findall(r"Event: (\w+)", raw.decode())
    recorded = re.findall(r"^Uniqueid: (\S+)", raw.decode(), re.MULTILINE)
    assert [event["uniqueid"] for event in events if "uniqueid" in event] == recorded
    names = re.findall(r"^CallerIDName: (.+)\r", raw.decode(), re.MULTILINE)
    assert [event["calleridname"] for event in events if event.get("calleridname")] == names


# --- Actions --------------------------------------------------------------------------------------
def test_action_returns_its_response(client, manager):
    with session(client, manager) as ami:
        assert ami.action("Ping")["ping"] == "Pong"


def test_list_has_the_items_only(client, manager):
    manager.happens({"Event": "Newchannel", "Channel": "SIP/1", "Uniqueid": "1.1"})
    manager.happens({"Event": "Newchannel", "Channel": "SIP/2", "Uniqueid": "1.2"})
    with session(client, manager) as ami:
        items = ami.listed("CoreShowChannels")
    assert [item["uniqueid"] for item in items] == ["1.1", "1.2"]


def test_empty_list_is_empty(client, manager):
    with session(client, manager) as ami:
        assert ami.listed("CoreShowChannels") == []


def test_events_and_items_of_a_list_do_not_mix(client, manager):
    manager.happens({"Event": "Newchannel", "Channel": "SIP/1", "Uniqueid": "1.1"})
    with session(client, manager) as ami:
        manager.send_raw(HANGUP)
        assert [item["event"] for item in ami.listed("CoreShowChannels")] == ["CoreShowChannel"]
        assert [event["event"] for event in events_from(ami, manager)] == ["Hangup"]


def test_error_response_has_the_pbx_message(client, manager):
    with session(client, manager) as ami:
        with pytest.raises(UpstreamError, match="Nonsense: Invalid/unknown command"):
            ami.action("Nonsense")
        with pytest.raises(UpstreamError, match="Invalid/unknown command"):
            ami.listed("Nonsense")
        assert ami.action("Ping"), "the session goes on"


@pytest.mark.parametrize("value", ["1\r\nAction: Originate", "1\nAction: Originate", "1\rx"])
def test_line_break_in_a_header_is_never_sent(client, manager, value):
    with session(client, manager) as ami, pytest.raises(ValueError, match="line break"):
        ami.action("Ping", Channel=value)


def test_events_are_none_when_nothing_comes(client, manager):
    with session(client, manager) as ami:
        assert next(ami.events(idle_s=0.01)) is None


def test_unrequested_response_is_dropped(client, manager):
    with session(client, manager) as ami:
        manager.server.faults.add("stray_answer")
        assert ami.action("Ping")["ping"] == "Pong"
        assert events_from(ami, manager) == []
        assert ami.dropped == 1


def test_responses_out_of_order_find_their_actions(manager):
    with session("asyncio", manager) as ami, ThreadPoolExecutor(2) as pool:
        manager.happens({"Event": "Newchannel", "Channel": "SIP/1", "Uniqueid": "1.1"})
        manager.server.faults.add("out_of_order")
        pong, items = (pool.submit(ami.action, "Ping"), pool.submit(ami.listed, "CoreShowChannels"))
        assert pong.result()["ping"] == "Pong"
        assert [item["uniqueid"] for item in items.result()] == ["1.1"]


# --- Connecting -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fault", ["hang_up", "no_banner", "wrong_banner", "hang_at_login", "frozen"]
)
def test_refusing_manager_is_an_error_in_time(client, manager, fault):
    manager.server.faults.add(fault)
    began = time.monotonic()
    with pytest.raises(UpstreamError) as caught:
        connected(client, manager, timeouts=SHORT_TIMEOUTS)
    assert time.monotonic() - began < 4
    assert AMI_SECRET not in str(caught.value)


def test_nobody_listening_is_an_error(client, manager):
    nobody = AmiAddress("127.0.0.1", 1, "gateway", AMI_SECRET)
    with pytest.raises(UpstreamError, match="Connection refused"):
        CLIENTS[client](nobody)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 99_999), ("127.0.0.1", -1)])
def test_invalid_address_is_an_error(client, host, port):
    with pytest.raises(UpstreamError):
        CLIENTS[client](AmiAddress(host, port, "gateway", AMI_SECRET))


@pytest.mark.parametrize("who", [{"secret": "wrong"}, {"user": "nobody"}])
def test_refused_login_is_an_error_without_the_secret(client, manager, caplog, who):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(UpstreamError, match="Authentication failed") as caught:
        CLIENTS[client](address(manager, **who))
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caplog.text} {address(manager)!r}"
    assert AMI_SECRET not in shown
    assert "wrong" not in shown


def test_session_does_not_show_the_secret(client, manager):
    with session(client, manager) as ami:
        assert AMI_SECRET not in repr(ami)


# --- Losing the connection ------------------------------------------------------------------------
def test_drop_is_an_error_after_what_came_before(client, manager):
    def drop() -> None:
        manager.send_raw(HANGUP)
        manager.server.switchboard.listeners.clear()
        manager.inside(lambda: [writer.close() for writer in manager.server.open])

    assert [event["event"] for event in ended(client, manager, by=drop)] == ["Hangup"]


def test_drop_in_the_middle_of_a_message_is_an_error(client, manager):
    def drop() -> None:
        manager.send_raw(HANGUP[:20])
        manager.drop()

    assert ended(client, manager, by=drop) == []


def test_shutdown_of_the_pbx_is_an_error(client, manager):
    assert [event for event in ended(client, manager, by=manager.shut_down) if event] in (
        [],
        [{"event": "Shutdown", "privilege": "system,all", "shutdown": "Cleanly"}],
    )


def test_frozen_peer_is_noticed_although_the_connection_is_open(client, manager):
    def freeze() -> None:
        manager.server.faults.add("frozen")

    began = time.monotonic()
    assert ended(client, manager, by=freeze, timeouts=SHORT) == []
    assert time.monotonic() - began < 3


def test_idle_peer_that_answers_pings_is_kept(client, manager):
    with session(client, manager, timeouts=SHORT) as ami:
        assert next(ami.events(idle_s=2 * SHORT.silent_s)) is None
        assert ami.action("Ping")


def test_action_on_a_lost_connection_is_an_error(client, manager):
    with session(client, manager) as ami:
        manager.drop()
        with pytest.raises(UpstreamError):
            list(ami.events(idle_s=5))
        with pytest.raises(UpstreamError):
            ami.action("Ping")
        with pytest.raises(UpstreamError):
            ami.listed("CoreShowChannels")


def test_action_without_a_response_is_an_error_in_time(client, manager):
    with session(client, manager, timeouts=SHORT) as ami:
        manager.server.faults.add("frozen")
        began = time.monotonic()
        with pytest.raises(UpstreamError):
            ami.action("Ping")
        assert time.monotonic() - began < 2


def test_close_logs_off_and_leaves_no_thread(client, manager):
    before = set(threading.enumerate())
    with session(client, manager, timeouts=SHORT) as ami:
        began = time.monotonic()
        ami.close()
        assert time.monotonic() - began < 1
        with pytest.raises(UpstreamError, match="closed"):
            list(ami.events(idle_s=1))
    for thread in set(threading.enumerate()) - before:
        thread.join(2)
        assert not thread.is_alive(), thread


def test_frozen_peer_is_closed_within_a_second(client, manager):
    with session(client, manager) as ami:
        manager.server.faults.add("frozen")
        began = time.monotonic()
        ami.close()
        assert time.monotonic() - began < 1


# --- What a stream may hold -----------------------------------------------------------------------
def test_latin_1_is_read(client, manager):
    raw = event("Newchannel", "CallerIDName: Nicolò Però").decode().encode("latin-1")
    with session(client, manager) as ami:
        (found,) = events_from(ami, manager, raw)
    assert found["calleridname"] == "Nicolò Però"


def test_repeated_headers_are_kept(client, manager):
    raw = event("AgentCalled", "Variable: a=1", "Queue: reception", "Variable: b=2")
    with session(client, manager) as ami:
        (found,) = events_from(ami, manager, raw)
    assert found["variable"] == "a=1"
    assert list(found.all("variable")) == ["a=1", "b=2"]
    assert list(found.all("channel")) == ["SIP/1"]
    assert list(found.all("missing")) == []


def test_channel_variables(client, manager):
    raw = event("Newstate", "ChanVariable: A=1", "ChanVariable: B=2: 3")
    with session(client, manager) as ami:
        (found,) = events_from(ami, manager, raw)
    assert list(found.all("chanvariable")) == ["A=1", "B=2: 3"]


def test_long_line_is_read(client, manager):
    raw = event("VarSet", "Value: " + "x" * 65_536)
    with session(client, manager) as ami:
        (found,) = events_from(ami, manager, raw)
    assert found["value"] == "x" * 65_536


def test_message_without_an_end_ends_the_session(client, manager):
    def flood() -> None:
        manager.send_raw(b"Event: VarSet\r\nValue: " + b"x" * (MAX_MESSAGE + 1))

    assert ended(client, manager, by=flood) == []


@pytest.mark.parametrize(
    ("garbage", "lost"),
    [
        (b"\x00\xff{]: garbage\r\n\r\n", 1),
        (b"no header at all\r\n\r\n", 1),
        (b"{]\x01\x02", 1),  # swallows the beginning of what comes next
        (b"\r\n\r\n\r\n\r\n", 0),
        (event("Newstate", ": nameless", "no header", "Language: it"), 0),
    ],
    ids=["bytes", "no header", "no end", "ends only", "an event with odd headers"],
)
def test_garbage_is_skipped_and_announced(client, manager, garbage, lost):
    with session(client, manager) as ami:
        events = events_from(ami, manager, garbage + HANGUP, HANGUP)
    missing = [item for item in events if isinstance(item, Overflow)]
    assert missing == [Overflow(1)] * lost
    assert isinstance(events[-1], AmiMessage)
    assert (events[-1]["event"], events[-1]["uniqueid"]) == ("Hangup", "1.2")


def test_response_that_comes_too_late_is_no_event(client, manager):
    with session(client, manager) as ami:
        events = events_from(ami, manager, b"Response: Success\r\nActionID: old\r\n\r\n" + HANGUP)
    assert [event["event"] for event in events] == ["Hangup"]


# --- What a caller may write ----------------------------------------------------------------------
FORGED = DATA / "forged" / "ami-line-breaks.txt"
CALLER = "39"  # in the recorded messages of the channel below
FORGERS = {
    "a message": f"{CALLER}\r\n\r\nEvent: Hangup\r\nUniqueid: 1.2\r\n\r\n",
    "with privilege": f"{CALLER}\r\n\r\nEvent: Rename\r\nPrivilege: call,all\r\nChannel: SIP/1\r\n"
    "Newname: SIP/2\r\nUniqueid: 1.2\r\n\r\n",
    "a whole event": f"{CALLER}\r\n\r\n" + HANGUP.decode(),
    "that takes the rest": f"{CALLER}\r\n\r\n" + HANGUP.decode().removesuffix("\r\n\r\n"),
    "in its own message": f"{CALLER}\r\nUniqueid: 1.2\r\nLinkedid: 1.2",
    "a closing message": f"{CALLER}\r\n\r\nEvent: Shutdown\r\nPrivilege: system,all\r\n\r\n",
    "a response": f"{CALLER}\r\n\r\nResponse: Goodbye\r\nMessage: Bye\r\n\r\n",
    "a response without a word": f"{CALLER}\r\n\r\nActionID: 1\r\n\r\n",
    "a list's end": f"{CALLER}\r\n\r\nEvent: XComplete\r\nEventList: Complete\r\n\r\n",
    "garbage": f"{CALLER}\r\n\r\n\x01\x02\r\n\r\nno header\r\n\r\n",
    "an end only": f"{CALLER}\r\n\r\n",
    "a variable": f"{CALLER}\r\nChanVariable: x\r\n\r\n",
    "an end for one of them": f"{CALLER}\n\r\nEvent: Hangup\r\nUniqueid: 1.2\r\n\n",
    "another channel": f"{CALLER}\r\nDestChannelState: 6\r\n\r\n",
    "a time": f"{CALLER}\r\nTimestamp: inf",
}


def channel_event(name: str, caller: str) -> bytes:
    """An event as Asterisk writes it, whatever the caller's number is."""
    lines = {
        "Channel": "PJSIP/trunk-0000001b", "ChannelState": "4", "ChannelStateDesc": "Ring",
        "CallerIDNum": caller, "CallerIDName": "<unknown>", "ConnectedLineNum": "<unknown>",
        "ConnectedLineName": "<unknown>", "Language": "en", "AccountCode": "",
        "Context": "from-trunk", "Exten": "899748963", "Priority": "1", "Uniqueid": "7.7",
        "Linkedid": "7.7",
    }  # fmt: skip
    text = "".join(f"{header}: {value}\r\n" for header, value in lines.items())
    return f"Event: {name}\r\nPrivilege: call,all\r\n{text}\r\n".encode()


def others(events: list[Any]) -> list[Any]:
    """Those that are not of the caller's own channel."""
    return [
        item for item in events if not (isinstance(item, AmiMessage) and item["uniqueid"] == "7.7")
    ]


@pytest.mark.parametrize("forger", FORGERS)
def test_caller_harms_their_own_record_at_most(client, manager, forger):
    raw = channel_event("Newchannel", FORGERS[forger]) + channel_event("Hangup", FORGERS[forger])
    with session(client, manager) as ami:
        found = events_from(ami, manager, raw, HANGUP, raw, HANGUP)
        assert others(found) == others(events_from(ami, manager, HANGUP, HANGUP))
        assert ami.action("Ping")["ping"] == "Pong"
        assert ami.dropped or len(found) > 2


def test_forged_messages_are_counted_and_logged_once_with_the_channel(client, manager, caplog):
    raw = channel_event("Newchannel", FORGERS["a message"])
    with session(client, manager) as ami:
        events_from(ami, manager, raw * 3)
        assert ami.dropped == 9
    (line,) = [record.getMessage() for record in caplog.records if "forged" in record.getMessage()]
    assert "PJSIP/trunk-0000001b" in line


def test_recorded_forgery_leaves_the_other_call_whole(client, manager):
    *_, raw = FORGED.read_bytes().split(b"\r\n\r\n", 1)
    honest = re.findall(r"^Linkedid: (\S+)", raw.decode(), re.MULTILINE)
    with session(client, manager) as ami:
        found = events_from(ami, manager, raw)
        assert ami.dropped == 24
    assert not [item for item in found if isinstance(item, Overflow)]
    assert not [item for item in found if item.get("uniqueid") == "9.9"]
    own = "pbx.milano-1.it-1795871214.28"
    assert [item["linkedid"] for item in found if item.get("linkedid")] == [own] * honest.count(own)


@pytest.mark.parametrize(
    "message",
    [b"Event: Shutdown\r\nPrivilege: system,all\r\nShutdown: Cleanly\r\n\r\n",
     b"Response: Goodbye\r\nMessage: Thanks for all the fish.\r\n\r\n"],
)  # fmt: skip
def test_closing_message_is_believed_when_the_socket_closes(client, manager, message):
    with session(client, manager) as ami:
        events_from(ami, manager, message)
        assert ami.action("Ping")["ping"] == "Pong"


def test_item_of_a_list_that_was_cut_off_is_none(client, manager):
    end = "39\r\n\r\nEvent: CoreShowChannelsComplete\r\nEventList: Complete\r\nActionID: 1\r\n\r\n"
    lines = channel_event("Newchannel", "39").decode().strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    with session(client, manager) as ami:
        manager.inside(
            lambda: manager.server.switchboard.channels.update(
                {"7.7": (0.0, headers | {"CallerIDNum": end})}
            )
        )
        manager.happens({"Event": "Newchannel", "Channel": "SIP/2", "Uniqueid": "1.2"})
        assert [item["uniqueid"] for item in ami.listed("CoreShowChannels")] == ["1.2"]
        assert not [item for item in events_from(ami, manager) if isinstance(item, Overflow)]


# --- Too much -------------------------------------------------------------------------------------
def test_overflowing_events_are_counted_and_announced_where_they_are_missing(client, manager):
    sent = 20_000 if client == "asyncio" else 300
    raw = [HANGUP.replace(b"1.2", b"%d" % number) for number in range(sent)]
    with session(client, manager, max_bytes=sum(map(len, raw)) // 2) as ami:
        manager.send_raw(b"".join(raw))
        ami.action("Ping")  # its response comes behind them: all were read
        if client == "pyst2":
            _wait_for_pyst2(ami)
        items: list[Any] = []
        while (batch := next(ami.events(idle_s=0))) is not None:
            items += batch
        after = events_from(ami, manager, HANGUP)

    place = 0
    for item in items:
        if isinstance(item, Overflow):
            place += item.lost
        else:
            assert item["uniqueid"] == str(place)
            place += 1
    assert place == sent
    assert len(items) < sent
    assert [event["event"] for event in after] == ["Hangup"], "there is room again"


def _wait_for_pyst2(ami: Any) -> None:
    """Its events are queued apart from its responses: behind one more, all are through."""
    through = threading.Event()
    # True: the callback for everything is not called
    ami._manager.register_event("Through", lambda event, manager: through.set() or True)
    ami._manager._message_queue.put(["Event: Through\r\n"])
    assert through.wait(5)


def test_failing_callback_of_pyst2_ends_the_session(manager, monkeypatch):
    with session("pyst2", manager) as ami:
        monkeypatch.setattr(ami._queue, "put", lambda *_: 1 / 0)  # type: ignore[attr-defined]
        manager.send_raw(HANGUP)
        with pytest.raises(UpstreamError, match="ZeroDivisionError"):
            list(ami.events(idle_s=5))


def test_reader_continues_while_events_are_not_read(manager):
    """Asterisk would disconnect us otherwise."""
    with session("asyncio", manager) as ami:
        assert isinstance(ami, AsyncioAmi)
        manager.send_raw(HANGUP * 100_000)
        assert ami.action("Ping")
        events = events_from(ami, manager)
    assert len(events) == 100_000
