"""All valid keys in memory, so that a request with a key costs no query.

Keys of the environment are always there. Keys of the database are read again at most once a second,
when somebody asks; while the database is away, those already known stay valid.
"""

from __future__ import annotations

import hmac
import logging
import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import Error as DatabaseError
from django.db import OperationalError
from django.utils import timezone

from core.auth.models import ApiKey
from core.auth.types import ALL_SCOPES, Caller, Scope, digest_of, scopes_up_to
from core.lib.outage import Outage
from core.lib.postgres.limits import within

logger = logging.getLogger(__name__)

REREAD_S = 1.0
MAX_READING_S = 2.0  # whoever asks is not kept longer by a database that hangs
DATABASE_PAUSE_S = 5.0  # after a reading that failed
USE_NOTED_EVERY_S = 60.0
_HANDLE = 16  # hex digits of the digest that find a key; the rest is compared in constant time


def _from_environment() -> dict[str, Caller]:
    return {
        digest_of(key): Caller(name=name, scopes=ALL_SCOPES, key_id=f"env:{name}")
        for name, key in settings.API_KEYS.items()
    }


def _from_database() -> dict[str, Caller]:
    keys = ApiKey.objects.filter(revoked_at=None, scope__in=list(Scope)).order_by()
    rows = keys.values_list("pk", "name", "digest", "scope", "expires_at")
    return {
        digest: Caller(
            name=name, scopes=scopes_up_to(scope), key_id=f"db:{pk}", expires_at=expires_at
        )
        for pk, name, digest, scope, expires_at in rows
    }


def _active_staff() -> frozenset[int]:
    staff = get_user_model().objects.filter(is_staff=True, is_active=True)
    return frozenset(staff.values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class _Known:
    """One reading, replaced as a whole so that threads never see half of it."""

    by_handle: dict[str, tuple[str, Caller]]  # start of the digest -> digest, caller
    by_id: dict[str | None, Caller]
    staff_ids: frozenset[int] | None  # None: not read yet


def _known(callers: dict[str, Caller], staff_ids: frozenset[int] | None) -> _Known:
    by_handle = {digest[:_HANDLE]: (digest, caller) for digest, caller in callers.items()}
    return _Known(by_handle, {caller.key_id: caller for caller in callers.values()}, staff_ids)


def _is_expired(caller: Caller) -> bool:
    return caller.expires_at is not None and caller.expires_at <= timezone.now()


class Keyring:
    """The keys of this process; thread-safe.

    `find`, `refresh` and `reload` may query the database: not for the event loop. `is_active` reads
    memory only. None of them raises when the database goes away.
    """

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Know only the environment's keys, as at the start; the next question reads the rest."""
        self._complete = False  # the database was read, or tried, at least once
        self._outage = Outage("keys.database", separator="_")
        self._due_at = 0.0  # monotonic: when to read again
        self._use_noted_at: dict[str, float] = {}  # by key_id, monotonic
        self._known = _known(_from_environment(), None)

    def find(self, presented: str) -> Caller | None:
        """Whose key this is, or None when it is unknown, revoked or expired.

        Raises OperationalError while the database's keys were never read: this key may be one of
        them.
        """
        self.refresh()
        digest = digest_of(presented)
        known_digest, caller = self._known.by_handle.get(digest[:_HANDLE], ("", None))
        if (
            caller is None
            or not hmac.compare_digest(digest, known_digest)
            or not self.is_active(caller)
        ):
            if self._known.staff_ids is None:
                raise OperationalError("The API keys could not be read yet.")
            return None
        self._note_use(caller)
        return caller

    def is_active(self, caller: Caller) -> bool:
        """Whether who was let in still would be, as last read, with all that they could do then.

        A key may have been revoked, got an expiry or a smaller scope meanwhile, staff be dismissed.
        """
        if _is_expired(caller):
            return False
        if caller.key_id is not None:
            now = self._known.by_id.get(caller.key_id)
            return now is not None and not _is_expired(now) and caller.scopes <= now.scopes
        if caller.user_id is not None:
            staff_ids = self._known.staff_ids
            return staff_ids is None or caller.user_id in staff_ids
        return True

    def refresh(self) -> None:
        """Read the database again if last read over a second ago; others go on meanwhile."""
        if time.monotonic() < self._due_at:
            return
        if self._reading.acquire(blocking=not self._complete):
            try:
                if time.monotonic() >= self._due_at:
                    self._read()
            finally:
                self._reading.release()

    def reload(self) -> None:
        """Read the environment's and the database's keys again now."""
        with self._reading:
            self._read()

    def _read(self) -> None:
        try:
            with within(MAX_READING_S):
                known = _known({**_from_database(), **_from_environment()}, _active_staff())
        except DatabaseError as exc:
            self._due_at = time.monotonic() + DATABASE_PAUSE_S
            self._outage.began(exc)
        else:
            self._due_at = time.monotonic() + REREAD_S
            self._outage.over()
            self._known = known
        self._complete = True

    def _note_use(self, caller: Caller) -> None:
        """Write `last_used_at` of a database key, at most once a minute in this process."""
        kind, _, pk = (caller.key_id or "").partition(":")
        now = time.monotonic()
        if kind != "db" or now - self._use_noted_at.get(pk, -USE_NOTED_EVERY_S) < USE_NOTED_EVERY_S:
            return
        self._use_noted_at[pk] = now
        try:
            with within(MAX_READING_S):
                ApiKey.objects.filter(pk=pk).update(last_used_at=timezone.now())
        except DatabaseError as exc:
            logger.warning("keys.use_not_noted key=%s error=%s", caller.key_id, exc)


keyring = Keyring()
