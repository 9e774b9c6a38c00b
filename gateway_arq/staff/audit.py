"""The audit trail: who changed what, kept by django-auditlog (settings name the tables).

Only what a person does is written, in the admin or over the API; jobs and listeners have their own
records. Nothing secret: some fields are left out, others only say that they changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import urlsplit

from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.http import HttpRequest

from core.auth.limits import client_of
from core.auth.types import Caller

HIDDEN: Final = "•••"
_asked_by: ContextVar[HttpRequest | None] = ContextVar("asked_by", default=None)


@contextmanager
def changes_of(request: HttpRequest) -> Iterator[None]:
    """What is changed inside is changed by whoever made `request`."""
    token = _asked_by.set(request)
    try:
        yield
    finally:
        _asked_by.reset(token)


def masked(value: str) -> str:
    """What the trail shows of a secret: nothing; of an address, all but what opens it."""
    try:
        parts = urlsplit(value)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    if not parts.hostname:
        return HIDDEN if value else ""
    opens = f"?{HIDDEN}" if parts.query or parts.username else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}{opens}"


def is_written(**_kwargs: Any) -> bool:
    """Receiver of auditlog's `pre_log`, which False stops: is a person behind this change?"""
    return _asked_by.get() is not None


def add_who(instance: LogEntry, **_kwargs: Any) -> None:
    """Receiver of the entry's `pre_save`: a user, or the name of an API key; and the address."""
    request = _asked_by.get()
    if request is None:
        return
    instance.remote_addr = client_of(request) or None
    caller = getattr(request, "auth", None)
    user = getattr(request, "user", None)
    if isinstance(user, User):
        instance.actor = user
        instance.actor_email = user.email
    elif isinstance(caller, Caller):
        instance.additional_data = {**(instance.additional_data or {}), "key": caller.name}
