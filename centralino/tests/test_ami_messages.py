"""AMI's stream, byte by byte: what is parsed from it, and what is sent."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.clients import messages
from centralino.clients.ami import _Connection
from centralino.clients.event_queue import CHUNK_SIZE, EventQueue
from centralino.clients.genuine import Genuine
from centralino.clients.messages import END, action_bytes, parse_message
from centralino.clients.session import Timeouts
from centralino.tests.managers import HANGUP, sample
from centralino.types import AmiMessage, Overflow
from core.lib.upstream import UpstreamError

CALLER_EVENT = (
    "Event: Newchannel\r\nPrivilege: call,all\r\nChannel: SIP/7\r\nChannelState: 4\r\n"
    "ChannelStateDesc: Ring\r\nCallerIDNum: 39\r\nCallerIDName: <unknown>\r\n"
    "ConnectedLineNum: <unknown>\r\nConnectedLineName: <unknown>\r\nLanguage: en\r\n"
    "AccountCode: \r\nContext: from-trunk\r\nExten: 899748963\r\nPriority: 1\r\n"
    "Uniqueid: 7.7\r\nLinkedid: 7.7\r\n\r\n"
)
RAW = sample("asterisk16/ami-call-queue.txt")


def read_in_pieces(raw: bytes, cuts: list[int]) -> list[Any]:
    """The events of a stream that arrives cut into pieces."""

    async def feed() -> list[bytes]:
        queue: EventQueue[bytes] = EventQueue()
        connection = _Connection(queue, "ami", Timeouts())
        connection._greeted = asyncio.get_running_loop().create_future()
        stream = b"Asterisk Call Manager/5.0.4\r\n" + raw
        places = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
        for start, end in pairwise(places):
            connection.data_received(stream[start:end])
        messages: list[bytes] = []
        while (chunk := queue.get(0)) is not None:
            assert isinstance(chunk, list)
            messages += chunk
        return messages

    return Genuine("ami").read_all(asyncio.run(feed()))


@given(st.lists(st.integers(0, 100_000), max_size=40))
def test_it_does_not_matter_how_the_stream_is_cut(cuts):
    assert read_in_pieces(RAW, cuts) == read_in_pieces(RAW, [])


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(raw):
    message = parse_message(raw)
    assert "" not in message
    assert all(isinstance(name, str) and name == name.lower() for name in message)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=50)


@given(st.dictionaries(NAMES, VALUES, max_size=10))
def test_what_is_sent_can_be_read(headers):
    headers = {f"X-{name}": value for name, value in headers.items()}
    raw = action_bytes("Ping", "1", headers).removesuffix(b"\r\n\r\n")
    read = parse_message(raw)
    assert read["action"] == "Ping"
    for name, value in headers.items():
        assert value in read.all(name.lower())


def test_names_are_remembered_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(messages, "_MAX_NAMES", len(messages._names) + 5)
    for number in range(100):
        assert parse_message(f"Odd{number}: 1".encode()) == {f"odd{number}": "1"}
    assert len(messages._names) <= messages._MAX_NAMES


def test_header_without_a_blank_is_read():
    assert parse_message(b"Event:Hangup\r\nCause: 16\r\nEmpty:") == {
        "event": "Hangup",
        "cause": "16",
        "empty": "",
    }


def test_value_may_hold_a_colon():
    assert parse_message(b"Event: VarSet\r\nValue: sip:1@x: y")["value"] == "sip:1@x: y"


# As a name may be written: Western letters and signs in two to four bytes.
WRITTEN = st.text(st.sampled_from("Niko òèÈß€’😀"), min_size=1, max_size=12)


@given(WRITTEN, st.integers(0, 48), st.sampled_from(["", '" <331234567>']))
def test_a_name_that_is_cut_inside_a_character_lacks_this_one_alone(name, cut, behind):
    raw = name.encode()[:cut]
    whole = raw.decode(errors="ignore")
    message = parse_message(
        b'Event: Hangup\r\nCallerIDName: "' + raw + behind.encode() + b"\r\nX: \xe2\x82\xac"
    )
    assert message["calleridname"] == f'"{whole}{behind}'
    assert message["x"] == "€"


@pytest.mark.parametrize("name", ["Nicolò", "Émile à côté", "NICOLÒ", "Ångström", "CAFÉ", "São ñ"])
def test_latin_1_is_read_beside_utf_8(name):
    raw = f"Name: {name}\r\n".encode("latin-1") + f"Other: {name}".encode()
    assert parse_message(raw) == {"name": name, "other": name}


def test_queue_delivers_everything_before_its_end():
    queue: EventQueue[int] = EventQueue()
    queue.put([1], 1)
    queue.end(UpstreamError("first"))
    queue.end(UpstreamError("second"))
    assert queue.get(0) == [1]
    with pytest.raises(UpstreamError, match="first"):
        queue.get(0)


def test_queue_joins_small_chunks():
    queue: EventQueue[int] = EventQueue()
    for number in range(CHUNK_SIZE + 1):
        queue.put([number], 1)
    assert queue.get(0) == [*range(CHUNK_SIZE)]
    assert queue.get(0) == [CHUNK_SIZE]
    assert queue.get(0) is None


def test_queue_splits_large_batches():
    queue: EventQueue[int] = EventQueue(max_bytes=1_000)
    for _ in range(3):  # what was read frees its space, to the last byte
        queue.put([*range(2 * CHUNK_SIZE + 1)], 1_000)
        assert queue.get(0) == [*range(CHUNK_SIZE)]
        assert queue.get(0) == [*range(CHUNK_SIZE, 2 * CHUNK_SIZE)]
        assert queue.get(0) == [2 * CHUNK_SIZE]
        assert queue.get(0) is None


def test_queue_counts_adjacent_losses_together():
    queue: EventQueue[int] = EventQueue(max_bytes=2)
    queue.put([1, 2], 2)
    queue.put([3], 1)
    queue.put([4, 5], 2)
    assert queue.get(0) == [1, 2]
    queue.put([6], 1)
    assert queue.get(0) == Overflow(3)
    assert queue.get(0) == [6]


def test_message_has_every_value_of_a_header():
    message = AmiMessage({"event": "VarSet"})
    assert message.all("event") == ["VarSet"]
    assert message.all("other") == []


def test_messages_between_the_parts_of_one_are_bounded():
    """Where the second part never comes, events are read again before long."""
    genuine = Genuine("ami")
    cut = b"Event: Newchannel\r\nPrivilege: call,all\r\nChannel: SIP/2\r\nChannelState: 4"
    whole = HANGUP.removesuffix(b"\r\n\r\n")
    assert len(genuine.read_all([cut, *[whole] * 100])) == 50
    assert genuine.dropped == 51


def test_second_part_is_not_waited_for_where_messages_are_missing():
    genuine = Genuine("ami")
    cut = b"Event: Newchannel\r\nPrivilege: call,all\r\nChannel: SIP/2\r\nChannelState: 4"
    genuine.read(cut)
    genuine.forget()
    assert genuine.read(HANGUP.removesuffix(b"\r\n\r\n")) is not None


WORDS = ["\r\n", "\r\n\r\n", "39", "Event: Hangup", "Privilege: call,all", "Channel: a",
         "Uniqueid: 1.2", "Linkedid: 1.2", "ChannelState: 6", "DestChannelState: 6"]  # fmt: skip


@pytest.mark.parametrize("event", ["Newchannel", "DialBegin"])
@given(words=st.lists(st.sampled_from(WORDS), max_size=16))
def test_events_behind_a_caller_are_never_lost(event, words):
    """Whatever the number holds: the next event arrives, and nothing is reported as missing."""
    channel = CALLER_EVENT.partition("Channel: ")[2].removesuffix("\r\n")
    called = "".join(f"Dest{line}\r\n" for line in f"Channel: {channel}".splitlines())
    lines = CALLER_EVENT.replace("Newchannel", event)
    if event == "DialBegin":
        lines = f"{lines.removesuffix(END.decode())}\r\n{called}\r\n"
    lines = lines.replace("CallerIDNum: 39", f"CallerIDNum: {''.join(words)}")
    genuine = Genuine("ami")
    found = genuine.read_all([*lines.encode().split(END), *HANGUP.split(END)])
    assert not [item for item in found if isinstance(item, Overflow)]
    assert isinstance(found[-1], AmiMessage)
    assert found[-1]["channel"] == "SIP/1"
