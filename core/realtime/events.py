"""What we say on sockets. `docs/events.md` lists every message; a test fails if one is missing."""

from __future__ import annotations

import builtins
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

Frame = dict[str, str]  # a ready ASGI message, shared by every client that gets it


def text_frame(text: str) -> Frame:
    """The ASGI message that sends `text`."""
    return {"type": "websocket.send", "text": text}


class Event(ABC):
    """One flat JSON message with a `type`; subclasses are frozen dataclasses in the past tense.

    What goes through `publish` also gets `seq` and `epoch` from the log.
    """

    type: ClassVar[str]
    socket: ClassVar[str] = ""  # its clients may see the event; empty: every socket's do
    known: ClassVar[dict[str, builtins.type[Event]]] = {}  # every subclass by its `type`

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "type" in cls.__dict__:
            Event.known[cls.type] = cls

    @abstractmethod
    def payload(self) -> dict[str, Any]:
        """The JSON-able fields beside `type`; never `seq` or `epoch` if published."""

    def body(self) -> bytes:
        """The message as a JSON object in UTF-8, `type` first."""
        return orjson.dumps({"type": self.type, **self.payload()})

    def frame(self) -> Frame:
        """The message ready to be sent to one client, past the log."""
        return text_frame(self.body().decode())


def types_on(socket: str) -> frozenset[str]:
    """Types of the events that clients of `socket` may see; those of "" come on every socket."""
    return frozenset(name for name, event in Event.known.items() if event.socket == socket)


@dataclass(frozen=True)
class System(Event):
    """The first message of every socket: where in the log it starts."""

    type: ClassVar[str] = "system"
    epoch: str
    seq: int

    def payload(self) -> dict[str, Any]:
        return {
            "message": "Connected to Gateway ARQ",
            "epoch": self.epoch,
            "seq": self.seq,
            "timestamp": int(time.time()),
        }


@dataclass(frozen=True)
class Notice(Event):
    """Something that everybody on a socket should know, whatever they asked for: published."""

    type: ClassVar[str] = "system"
    message: str
    details: dict[str, Any]

    def payload(self) -> dict[str, Any]:
        return {"message": self.message, **self.details, "timestamp": int(time.time())}


@dataclass(frozen=True)
class Heartbeat(Event):
    """Sent every HEARTBEAT_S; everything up to `seq` has been sent before it."""

    type: ClassVar[str] = "heartbeat"
    epoch: str
    seq: int

    def payload(self) -> dict[str, Any]:
        return {"timestamp": int(time.time()), "epoch": self.epoch, "seq": self.seq}


@dataclass(frozen=True)
class Resync(Event):
    """Some events can no longer be sent: read the state by REST; events go on after `seq`."""

    type: ClassVar[str] = "resync"
    epoch: str
    seq: int

    def payload(self) -> dict[str, Any]:
        return {
            "detail": "Events were missed that are no longer in the log: read the state again",
            "epoch": self.epoch,
            "seq": self.seq,
        }


@dataclass(frozen=True)
class Pong(Event):
    """The answer to {"type": "ping"}."""

    type: ClassVar[str] = "pong"

    def payload(self) -> dict[str, Any]:
        return {"timestamp": int(time.time())}


@dataclass(frozen=True)
class Error(Event):
    """The last message before we close with `code`: browsers show nobody a refused handshake."""

    type: ClassVar[str] = "error"
    code: int
    detail: str

    def payload(self) -> dict[str, Any]:
        return {"code": self.code, "detail": self.detail}
