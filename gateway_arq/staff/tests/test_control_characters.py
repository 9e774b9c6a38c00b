"""A control character in one note must not break the export for everybody."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from openpyxl import load_workbook

from centralino.models import ListEntry
from centralino.services import lists
from core.admin.read_only import ReadOnlyAdmin

pytestmark = pytest.mark.django_db

ODD = "rings\x01every night"


def test_no_text_field_of_the_admin_takes_one() -> None:
    request = RequestFactory().get("/admin/")
    request.user = User.objects.create_superuser("boss", password="x")
    checked = []
    for page in admin.site._registry.values():
        if isinstance(page, ReadOnlyAdmin):
            continue
        form = page.get_form(request)
        form = page.get_form(request)  # as often as it is asked for
        for name, field in form.base_fields.items():
            if isinstance(field, forms.CharField) and not isinstance(field, forms.JSONField):
                checked.append(name)
                assert len(field.validators) == len(set(map(id, field.validators)))
                with pytest.raises(forms.ValidationError):
                    field.run_validators(ODD)
                if isinstance(field.widget, forms.TextInput):
                    with pytest.raises(forms.ValidationError):
                        field.run_validators("two\nlines")
    assert len(checked) >= 30


def test_headers_in_json_have_none_either(admin_client: Client) -> None:
    form = {
        "name": "main", "preset": "owncast", "url": "https://cdn.example", "body_format": "json",
        "headers": '{"X-Region": "e\\u0001u"}',
        "alert_rules-TOTAL_FORMS": "0", "alert_rules-INITIAL_FORMS": "0",
    }  # fmt: skip
    response = admin_client.post("/admin/webtv/stream/add/", form)
    assert "headers" in response.context["adminform"].form.errors


def test_a_note_in_the_admin_or_over_the_api_has_none(
    logged_in: Callable[..., Client], api: Any
) -> None:
    form = {"number": "3331234567", "note": ODD}
    response = logged_in("operator").post("/admin/centralino/listentry/add/", form)
    assert "note" in response.context["adminform"].form.errors
    for address in ("blacklist", "allowlist"):
        assert api.post(f"/jpbx-api/api/{address}", form, format="json").status_code == 400
    assert not ListEntry.objects.exists()


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/api/ocr/telegram/send", {"message": "a\x01b"}),
        ("/api/ocr/ai/validate", {"image_base64": "?", "prompt": "a\x1bb"}),
        ("/api/ocr/ai/validate", {"image_base64": "?", "model": "a\nb"}),
    ],
)
def test_no_text_of_a_body_has_one(api: Any, address: str, body: dict[str, str]) -> None:
    response = api.post(address, body, format="json")
    assert response.status_code == 400
    field = next(name for name in body if name != "image_base64")
    assert field in response.json()["errors"]


def test_no_address_of_a_stream_has_one(api: Any) -> None:
    body = {"stream_url": "https://tv.example/\x01"}
    response = api.put("/api/ocr/autobot/config", body, format="json")
    assert response.status_code == 400
    assert "stream_url" in response.json()["errors"]


@pytest.mark.parametrize("kind", ["0", "1"])
def test_what_is_stored_already_is_exported_without_them(
    logged_in: Callable[..., Client], kind: str
) -> None:
    lists.blacklist_number("+393331234567", hours=24, note=ODD)
    form = {"format": kind, "resource": "", "exportedentry_number": "on"}
    form["exportedentry_note"] = "on"
    response = logged_in("operator").post("/admin/centralino/listentry/export/", form)
    assert response.status_code == 200
    assert "Content-Disposition" in response.headers, response.content[-3000:]
    if kind == "1":
        rows = load_workbook(io.BytesIO(response.content)).active.values
        text = str(list(rows))
    else:
        text = response.content.decode()
    assert "ringsevery night" in text
