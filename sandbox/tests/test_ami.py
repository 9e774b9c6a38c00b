from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.ami import LOGGED_OFF, AmiServer, decoded, encoded
from sandbox.switchboard import OUTCOMES, Headers, Switchboard, clock_time, invented_call
from sandbox.testing import AMI_SECRET, AMI_USER, EVENING

calls = st.builds(
    lambda number, seed: invented_call(number, now=EVENING, dice=Random(seed)),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)


@given(calls)
def test_every_call_leaves_no_channel_behind(call):
    switchboard, maximum = Switchboard(), 0
    for _, what in call.steps():
        switchboard.happens(what, now=EVENING)
        maximum = max(maximum, len(switchboard.channels))
    assert maximum == 2
    assert switchboard.channels == {}


@given(calls)
def test_events_of_a_call_are_those_of_asterisk(call):
    events = [what for _, what in call.steps()]
    names = Counter(what["Event"] for what in events)
    assert (names["Newchannel"], names["DialBegin"], names["DialEnd"]) == (2, 1, 1)
    assert names["Hangup"] == 2
    assert {what["Linkedid"] for what in events} == {events[0]["Uniqueid"]}
    assert all(delay_s >= 0 for delay_s, _ in call.steps())
    (dialled,) = (what for what in events if what["Event"] == "DialEnd")
    assert dialled["DialStatus"] in OUTCOMES
    answered = [what for what in events if what.get("ChannelStateDesc") == "Up"]
    assert bool([w for w in answered if w["Event"] == "Newstate"]) == (call.outcome == "ANSWER")


def test_calls_have_channels_of_their_own():
    dice = Random(1)
    planned = [invented_call(number, now=EVENING, dice=dice) for number in range(50)]
    ids = [what["Uniqueid"] for call in planned for _, what in call.steps()]
    assert len(set(ids)) == 100


def test_listed_channel_has_its_age():
    switchboard = Switchboard()
    call = invented_call(7, now=EVENING, dice=Random(1))
    (_, first), *_ = call.steps()
    switchboard.happens(first, now=EVENING)
    (item,) = switchboard.listed(now=EVENING + 3_725)
    assert item["Duration"] == "01:02:05"
    assert item["Uniqueid"] == first["Uniqueid"]
    assert "Privilege" not in item


@given(st.floats(-10, 10**6))
def test_duration_is_always_a_time(seconds):
    hours, minutes, secs = map(int, clock_time(seconds).split(":"))
    assert hours * 3600 + minutes * 60 + secs == max(0, int(seconds))


# --- The protocol ---------------------------------------------------------------------------------
class AmiTestClient:
    """A manager session that writes actions and reads messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, **headers: str) -> Headers:
        self._writer.write(encoded(headers))
        return await self.read()

    async def read(self) -> Headers:
        return decoded(await self._reader.readuntil(b"\r\n\r\n"))

    async def log_in(self) -> None:
        response = await self.ask(Action="Login", Username=AMI_USER, Secret=AMI_SECRET)
        assert response["response"] == "Success"
        assert (await self.read())["event"] == "FullyBooted"


@pytest.fixture
def server() -> AmiServer:
    return AmiServer(Switchboard(), user=AMI_USER, secret=AMI_SECRET, clock=lambda: EVENING)


async def connected(server: AmiServer) -> AmiTestClient:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
    assert await reader.readline() == b"Asterisk Call Manager/5.0.4\r\n"
    return AmiTestClient(reader, writer)


def test_open_connection_does_not_disturb_the_end_of_the_loop(server, caplog):
    asyncio.run(connected(server))
    assert caplog.text == ""


async def test_plain_login_is_accepted(server):
    await (await connected(server)).log_in()
    assert len(server.sessions) == 1
    server.drop()


async def test_wrong_secret_is_refused(server):
    client = await connected(server)
    response = await client.ask(Action="Login", Username=AMI_USER, Secret="wrong", ActionID="7")
    assert response == {
        "response": "Error",
        "actionid": "7",
        "message": "Authentication failed",
    }
    server.drop()


async def test_nothing_is_done_or_sent_before_the_login(server):
    client = await connected(server)
    server.send_raw(b"Event: Hangup\r\n\r\n")
    response = await client.ask(Action="CoreShowChannels")
    assert response["message"] == "Permission denied"
    server.drop()


async def test_unknown_action_is_an_error(server):
    client = await connected(server)
    await client.log_in()
    assert (await client.ask(Action="Originate"))["message"] == "Invalid/unknown command"
    server.drop()


async def test_logoff_is_confirmed_and_closes(server):
    client = await connected(server)
    await client.log_in()
    assert (await client.ask(Action="Logoff"))["response"] == LOGGED_OFF
    with pytest.raises(asyncio.IncompleteReadError):
        await client.read()


async def test_events_reach_every_session(server):
    one, other = await connected(server), await connected(server)
    await one.log_in()
    await other.log_in()
    server.switchboard.happens({"Event": "Newchannel", "Uniqueid": "1.1"}, now=EVENING)
    assert (await one.read())["uniqueid"] == (await other.read())["uniqueid"] == "1.1"
    server.drop()
