"""Files of the lists: uploaded, previewed, confirmed; and exported."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook

from centralino.models import ListEntry
from centralino.tests.test_admin_lists import LISTED, entry
from centralino.types import Reason

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]


def imported(
    client: Client, content: str | bytes, *, confirm: bool = True, language: str = "en"
) -> Any:
    """Upload the file, check the preview, confirm. The format is the one of its first bytes."""
    raw = content.encode() if isinstance(content, str) else content
    is_workbook = raw.startswith(b"PK")
    file = SimpleUploadedFile("list.xlsx" if is_workbook else "list.csv", raw)
    form = {"import_file": file, "format": "1" if is_workbook else "0", "resource": ""}
    headers = {"accept-language": language}
    preview = client.post(f"{LISTED}import/", form, headers=headers)
    assert preview.status_code == 200
    if not confirm:
        return preview
    confirmed = preview.context["confirm_form"].initial
    response = client.post(f"{LISTED}process_import/", confirmed, headers=headers, follow=True)
    assert response.redirect_chain, response.content[:2000]
    return response


def numbers() -> set[str]:
    return {row.number for row in ListEntry.objects.all()}


def workbook(*rows: Sequence[object]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def test_a_list_is_imported_with_the_rules_of_the_services(admin_client: Client, entries: None):
    rows = "number,hours,permanent,allowed,note\n"
    rows += "333 9999999,48,,,from the file\n+3988*,,1,,\n0039 333 1234567,1,,0,\n3338888888,,,1,\n"
    with time_machine.travel(timezone.now(), tick=False):
        before = entry("+393331234567").expires_at
        imported(admin_client, rows)
        assert entry("+393339999999").expires_at == timezone.now() + timedelta(hours=48)
    assert entry("+393339999999").reason == Reason.IMPORTED
    assert entry("+393339999999").note == "from the file"
    assert entry("+3988*").expires_at is None
    assert entry("+393331234567").expires_at == before, "never shortened"
    assert entry("+393338888888", allowed=True).expires_at is None


def test_a_preview_lists_nobody(admin_client: Client):
    imported(admin_client, "number\n3331234567\n", confirm=False)
    assert not ListEntry.objects.exists()


BAD_ROWS = {
    "x,,,": "Expected a telephone number",
    ",,,2001-01-01 00:00:00": "Expected a telephone number",
    "3331234567,0,,": "&#x27;0&#x27; is not 1 to 87600 hours.",
    "3331234567,1e3,,": "&#x27;1e3&#x27; is not 1 to",
    "3331234567,,yes,": "&#x27;yes&#x27; is neither 0 nor 1.",
    "3331234567,,,2001-01-01 00:00:00": "It is over",
    "3331234567,,,tomorrow": "&#x27;tomorrow&#x27; is not a date with its time",
    "3.47889E+09,,,": "A spreadsheet has changed this number: format its column",
    "3478893084.0,,,": "A spreadsheet has changed this number: format its column",
    "'3478893084,,,": "A spreadsheet has changed this number: format its column",
    '"=""3478893084""",,,': "A spreadsheet has changed this number: format its column",
    '"3478893084,,,': "not CSV",
    "3478893084": "1 columns where the header has 4",
}


def test_bad_rows_are_reported_with_their_lines_and_stop_no_other(admin_client: Client):
    head = "number,hours,permanent,expires_at\n\n3330000000,,,\n"
    text = head + "\n".join(BAD_ROWS) + "\n3331111111,,,\n"
    preview = imported(admin_client, text, confirm=False)
    page = preview.content.decode()
    assert [error for error in BAD_ROWS.values() if error not in page] == []
    lines = [row.number for row in preview.context["result"].invalid_rows]
    assert lines == list(range(4, 4 + len(BAD_ROWS)))
    assert not ListEntry.objects.exists()
    done = imported(admin_client, text)
    assert numbers() == {"+393330000000", "+393331111111"}
    assert "13 rows were left out: lines 4, 5, 6, " in done.content.decode()


def test_of_a_file_of_bad_rows_nothing_is_to_be_confirmed(admin_client: Client):
    preview = imported(admin_client, "number\nx\n3,47889E+09\n", confirm=False)
    assert "confirm_form" not in preview.context
    assert [row.number for row in preview.context["result"].invalid_rows] == [2, 3]


def test_reasons_are_in_the_reader_s_language(admin_client: Client):
    text = "number;permanent\n3478893084.0;\n3331234567;ja\n"
    page = imported(admin_client, text, confirm=False, language="it").content.decode()
    assert "Un foglio di calcolo ha cambiato questo numero" in page
    assert "non è né 0 né 1" in page


@pytest.mark.parametrize(
    ("separator", "encoding"), [(",", "utf-8-sig"), (";", "cp1252"), ("\t", "utf-16")]
)
def test_every_usual_table_is_imported(admin_client: Client, separator: str, encoding: str):
    text = "NUMBER , Note,Expires At\r\n333 1234567,perché,31/12/2099 18:00\r\n"
    text = text.replace("2099", str(timezone.now().year + 1)).replace(",", separator)
    imported(admin_client, text.encode(encoding))
    made = entry("+393331234567")
    assert made.note == "perché"
    assert made.expires_at
    assert made.expires_at > timezone.now() + timedelta(days=300)


def test_a_workbook_is_imported(admin_client: Client):
    rows: list[list[object]] = [
        ["Number", "allowed", "hours"],
        [3331234567, None, 48],
        [],
        ["333 9999999", True, None],
        ["3.47889E+09", None, None],
    ]
    done = imported(admin_client, workbook(*rows))
    assert {(row.number, row.allowed) for row in ListEntry.objects.all()} == {
        ("+393331234567", False),
        ("+393339999999", True),
    }
    assert "left out: line 5." in done.content.decode()


@pytest.mark.parametrize(
    ("form", "content"), [("0", b"PK\x03\x04"), ("1", b"number\n3331234567\n")]
)
def test_another_kind_of_file_than_chosen_is_named(admin_client: Client, form: str, content: bytes):
    file = SimpleUploadedFile("list", content)
    data = {"import_file": file, "format": form, "resource": ""}
    page = admin_client.post(f"{LISTED}import/", data, headers={"accept-language": "en"})
    assert "workbook" in page.content.decode()
    assert "confirm_form" not in page.context


def test_a_file_without_numbers_is_refused(admin_client: Client):
    preview = imported(admin_client, "telephone\n3331234567\n", confirm=False)
    assert "the columns, among them number" in preview.content.decode()
    assert "confirm_form" not in preview.context


def test_what_the_api_exports_can_be_imported(admin_client: Client, api: Any, entries: None):
    text = api.get("/jpbx-api/api/blacklist?format=csv").getvalue().decode()
    before = {row.number: row.expires_at for row in ListEntry.objects.filter(allowed=False)}
    ListEntry.objects.all().delete()
    imported(admin_client, text)
    after = {row.number: row.expires_at for row in ListEntry.objects.all()}
    assert after.keys() == before.keys()
    assert after["+3989*"] is None
    for number in ("+393331234567", "+39899748963"):
        assert abs(after[number] - before[number]) <= timedelta(hours=1)


def exported(client: Client) -> bytes:
    address = reverse("admin:centralino_listentry_export")
    form = client.get(address).content.decode()
    fields = re.findall(r'name="([^"]+)"[^>]*type="checkbox"|type="checkbox" name="([^"]+)"', form)
    data = {name: "on" for pair in fields for name in pair if name}
    content: bytes = client.post(address, {**data, "format": "0", "resource": ""}).content
    return content


def test_a_list_is_exported(viewer: Client, entries: None):
    rows = list(csv.DictReader(io.StringIO(exported(viewer).decode())))
    # A spreadsheet would read a prefix as a formula.
    assert {row["number"] for row in rows} == {"+393331234567", "'+3989*", "+39899748963"}


def test_what_the_admin_exports_can_be_imported(admin_client: Client, entries: None):
    ListEntry.objects.filter(number="+393331234567", allowed=False).update(note="=1+1")
    facts = ("number", "allowed", "note")
    before = set(ListEntry.objects.values_list(*facts))
    text = exported(admin_client)
    ListEntry.objects.all().delete()
    imported(admin_client, text)
    assert set(ListEntry.objects.values_list(*facts)) == before
