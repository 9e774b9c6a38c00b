"""Who of those logged in is let into what staff see: pages, the API by session, live events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django_otp import DEVICE_ID_SESSION_KEY

from core.auth.types import ALL_SCOPES, Caller

ADMIN: Final = "admin"  # the group that superusers belong to, whether they are in it or not


def is_let_in(user: Any, session: Mapping[str, Any]) -> bool:
    """Whether this session of `user` may see what staff see."""
    return is_staff(user) and not must_enrol(user, session)


def is_staff(user: Any) -> bool:
    return bool(user.is_active and user.is_staff)


def is_administrator(user: Any) -> bool:
    return bool(user.is_superuser or user.groups.filter(name=ADMIN).exists())


def sees_everything(user: Any) -> bool:
    """Whether the user may see what API, dashboard and live events show, which is of every app."""
    return bool(user.has_perms(seen_by_permission()))


def seen_by_permission() -> list[str]:
    """The permissions for that: each app's config names one (`staff_sees`)."""
    named = (getattr(config, "staff_sees", "") for config in apps.get_app_configs())
    return [permission for permission in named if permission]


def must_enrol(user: Any, session: Mapping[str, Any]) -> bool:
    """Whether `user` is in a group of TWO_FACTOR_GROUPS and came in without a second factor."""
    groups = settings.TWO_FACTOR_GROUPS
    if not groups or DEVICE_ID_SESSION_KEY in session:
        return False
    if user.is_superuser and ADMIN in groups:
        return True
    return bool(user.groups.filter(name__in=groups).exists())


def staff_caller(user: Any, **more: Any) -> Caller:
    """The caller that a member of staff is; their permissions say what they may write."""
    return Caller(name=user.get_username(), scopes=ALL_SCOPES, user_id=user.pk, **more)
