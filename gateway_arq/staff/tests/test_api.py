"""What staff may change over the API by session: what the admin lets them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import get_resolver

from core.api.authentication import StaffSessionAuthentication
from gateway_arq.staff.groups import ADMIN, OPERATOR, SUPERVISOR

pytestmark = pytest.mark.django_db

WRITING = ("post", "put", "patch", "delete")
DRAW = {"data": "2025/12/06", "ruota": "BA", "numeri": [12, 45, 67, 23, 89]}
LISTED = {"number": "3331234567", "hours": 24}


def views(patterns: Any) -> Iterator[Any]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from views(pattern.url_patterns)
        elif view := getattr(pattern.callback, "view_class", None):
            yield view


def test_every_view_that_writes_says_which_permission_it_takes() -> None:
    known = {
        f"{app}.{codename}"
        for app, codename in Permission.objects.values_list("content_type__app_label", "codename")
    }
    writing = [
        view
        for view in views(get_resolver("gateway_arq.urls").url_patterns)
        if StaffSessionAuthentication in getattr(view, "authentication_classes", ())
        and any(hasattr(view, method) for method in WRITING)
        and not getattr(view, "only_asks", False)
    ]
    assert len(writing) >= 16
    assert [view for view in writing if getattr(view, "staff_permission", "") not in known] == []


def by_session(group: str | None) -> Client:
    user = User.objects.create_user(group or "anna", password="x", is_staff=True)
    if group:
        user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("group", "draws", "lists"),
    [(None, 403, 403), (OPERATOR, 403, 200), (SUPERVISOR, 200, 200), (ADMIN, 200, 200)],
)
def test_a_session_may_change_what_its_group_may(group: str | None, draws: int, lists: int) -> None:
    client = by_session(group)
    for address, body, expected in (
        ("/api/lotto/save", DRAW, draws),
        ("/jpbx-api/api/blacklist", LISTED, lists),
    ):
        response = client.post(address, body, content_type="application/json")
        assert response.status_code == expected, response.content
        if expected == 403:
            refusal = "Your user may not change this." if group else "Your user may not see this."
            assert response.json() == {"detail": refusal}
    for address in ("/api/lotto/stats", "/api/webcom/calls?format=csv", "/metrics"):
        assert client.get(address).status_code == (200 if group else 403)


@pytest.mark.parametrize(
    ("group", "refused"), [(None, True), (OPERATOR, True), (SUPERVISOR, False), (ADMIN, False)]
)
@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/api/ocr/lotto/upload", {"wheels": {}}),
        ("/api/ocr/telegram/send", {"message": ""}),
        ("/api/ocr/process", {"image_base64": "?", "send_telegram": True}),
        ("/api/ocr/process", {"image_base64": "?", "auto_upload": True}),
    ],
)
def test_what_is_sent_outside_needs_what_saving_a_draw_needs(
    group: str | None, refused: bool, address: str, body: Any
) -> None:
    """The bodies are wrong in themselves, so that nothing is sent: 400 to those who may."""
    response = by_session(group).post(address, body, content_type="application/json")
    assert response.status_code == (403 if refused else 400), response.content


def test_an_operator_has_a_picture_read() -> None:
    body = {"image_base64": "?"}
    response = by_session(OPERATOR).post("/api/ocr/process", body, content_type="application/json")
    assert response.status_code == 400


def test_a_key_needs_only_its_scope(api: Any) -> None:
    assert api.post("/api/lotto/save", DRAW, format="json").status_code == 200
