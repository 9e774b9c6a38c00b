"""What the AMI clients share: timeouts, login, and how responses are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from centralino.types import AmiMessage
from core.lib.upstream import UpstreamError

GREETING: Final = "Asterisk Call Manager"


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds.

    A peer that freezes is noticed within `ping_every_s + silent_s`.
    """

    connect_s: float = 5
    response_s: float = 10  # for the greeting, and for every action
    ping_every_s: float = 3
    silent_s: float = 10


def login_key(challenge: AmiMessage, secret: str) -> str:
    """The `Key` of an MD5 login, so that the secret itself never travels. UpstreamError."""
    word = challenge.get("challenge")
    if not word:
        raise UpstreamError("ami: no challenge for the login")
    return hashlib.md5((word + secret).encode(), usedforsecurity=False).hexdigest()


def accepted(action: str, response: AmiMessage) -> AmiMessage:
    """`response`, unless it says that the action failed: UpstreamError with the PBX's message."""
    if response.get("response", "").lower() == "error":
        reason = "".join(filter(str.isprintable, response.get("message", "")))[:200]
        raise UpstreamError(f"ami {action}: {reason or 'refused'}")
    return response


def is_last(message: AmiMessage) -> bool:
    """True for the event that ends a list."""
    return message.get("eventlist", "").lower() == "complete" or (
        "listitems" in message and message.get("event", "").endswith("Complete")
    )
