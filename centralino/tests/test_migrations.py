"""Listed numbers are still found after the rule for numbers has changed."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from centralino.models import ListEntry

renewal = import_module("centralino.migrations.0004_one_notation")


def entry(number: str, *, hours: int | None = None, allowed: bool = False) -> None:
    now = timezone.now()
    until = None if hours is None else now + timedelta(hours=hours)
    ListEntry.objects.create(
        number=number, allowed=allowed, created_at=now, expires_at=until, changed_at=now
    )


@pytest.mark.django_db
def test_numbers_that_were_misread_get_the_notation_of_now():
    for number in ("+39447911123456", "39187", "+39412345", "+39390649911"):
        entry(number)
    same = ["+393478893084", "+390649911", "+39612345678", "105", "+41791234567", "+3989*"]
    for number in same:
        entry(number)
    renewal.renew(apps, SimpleNamespace(connection=connection))
    renewed = {"+447911123456", "187", "412345", "+390649911"}
    assert set(ListEntry.objects.values_list("number", flat=True)) == renewed | set(same)


@pytest.mark.django_db
def test_of_two_entries_of_one_caller_the_longer_stays():
    entry("+447911123456", hours=1)
    entry("+39447911123456", hours=2)
    entry("187")
    entry("39187", hours=1)
    entry("+39187", hours=1, allowed=True)
    renewal.renew(apps, SimpleNamespace(connection=connection))
    british = ListEntry.objects.get(number="+447911123456")
    assert british.expires_at > timezone.now() + timedelta(hours=1.5)
    assert ListEntry.objects.get(number="187", allowed=False).expires_at is None
    assert ListEntry.objects.count() == 3
