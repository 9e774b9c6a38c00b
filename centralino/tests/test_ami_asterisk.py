"""Both AMI clients and the tunnel against a real Asterisk behind a real sshd."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from centralino.clients.build import CLIENTS
from centralino.clients.tunnel import SshLogin, Tunnel
from centralino.tests.bed import CALLED, Bed
from centralino.types import Ami, AmiAddress
from core.lib.upstream import UpstreamError

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:asterisk.manager"),
]
NOTICED_WITHIN_S = 15


@pytest.fixture(params=sorted(CLIENTS))
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def login(bed: Bed, **others: Any) -> SshLogin:
    env = bed.env
    given = {
        "host": env["BED_SSH_HOST"],
        "port": int(env["BED_SSH_PORT"]),
        "user": env["BED_SSH_USER"],
        "key_file": env["BED_SSH_KEY"],
        "known_hosts": env["BED_SSH_KNOWN_HOSTS"],
    }
    return SshLogin(**{**given, **others})


def tunnel(bed: Bed, **others: Any) -> Tunnel:
    return Tunnel(login(bed, **others), host="127.0.0.1", port=int(bed.env["BED_AMI_PORT"]))


@contextmanager
def session(client: str, bed: Bed, *, through: Tunnel | None = None) -> Iterator[Ami]:
    port = through.port if through else int(bed.env["BED_AMI_PORT"])
    env = bed.env
    where = AmiAddress("127.0.0.1", port, env["BED_AMI_USER"], env["BED_AMI_SECRET"])
    with closing(CLIENTS[client](where)) as ami:
        yield ami


def until_hung_up(ami: Ami) -> list[Any]:
    """The events of a call, until its second channel is gone."""
    events: list[Any] = []
    for batch in ami.events(idle_s=10):
        assert batch is not None, "the PBX is silent"
        events += batch
        if sum(event["event"] == "Hangup" for event in events) == 2:
            return events
    raise AssertionError("events() never ends by itself")


def _until(ami: Ami, name: str) -> None:
    """Read the events up to that one."""
    batch: Any
    for batch in ami.events(idle_s=10):
        assert batch is not None, "the PBX is silent"
        if any(event["event"] == name for event in batch):
            return


def noticed_after_s(ami: Ami) -> float:
    """How long it takes until the session is known to be over."""
    began = time.monotonic()
    try:
        for _ in ami.events(idle_s=1):
            assert time.monotonic() - began < 2 * NOTICED_WITHIN_S, "not noticed"
    except UpstreamError:
        return time.monotonic() - began
    raise AssertionError("events() never ends by itself")


@pytest.mark.parametrize("tunnelled", [False, True])
def test_call_events_come_in_order(asterisk_bed, client, tunnelled):
    with ExitStack() as stack:
        way = stack.enter_context(tunnel(asterisk_bed)) if tunnelled else None
        ami = stack.enter_context(session(client, asterisk_bed, through=way))
        assert ami.listed("CoreShowChannels") == []
        asterisk_bed.call(seconds=1)
        events = until_hung_up(ami)

    trunk, phone = (event for event in events if event["event"] == "Newchannel")
    assert trunk["exten"] == CALLED
    assert phone["linkedid"] == trunk["uniqueid"]
    mine = [event["event"] for event in events if event.get("uniqueid") == trunk["uniqueid"]]
    order = ["Newchannel", "DialBegin", "Newstate", "DialEnd", "Hangup"]
    assert [name for name in mine if name in order].index("Newchannel") == 0
    assert mine.index("DialBegin") < mine.index("DialEnd") < mine.index("Hangup")


def test_channels_of_a_call_are_listed(asterisk_bed, client):
    with session(client, asterisk_bed) as ami:
        call = asterisk_bed.start_call(seconds=30)
        try:
            _until(ami, "DialEnd")
            items = ami.listed("CoreShowChannels")
            assert len(items) == asterisk_bed.channels() == 2
            assert {item["event"] for item in items} == {"CoreShowChannel"}
        finally:
            asterisk_bed.cli("channel", "request", "hangup", "all")
            call.wait(10)


def test_refused_action_is_an_error(asterisk_bed, client):
    with session(client, asterisk_bed) as ami:
        with pytest.raises(UpstreamError):
            ami.action("Originate", Channel="PJSIP/105")
        assert ami.action("Ping")["ping"] == "Pong"


def test_wrong_secret_is_an_error(asterisk_bed, client):
    env = asterisk_bed.env
    wrong = AmiAddress("127.0.0.1", int(env["BED_AMI_PORT"]), env["BED_AMI_USER"], "wrong")
    with pytest.raises(UpstreamError, match="Authentication failed"):
        CLIENTS[client](wrong)


def test_frozen_asterisk_is_noticed_through_the_tunnel(asterisk_bed, client):
    with tunnel(asterisk_bed) as way, session(client, asterisk_bed, through=way) as ami:
        asterisk_bed.kill("ASTERISK", signal.SIGSTOP)
        try:
            assert noticed_after_s(ami) < NOTICED_WITHIN_S
        finally:
            asterisk_bed.kill("ASTERISK", signal.SIGCONT)


def test_killed_asterisk_is_noticed_through_the_tunnel(asterisk_bed, client):
    with tunnel(asterisk_bed) as way, session(client, asterisk_bed, through=way) as ami:
        asterisk_bed.kill("ASTERISK")
        assert noticed_after_s(ami) < 2


def test_cut_ssh_is_noticed(asterisk_bed, client):
    with tunnel(asterisk_bed) as way, session(client, asterisk_bed, through=way) as ami:
        asterisk_bed.cut_ssh()
        assert noticed_after_s(ami) < 2
        assert not way.alive


# --- sshd -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("key", ["BED_SSH_KEY", "BED_SSH_KEY_RSA"])
@pytest.mark.parametrize("by", ["known_hosts", "fingerprint"])
def test_sshd_lets_us_in_by_either_kind_of_key(asterisk_bed, key, by):
    pinned = {"fingerprint": asterisk_bed.env["BED_SSH_HOSTKEY_FINGERPRINT"], "known_hosts": ""}
    trust = pinned if by == "fingerprint" else {}
    with tunnel(asterisk_bed, key_file=asterisk_bed.env[key], **trust) as way:
        assert way.alive


def test_unknown_sshd_is_refused(asterisk_bed):
    with pytest.raises(UpstreamError, match="is unknown"):
        tunnel(asterisk_bed, known_hosts="")


def test_wrong_user_is_refused(asterisk_bed):
    with pytest.raises(UpstreamError, match="refuses the user nobody"):
        tunnel(asterisk_bed, user="nobody")


def test_dead_sshd_is_an_error(asterisk_bed):
    asterisk_bed.kill("SSHD")
    with pytest.raises(UpstreamError, match="no connection"):
        tunnel(asterisk_bed)
