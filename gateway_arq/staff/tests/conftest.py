"""Staff of every group, logged in."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django_otp.oath import TOTP

PASSWORD = "correct horse battery"


@pytest.fixture
def member() -> Callable[..., User]:
    """Makes a member of staff who is in these groups and no superuser."""

    def make(*groups: str, name: str = "anna") -> User:
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        user.groups.set(Group.objects.filter(name__in=groups))
        return user

    return make


@pytest.fixture
def logged_in(member: Callable[..., User]) -> Callable[..., Client]:
    """A client of a fresh member of these groups, without the login's pages."""

    def make(*groups: str, name: str = "anna") -> Client:
        client = Client()
        client.force_login(
            member(*groups, name=name), backend="django.contrib.auth.backends.ModelBackend"
        )
        return client

    return make


def code_of(key: str, *, later_s: int = 0) -> str:
    """What an authenticator app with that key shows now, or then."""
    totp = TOTP(bytes.fromhex(key))
    totp.time = time.time() + later_s
    return f"{totp.token():06}"
