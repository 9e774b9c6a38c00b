from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from webcom import ingest
from webcom.line_types import line_type, type_of_number
from webcom.models import Line
from webcom.tests.factories import line_payload
from webcom.types import parse_line

pytestmark = pytest.mark.both_profiles


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("899748963", "Vas"),
        ("892424", "Vas"),
        ("+39899748963", "Vas"),
        ("0039899748963", "Vas"),
        ("800026028", "Green"),
        ("803116", "Green"),
        ("800123", "Green"),
        ("800026028;npdi;rn=+39360", "Green"),
        ("tel:+39-899-748963", "Vas"),
        ("+39800026028", "Green"),
        ("0612345678", ""),
        ("3312345678", ""),
        ("390899", ""),
        ("", ""),
    ],
)
def test_the_type_follows_from_the_number(number: str, kind: str):
    assert type_of_number(number) == kind


@pytest.mark.django_db
def test_the_carrier_s_list_overrides_the_number():
    assert line_type("Sickprod28GN", "899000000") == "Vas"
    ingest.store_lines([parse_line(line_payload())])
    assert line_type("Sickprod28GN", "899000000") == "Green"


@pytest.mark.django_db
def test_the_list_is_not_read_for_every_call(django_assert_num_queries: Any):
    with django_assert_num_queries(1):
        for n in range(100):
            line_type(f"L{n}", "800026028")


@pytest.mark.django_db
def test_lines_of_a_transaction_that_fails_are_forgotten_with_the_next_change():
    with transaction.atomic():
        ingest.store_lines([parse_line(line_payload(lineId="L1", lineType="Vas"))])
        transaction.set_rollback(True)
    ingest.store_lines([parse_line(line_payload())])
    assert line_type("L1", "") == ""
    assert Line.objects.count() == 1
