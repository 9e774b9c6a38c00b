"""The AMI listener against the sandbox's manager: drops, no database, two listeners."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from centralino.clients.ami import AsyncioAmi
from centralino.models import LiveState, PbxCall, PbxServer
from centralino.selectors.channels import active_channels_count, figures
from centralino.services import calls, servers
from centralino.tests.managers import SHORT, address
from centralino.tests.threads import SOON_S, in_thread, soon
from centralino.workers import ami_listener, per_server
from core.tests.published import PublishedEvents
from core.workers import leader
from core.workers import services as workers
from core.workers.models import Health, WorkerStatus
from sandbox.switchboard import PlannedCall, event
from sandbox.testing import RunningAmi, running_ami

pytestmark = [
    pytest.mark.both_profiles,
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning"),
]
JOB = "asterisk.ami.asterisk_1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "BACKOFF_FIRST_S", 0.1)
    monkeypatch.setattr(leader, "STAND_BY_S", 0.05)
    monkeypatch.setattr(ami_listener, "IDLE_S", 0.02)
    monkeypatch.setattr(ami_listener, "STORE_EVERY_S", 0.02)


@pytest.fixture
def manager() -> Iterator[RunningAmi]:
    with running_ami(now=time.time()) as manager:
        yield manager


@pytest.fixture
def server() -> PbxServer:
    return PbxServer.objects.create(name="asterisk_1")


def call(number: int, *, outcome: str = "ANSWER") -> PlannedCall:
    return PlannedCall(
        number=number, started_at=1_795_361_862, caller="3478893084", called="899748963",
        phone="105", outcome=outcome, ring_s=0, talk_s=0,
    )  # fmt: skip


def begin(manager: RunningAmi, planned: PlannedCall) -> list[dict[str, str]]:
    """Let the call happen up to its first hangup; returns what is left of it."""
    steps = [what for _, what in planned.steps()]
    hangups = [what for what in steps if what["Event"] == "Hangup"]
    for what in steps[: -len(hangups)]:
        manager.happens(what)
    return hangups


def finish(manager: RunningAmi, hangups: list[dict[str, str]]) -> None:
    for what in hangups:
        manager.happens(what)


@contextmanager
def listening(server: PbxServer, manager: RunningAmi, **options: Any) -> Iterator[None]:
    """A listener in a thread of its own until the block ends."""

    @contextmanager
    def connect(_: PbxServer) -> Iterator[AsyncioAmi]:
        ami = AsyncioAmi(address(manager), **{"timeouts": SHORT, **options})
        try:
            yield ami
        finally:
            ami.close()

    with in_thread(lambda stopping: ami_listener.Listener(server, stopping, connect=connect).run()):
        yield


def health() -> str:
    return str(WorkerStatus.objects.filter(name=JOB).values_list("health", flat=True).first())


def notices(published_events: PublishedEvents) -> list[str]:
    return [message["status"] for message in published_events if message["type"] == "system"]


def test_a_call_is_published_in_order_and_stored_once(published_events, manager, server):
    with listening(server, manager):
        assert soon(lambda: health() == Health.HEALTHY)
        finish(manager, begin(manager, call(1)))
        assert soon(PbxCall.objects.exists)
    channels = published_events.of("asterisk_event")
    events = [message["event"] for message in channels]
    assert events == [
        "Newchannel", "Newchannel", "DialBegin", "Newstate", "Newstate", "Newstate", "DialEnd",
        "Hangup", "Hangup",
    ]  # fmt: skip
    assert {message["server"] for message in channels} == {"asterisk_1"}
    stored = PbxCall.objects.get()
    assert (stored.caller, stored.exten, stored.cause) == ("3478893084", "899748963", 16)
    assert stored.answered_at is not None
    assert notices(published_events) == ["recovered"], "it began"


@pytest.mark.parametrize("respected", [True, False], ids=["respected", "not respected"])
def test_a_hidden_number_is_masked_in_all_that_is_said_and_stored(
    published_events, manager, server, caplog, respected
):
    server.respect_hidden = respected
    with listening(server, manager):
        assert soon(lambda: health() == Health.HEALTHY)
        for n, (_, what) in enumerate(call(1).steps()):
            said = "prohib_passed_screen" if n else "allowed_not_screened"  # as Asterisk does
            manager.happens(what | {"ChanVariable": f"CALLERID(num-pres)={said}"})
        assert soon(PbxCall.objects.exists)
    texts = [
        *map(str, published_events), str(PbxCall.objects.values().get()),
        str(LiveState.objects.get().document), caplog.text,
    ]  # fmt: skip
    assert any("3478893084" in text for text in texts) is not respected
    stored = PbxCall.objects.get()
    shown = "347*******" if respected else "3478893084"
    assert (stored.caller, stored.number) == (shown, "" if respected else "+393478893084")
    assert {one["caller"] for one in published_events.of("pbx_call")} == {shown}
    events = published_events.of("asterisk_event")
    assert next(one["calleridnum"] for one in events if one["event"] == "Newchannel") == shown


def test_a_call_is_published_as_one_that_rings_is_answered_and_ends(
    published_events, manager, server
):
    with listening(server, manager):
        assert soon(lambda: health() == Health.HEALTHY)
        left = begin(manager, call(1))
        assert soon(lambda: states(published_events)[-1:] == [("105", "Pending", False)])
        finish(manager, left)
        assert soon(lambda: states(published_events)[-1:] == [("", "Pending", True)])
    calls = published_events.of("pbx_call")
    assert {(one["caller"], one["line"]) for one in calls} == {("3478893084", "899748963")}
    assert len({one["key"] for one in calls}) == 1


def test_calls_that_began_or_ended_while_nobody_listened_are_published(
    published_events, manager, server, monkeypatch
):
    monkeypatch.setattr("centralino.channel_table.SETTLE_S", 0.1)
    left = begin(manager, call(1))
    with listening(server, manager):
        assert soon(lambda: states(published_events) == [("105", "Pending", False)])
    finish(manager, left)
    with listening(server, manager):
        assert soon(lambda: states(published_events)[1:] == [("", "Pending", True)])


def states(published_events: PublishedEvents) -> list[tuple[str, str, bool]]:
    return [
        (one["operator"], one["state"], one["ended"]) for one in published_events.of("pbx_call")
    ]


def test_the_number_of_channels_is_asterisks_own(published_events, manager, server):
    left = begin(manager, call(1))
    with listening(server, manager):
        assert soon(lambda: active_channels_count() == 2)
        more = begin(manager, call(2))
        assert soon(lambda: active_channels_count() == 4)
        finish(manager, left + more)
        assert soon(lambda: active_channels_count() == 0)
    assert PbxCall.objects.count() == 2


def test_a_drop_is_published_once_and_ghosts_are_removed(
    published_events, manager, server, monkeypatch
):
    monkeypatch.setattr("centralino.channel_table.SETTLE_S", 0.1)
    with listening(server, manager):
        assert soon(lambda: health() == Health.HEALTHY)
        left = begin(manager, call(1))
        assert soon(lambda: active_channels_count() == 2)
        manager.inside(lambda: manager.server.faults.add("hang_up"))
        manager.drop()
        assert soon(lambda: WorkerStatus.objects.get(name=JOB).failures >= 2)
        finish(manager, left)  # while nobody listens
        manager.inside(manager.server.faults.clear)
        assert soon(lambda: health() == Health.HEALTHY and active_channels_count() == 0)
        assert soon(PbxCall.objects.exists)
    assert notices(published_events) == ["recovered", "lost", "recovered"]
    assert PbxCall.objects.get().cause is None


def test_a_frozen_pbx_is_noticed(published_events, manager, server):
    with listening(server, manager):
        assert soon(lambda: health() == Health.HEALTHY)
        manager.inside(lambda: manager.server.faults.add("frozen"))
        assert soon(lambda: health() == Health.DOWN)
        assert "silent" in WorkerStatus.objects.get(name=JOB).last_error or notices(
            published_events
        )
        manager.inside(manager.server.faults.clear)
        assert soon(lambda: health() == Health.HEALTHY)


def test_channels_out_of_sight_are_not_counted_for_long(
    published_events, manager, server, monkeypatch
):
    monkeypatch.setattr(ami_listener, "UNKNOWN_AFTER_S", 0.2)
    with listening(server, manager):
        begin(manager, call(1))
        assert soon(lambda: active_channels_count() == 2)
        manager.inside(lambda: manager.server.faults.add("hang_up"))
        manager.drop()
        assert soon(lambda: active_channels_count() == 0)


def test_the_state_is_renewed_though_nothing_changes(
    published_events, manager, server, monkeypatch
):
    monkeypatch.setattr(ami_listener, "BEAT_EVERY_S", 0.1)
    with listening(server, manager):
        assert soon(LiveState.objects.exists)
        first = LiveState.objects.get().updated_at
        assert soon(lambda: LiveState.objects.get().updated_at > first + timedelta(seconds=0.2))


def test_overflow_is_told_and_the_table_read_again(published_events, manager, server):
    with listening(server, manager, max_bytes=2_000):
        assert soon(lambda: health() == Health.HEALTHY)
        left = begin(manager, call(1))
        # Larger than the whole buffer: lost however fast the listener is.
        manager.happens(event("Newexten", {"Channel": "x" * 4_000, "Uniqueid": "9.9"}))
        assert soon(lambda: "overflow" in notices(published_events))
        assert soon(lambda: active_channels_count() == 2)
        finish(manager, left)
        assert soon(lambda: active_channels_count() == 0)


def test_forged_messages_are_counted_and_the_channels_checked(
    published_events, manager, server, monkeypatch
):
    monkeypatch.setattr("centralino.channel_table.SETTLE_S", 0.1)
    monkeypatch.setattr(ami_listener, "CHECK_EVERY_S", 0.1)
    with listening(server, manager):
        assert soon(lambda: health() == Health.HEALTHY)
        left = begin(manager, call(1))
        assert soon(lambda: active_channels_count() == 2)
        for what in left:  # their last events are lost with what the caller wrote into them
            if what["Event"] == "Hangup":
                manager.server.switchboard.channels.pop(what["Uniqueid"], None)
        manager.send_raw(b"Event: Hangup\r\nUniqueid: 9.9\r\n\r\n" * 3)
        assert soon(lambda: active_channels_count() == 0)
        assert soon(lambda: figures().dropped == {"asterisk_1": 3})
    assert notices(published_events) == ["recovered"], "it began"
    with listening(server, manager):
        assert soon(lambda: manager.server.sessions)
        manager.send_raw(b"Response: Goodbye\r\n\r\n")
        assert soon(lambda: figures().dropped == {"asterisk_1": 4})


def test_events_continue_and_calls_wait_while_the_database_is_unavailable(
    published_events, manager, server, monkeypatch
):
    unavailable, refused = threading.Event(), threading.Event()
    store = calls.store_state

    def store_if_there(*args: Any) -> None:
        if unavailable.is_set():
            refused.set()
            raise OperationalError("the database is unavailable")
        store(*args)

    monkeypatch.setattr(ami_listener, "store_state", store_if_there)
    monkeypatch.setattr(ami_listener, "STORE_AGAIN_S", 0.1)
    with listening(server, manager):
        assert soon(lambda: health() == Health.HEALTHY)
        unavailable.set()
        finish(manager, begin(manager, call(1)))
        assert soon(lambda: len(published_events.of("asterisk_event")) == 9)
        assert refused.wait(10)
        assert not PbxCall.objects.exists()
        unavailable.clear()
        assert soon(PbxCall.objects.exists)
        finish(manager, begin(manager, call(2)))
        assert soon(lambda: PbxCall.objects.count() == 2)
    assert notices(published_events) == ["recovered"], "it began"


def test_of_two_listeners_one_publishes_and_the_other_takes_over(published_events, manager, server):
    with ExitStack() as first:
        first.enter_context(listening(server, manager))
        assert soon(lambda: health() == Health.HEALTHY)
        with listening(server, manager):
            finish(manager, begin(manager, call(1)))
            assert soon(PbxCall.objects.exists)
            first.close()
            assert soon(lambda: len(manager.server.sessions) == 1)
            finish(manager, begin(manager, call(2)))
            assert soon(lambda: PbxCall.objects.count() == 2)
    assert len(published_events.of("asterisk_event")) == 18


def test_a_call_that_ended_while_no_listener_lived_is_stored(
    published_events, manager, server, monkeypatch
):
    monkeypatch.setattr("centralino.channel_table.SETTLE_S", 0.1)
    with listening(server, manager):
        left = begin(manager, call(1))
        assert soon(lambda: active_channels_count() == 2)
    finish(manager, left)
    with listening(server, manager):
        assert soon(PbxCall.objects.exists)
    assert active_channels_count() == 0


def test_staff_switch_a_server_off_and_on(published_events, manager, settings, monkeypatch):
    settings.ASTERISK_SERVERS = {
        "asterisk_1": {
            "HOST": "127.0.0.1",
            "AMI_PORT": str(manager.port),
            "AMI_USER": address(manager).user,
            "AMI_SECRET": address(manager).secret,
        }
    }
    monkeypatch.setattr(per_server, "RELOAD_EVERY_S", 0.05)
    stopping = threading.Event()
    thread = threading.Thread(target=ami_listener.run_ami_monitor, args=(stopping,))
    thread.start()
    try:
        assert soon(lambda: health() == Health.HEALTHY)
        begin(manager, call(1))
        assert soon(lambda: active_channels_count() == 2)
        PbxServer.objects.update(enabled=False)
        assert soon(lambda: not LiveState.objects.exists())
        assert soon(lambda: list(WorkerStatus.objects.values_list("name", "health")) == [
            ("asterisk.ami", Health.DISABLED)
        ])  # fmt: skip
        PbxServer.objects.update(enabled=True)
        assert soon(lambda: health() == Health.HEALTHY and active_channels_count() == 2)
    finally:
        stopping.set()
        thread.join(SOON_S)


def test_the_environment_creates_servers_once_and_staff_own_them(settings):
    settings.ASTERISK_SERVERS = {
        "asterisk_1": {"HOST": "pbx.example", "SSH_PORT": "22", "AMI_SECRET": "hidden"},
        "asterisk_2": {"HOST": "pbx.example", "AMI_PORT": "many"},
    }
    [made] = servers.add_configured_servers()
    assert (made.name, made.host, made.ssh_port, made.ami_port) == (
        "asterisk_1", "pbx.example", 22, 5038,
    )  # fmt: skip
    PbxServer.objects.update(host="other.example")
    assert servers.add_configured_servers() == []
    assert PbxServer.objects.get().host == "other.example"
    assert servers.secret("asterisk_1", "AMI_SECRET") == "hidden"
    assert servers.secret("asterisk_2", "AMI_SECRET") == ""
