"""Calls, endpoints and the monitor, as the listeners last saw them.

The document under `<server>.ari`: `channels` and `endpoints` as ARI gives them, and `status` with
`websocket` (connected or disconnected), `stasis_calls` and `blacklisted_this_session`. Without one
that is connected, the channels are those of `<server>.ami`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from centralino import channel_table
from centralino.models import LiveState
from centralino.types import CallInProgress
from core.lib.days import zone
from core.workers import selectors as workers
from core.workers.models import Health

CONNECTED: Final = "connected"
DISCONNECTED: Final = "disconnected"
_WORKER: Final = "asterisk.ari"
States = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class ActiveCall:
    """A channel in the API's words; `created` is local ISO 8601 time as ARI writes it."""

    channel_id: str
    name: str
    state: str
    caller: str
    caller_name: str
    extension: str
    context: str
    application: str
    created: str


@dataclass(frozen=True)
class EndpointState:
    """An extension: online, offline or unknown, and its channels."""

    resource: str
    state: str
    channel_ids: list[str]


@dataclass(frozen=True)
class Overview:
    """How many channels there are, the calls that they make up (newest first), the extensions."""

    channels: int
    calls: list[CallInProgress]
    extensions: list[EndpointState]


@dataclass(frozen=True)
class MonitorStatus:
    """The status of screening over all servers."""

    status: str
    websocket: str
    stasis_calls: int
    blacklisted_this_session: int
    active_calls: int


def active_calls() -> list[ActiveCall]:
    """Every channel that exists now, oldest first."""
    return _calls(_states())


def calls_in_progress() -> list[CallInProgress]:
    """Every call of the servers that AMI can see, newest first."""
    return _calls_in_progress(_states())


def overview() -> Overview:
    """The calls, channels and extensions of all servers, in one query."""
    states = _states()
    channels = [state for key, state in states.items() if key.endswith(".ami")]
    return Overview(
        channels=sum(int(state.get("count", 0)) for state in channels),
        calls=_calls_in_progress(states),
        extensions=_endpoints(states, None),
    )


def endpoints(server: str | None = None) -> list[EndpointState]:
    """Every extension of the servers that ARI is connected to, or of one of them, by name."""
    return _endpoints(_states(), server)


def monitor_status() -> MonitorStatus:
    """The monitor's status; `disabled` when it has never run."""
    states = _states()
    reports = [state.get("status") or {} for key, state in states.items() if key.endswith(".ari")]
    all_connected = bool(reports) and all(one.get("websocket") == CONNECTED for one in reports)
    return MonitorStatus(
        status=_health(),
        websocket=CONNECTED if all_connected else DISCONNECTED,
        stasis_calls=sum(int(one.get("stasis_calls", 0)) for one in reports),
        blacklisted_this_session=sum(
            int(one.get("blacklisted_this_session", 0)) for one in reports
        ),
        active_calls=len(_calls(states)),
    )


def _calls_in_progress(states: States) -> list[CallInProgress]:
    calls = [
        call
        for key, state in states.items()
        if key.endswith(".ami")
        for call in channel_table.calls_in_progress(
            key.rpartition(".")[0], channel_table.readable_table(state)
        )
    ]
    return sorted(calls, key=lambda call: (call.started_at, call.linkedid), reverse=True)


def _endpoints(states: States, server: str | None) -> list[EndpointState]:
    found = [
        EndpointState(
            resource=_text(endpoint, "resource"),
            state=_text(endpoint, "state") or "unknown",
            channel_ids=[str(channel_id) for channel_id in endpoint.get("channel_ids") or ()],
        )
        for state in _connected(states, server)
        for endpoint in state.get("endpoints") or ()
    ]
    return sorted(found, key=lambda endpoint: endpoint.resource)


def _states() -> States:
    return {state.key: state.known() for state in LiveState.objects.order_by("key")}


def _connected(states: States, server: str | None) -> Iterable[dict[str, Any]]:
    for name, state in states.items():
        owner, _, what = name.rpartition(".")
        if what == "ari" and server in (None, owner) and _is_up(state):
            yield state


def _is_up(state: dict[str, Any]) -> bool:
    return (state.get("status") or {}).get("websocket") == CONNECTED


def _calls(states: States) -> list[ActiveCall]:
    servers = sorted({name.rpartition(".")[0] for name in states})
    calls = [call for server in servers for call in _calls_of(server, states)]
    return sorted(calls, key=lambda call: (call.created, call.channel_id))


def _calls_of(server: str, states: States) -> list[ActiveCall]:
    ari = states.get(f"{server}.ari")
    if ari is not None and _is_up(ari):
        return [_of_ari(channel) for channel in ari.get("channels") or ()]
    ami = states.get(f"{server}.ami") or {}
    return [_of_ami(channel) for channel in (ami.get("table") or {}).get("channels") or ()]


def _of_ari(channel: dict[str, Any]) -> ActiveCall:
    caller, dialplan = channel.get("caller") or {}, channel.get("dialplan") or {}
    return ActiveCall(
        channel_id=_text(channel, "id"),
        name=_text(channel, "name"),
        state=_text(channel, "state"),
        caller=_text(caller, "number"),
        caller_name=_text(caller, "name"),
        extension=_text(dialplan, "exten"),
        context=_text(dialplan, "context"),
        application=_text(dialplan, "app_name"),
        created=_text(channel, "creationtime"),
    )


def _of_ami(channel: dict[str, Any]) -> ActiveCall:
    return ActiveCall(
        channel_id=_text(channel, "uniqueid"),
        name=_text(channel, "name"),
        state=_text(channel, "state"),
        caller=_text(channel, "caller"),
        caller_name=_text(channel, "caller_name"),
        extension=_text(channel, "exten"),
        context=_text(channel, "context"),
        application=_text(channel, "application"),
        created=_ari_time(channel.get("started_at")),
    )


def _ari_time(epoch: Any) -> str:
    """`2025-12-09T08:35:05.936+0100`: how ARI writes a time."""
    if not isinstance(epoch, int | float):
        return ""
    at = datetime.fromtimestamp(epoch, UTC).astimezone(zone())
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}{at:%z}"


def _text(facts: dict[str, Any], name: str) -> str:
    value = facts.get(name)
    return "" if value is None else str(value)


def _health() -> str:
    status = workers.summary(_WORKER, workers.statuses()).status
    return "running" if status == Health.HEALTHY else status
