"""Sessions with the sandbox's manager, and recorded conversations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from centralino.clients.build import CLIENTS
from centralino.clients.session import Timeouts
from centralino.types import Ami, AmiAddress, AmiMessage
from sandbox.testing import AMI_SECRET, AMI_USER, RunningAmi

DATA: Final = Path(__file__).parent / "data"
SHORT: Final = Timeouts(connect_s=0.6, response_s=0.4, ping_every_s=0.1, silent_s=0.4)
SHORT_TIMEOUTS: Final = Timeouts(connect_s=0.2, response_s=0.15)  # for a peer that never responds
UNHURRIED: Final = Timeouts(connect_s=5, response_s=5, ping_every_s=5, silent_s=5)
END: Final = {"Event": "UserEvent", "Privilege": "user,all", "UserEvent": "End"}


def event(name: str, *lines: str) -> bytes:
    """An event of a channel in the fewest words that Asterisk needs for one."""
    of = ("Channel: SIP/1", "Uniqueid: 1.2", "Linkedid: 1.2")
    return "\r\n".join([f"Event: {name}", "Privilege: call,all", *of, *lines, "", ""]).encode()


HANGUP: Final = event("Hangup")


def address(manager: RunningAmi, *, user: str = AMI_USER, secret: str = AMI_SECRET) -> AmiAddress:
    return AmiAddress("127.0.0.1", manager.port, user, secret)


def connected(client: str, manager: RunningAmi, **options: Any) -> Ami:
    """A session of the client with that name."""
    connect: Any = CLIENTS[client]
    return connect(address(manager), **{"timeouts": UNHURRIED, **options})


@contextmanager
def session(client: str, manager: RunningAmi, **options: Any) -> Iterator[Ami]:
    """A session that has read everything up to FullyBooted."""
    with closing(connected(client, manager, **options)) as ami:
        until(ami, "FullyBooted")
        yield ami


def until(ami: Ami, name: str, *, idle_s: float = 5) -> list[Any]:
    """The events before the event `name`; AssertionError when it does not come."""
    before: list[Any] = []
    for batch in ami.events(idle_s=idle_s):
        assert batch is not None, f"no {name} after {len(before)} events"
        names = [item.get("event") for item in batch if isinstance(item, AmiMessage)]
        if name in names:
            assert names[-1] == name, "nothing was to come after it"
            return before + batch[:-1]
        before += batch
    raise AssertionError("events() never ends by itself")


def events_from(ami: Ami, manager: RunningAmi, *raw: bytes) -> list[Any]:
    """The events that the client reads from raw bytes."""
    for piece in raw:
        manager.send_raw(piece)
    manager.happens(END)
    return until(ami, "UserEvent")


def sample(name: str) -> bytes:
    """A recorded conversation from `data/`, without the greeting and the login."""
    *_, rest = (DATA / name).read_bytes().split(b"\r\n\r\n", 1)
    return rest


SAMPLES: Final = sorted(str(path.relative_to(DATA)) for path in DATA.glob("asterisk*/ami-*.txt"))
