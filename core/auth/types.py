"""Who asks, and why a socket is refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """What a caller may do; each scope includes the ones before it."""

    READ = "read"
    WRITE = "write"


def scopes_up_to(scope: str) -> frozenset[str]:
    """The scope and all that it includes. ValueError for an unknown one."""
    order = list(Scope)
    return frozenset(order[: order.index(Scope(scope)) + 1])


def digest_of(key: str) -> str:
    """SHA-256 of a key, in hex: what is stored and looked up."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


ALL_SCOPES: Final = scopes_up_to(Scope.WRITE)
READ_ONLY: Final = scopes_up_to(Scope.READ)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever was let in: a key (`key_id`), staff (`user_id`) or a keyless network (neither)."""

    name: str
    scopes: frozenset[str]
    key_id: str | None = None  # "env:API_KEY_1" or "db:<id>"
    user_id: int | None = None
    expires_at: datetime | None = None
    session_key: str = field(default="", repr=False)  # of staff on a socket
    address: str = ""  # of who opened a socket; of IPv6 the /64

    @property
    def quota(self) -> str:
        """Whose sockets are counted together beside those of the address; empty: nobody's."""
        return self.key_id or (f"user:{self.user_id}" if self.user_id else "")

    @property
    def is_authenticated(self) -> bool:
        """True, as Django asks of `request.user`."""
        return True


KEYLESS = Caller(name="keyless network", scopes=READ_ONLY)


class SocketRefused(Exception):
    """A socket may not connect.

    4400 unknown Host, 4401 no key, 4403 foreign Origin, 4429 too many tries, 1013 try again.
    """

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail
