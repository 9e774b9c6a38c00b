"""Admin of the archive: a day per line, draws by hand, imports and the sync."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from lotto import ingest
from lotto.models import Correction, Extraction, Intake
from lotto.tests.conftest import SLICE
from lotto.types import Draw, Source
from sandbox.operator import packed
from sandbox.testing import running_operator

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
DAY = date(2026, 5, 30)
DAYS = "/admin/lotto/drawday/"
DRAWS = "/admin/lotto/extraction/"
JUNE_2026 = 1_780_302_600.0


@pytest.fixture
def staff(admin_client: Client) -> Client:
    ingest.store_lines(SLICE.read_bytes().splitlines(), source=Source.SYNC)
    ingest.save([Draw(date(2026, 6, 1), "BA", (9, 8, 7, 6, 5))], source=Source.OCR)
    return admin_client


def rows(page: Any) -> int:
    return page.context["cl"].result_count


def test_a_day_is_a_line_with_every_wheel(staff: Client) -> None:
    page = staff.get(DAYS)
    body = page.content.decode()
    days = {line[:10] for line in SLICE.read_bytes().splitlines()}
    assert rows(page) == len(days) + 1
    assert "87\u200561" in body  # Bari
    assert "84\u200523" in body  # Venezia
    assert "drawn unverified" in body
    assert len(re.findall(r'<td class="[^"]*\bfield-wheel_RN\b', body)) == min(50, len(days) + 1)


@pytest.mark.parametrize(
    ("query", "count"),
    [("source=ocr", 1), ("verified=False", 1), ("day__year=2026&wheel=BA", None)],
)
def test_days_are_filtered_by_their_draws(staff: Client, query: str, count: int | None) -> None:
    found = Extraction.objects.filter(day__year=2026, wheel="BA").count()
    assert rows(staff.get(f"{DAYS}?{query}")) == (found if count is None else count)


def test_the_board_of_a_day_and_its_corrections(staff: Client) -> None:
    ingest.save([Draw(DAY, "BA", (1, 2, 3, 4, 5))], source=Source.MANUAL, overwrite=True)
    first = Extraction.objects.filter(day=DAY).earliest("pk")
    page = staff.get(f"{DAYS}{first.pk}/change/").content.decode()
    assert page.count('<td class="ball">') == 55
    assert "BA 87 61 14 25 38 (sync) → 1 2 3 4 5 (manual)" in page


def test_a_draw_is_corrected_by_hand_and_logged(staff: Client) -> None:
    draw = Extraction.objects.get(day=DAY, wheel="BA")
    form = {f"n{n}": n for n in range(1, 6)}
    assert staff.post(f"{DRAWS}{draw.pk}/change/", form).status_code == 302
    changed = Extraction.objects.get(pk=draw.pk)
    assert (changed.numbers, changed.source, changed.verified) == ([1, 2, 3, 4, 5], "manual", False)
    assert Correction.objects.get().before == "87 61 14 25 38"


@pytest.mark.parametrize("wrong", [{"n1": 2}, {"n1": 0}, {"n1": 91}, {"n1": ""}, {"n1": "x"}])
def test_wrong_numbers_are_refused_in_the_form(staff: Client, wrong: dict[str, Any]) -> None:
    draw = Extraction.objects.get(day=DAY, wheel="BA")
    response = staff.post(f"{DRAWS}{draw.pk}/change/", {f"n{n}": n for n in range(1, 6)} | wrong)
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert Extraction.objects.get(pk=draw.pk).numbers == draw.numbers


def test_a_draw_is_added_once_and_deleted(staff: Client) -> None:
    form = {"day": "2026-06-02", "wheel": "RM", **{f"n{n}": n for n in range(1, 6)}}
    assert staff.post(f"{DRAWS}add/", form).status_code == 302
    draw = Extraction.objects.get(day=date(2026, 6, 2))
    assert draw.source == "manual"
    assert staff.post(f"{DRAWS}add/", {**form, "n1": 9}).status_code == 200
    future = {**form, "day": "2999-06-02"}
    assert "errorlist" in staff.post(f"{DRAWS}add/", future).content.decode()
    before = ingest.version()
    assert staff.post(f"{DRAWS}{draw.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Extraction.objects.filter(pk=draw.pk).exists()
    assert ingest.version() != before


def test_the_sync_button(staff: Client, settings: Any) -> None:
    ingest.save([Draw(DAY, "BA", (1, 2, 3, 4, 5))], source=Source.MANUAL, overwrite=True)
    with running_operator(now=JUNE_2026) as operator:
        operator.server.fixed = packed("storico.txt", SLICE.read_bytes())
        settings.LOTTO_ARCHIVE_URLS = [operator.url]
        page = staff.post(f"{DAYS}sync/", follow=True, headers={"accept-language": "en"})
    assert Extraction.objects.get(day=DAY, wheel="BA").numbers == [87, 61, 14, 25, 38]
    assert "0 new" in page.content.decode()
    assert "1 corrected" in page.content.decode()
    settings.LOTTO_ARCHIVE_URLS = []
    page = staff.post(f"{DAYS}sync/", follow=True)
    assert "LOTTO_ARCHIVE_URLS" in page.content.decode()
    assert staff.get(f"{DAYS}sync/").status_code == 405


def test_a_file_is_imported_and_its_wrong_lines_are_shown(staff: Client) -> None:
    assert staff.get(f"{DAYS}import/").status_code == 200
    text = b"2026/06/02\tRM\t1\t2\t3\t4\t5\n<script>\n"
    upload = SimpleUploadedFile("<b>new</b>.txt", text)
    page = staff.post(f"{DAYS}import/", {"file": upload}, follow=True)
    body = page.content.decode()
    assert page.redirect_chain[-1][0] == f"/admin/lotto/intake/{Intake.objects.first().pk}/change/"
    assert "2: &#x27;&lt;script&gt;&#x27; is not a day" in body
    assert "<script>\n" not in body
    assert Extraction.objects.filter(day=date(2026, 6, 2)).count() == 1
    broken = SimpleUploadedFile("storico.zip", b"PK\x03\x04rubbish")
    page = staff.post(f"{DAYS}import/", {"file": broken})
    assert page.status_code == 200
    assert "The file is broken" in page.content.decode()
    assert "file" in staff.post(f"{DAYS}import/").context["form"].errors


@pytest.mark.parametrize("path", ["sync/", "import/"])
def test_staff_with_view_permission_change_nothing(viewer: Client, path: str) -> None:
    page = viewer.get(DAYS).content.decode()
    assert 'action="/admin/lotto/drawday/sync/"' not in page
    assert viewer.post(DAYS + path).status_code == 403


@pytest.mark.parametrize("model", ["drawday", "extraction", "intake", "correction"])
def test_every_list_is_shown(staff: Client, model: str) -> None:
    assert staff.get(f"/admin/lotto/{model}/").status_code == 200


@pytest.mark.parametrize("model", ["drawday", "intake", "correction"])
def test_facts_are_not_changed(staff: Client, model: str) -> None:
    assert staff.get(f"/admin/lotto/{model}/add/").status_code == 403
