"""What locks a login, besides the failures of its user at its address: those of the address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone


class LoginLock(AxesDatabaseHandler):
    """django-axes' handler, which counts in the database; asked before a password is hashed."""

    def is_locked(self, request: Any, credentials: Any = None) -> bool:
        return is_address_locked(request) or bool(super().is_locked(request, credentials))


def is_address_locked(request: HttpRequest) -> bool:
    """Whether logins from the request's address failed too often, of whichever users."""
    since = timezone.now() - timedelta(minutes=settings.LOGIN_LOCK_MINUTES)
    address = request.axes_ip_address  # type: ignore[attr-defined]  # django-axes sets it
    failed = AccessAttempt.objects.filter(ip_address=address, attempt_time__gt=since)
    count = failed.aggregate(count=Sum("failures_since_start"))["count"] or 0
    return bool(count >= settings.LOGIN_FAILURES_PER_ADDRESS)
