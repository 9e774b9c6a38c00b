"""Every page, action, import and export of the admin, for every group and for staff without one.

What a group may do with a table is read from its permissions; what a page takes is said here, apart
from the code that asks for it. A page or an action that is not said here fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from core.admin.base import BaseAdmin
from core.admin.read_only import ReadOnlyAdmin
from core.admin.tables import ALL
from core.workers.models import WorkerStatus
from gateway_arq.staff import groups

pytestmark = pytest.mark.django_db

NO_GROUP: Final = "nobody"
EVERYBODY: Final = {
    "index", "login", "logout", "password_change", "password_change_done", "jsi18n", "search",
    "second_step", "second_factor", "autocomplete", "view_on_site", "app_list", None,
}  # fmt: skip
OF_A_TABLE: Final = {  # the page of a table, and what it takes of the table's permissions
    "changelist": "view", "export": "view", "history": "view", "change": "view", "add": "add",
    "import": "add", "process_import": "add", "delete": "delete", "password_change": "change",
}  # fmt: skip
DRAWS, RUNS, STREAMS = "lotto.change_extraction", "ocr.change_autobotrun", "webtv.change_stream"
OTHERS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "lotto_sync": (DRAWS, "post", {}),
    "lotto_import": (DRAWS, "get", {}),
    "ocr_autobot_start": (RUNS, "post", {}),
    "ocr_autobot_stop": (RUNS, "post", {}),
    "ocr_autobot_finish": (RUNS, "post", {}),
    "ocr_autobot_step": (RUNS, "post", {"run_id": 1, "name": "all"}),
    "ocr_autobot_read": (RUNS, "post", {"run_id": 1}),
    "ocr_autobot_confirm": (RUNS, "post", {"run_id": 1}),
    "ocr_autobot_wheel": (RUNS, "post", {"run_id": 1, "wheel": "BA"}),
    "ocr_evidence": ("ocr.view_autobotrun", "get", {"run_id": 1, "wheel": "board"}),
    "webtv_stream_test": (STREAMS, "post", {"pk": 1}),
}
ACTIONS: Final = {
    "delete_selected": "delete", "revoke": "change", "forget_second_factor": "change",
    "unlock": "delete", "make_permanent": "change", "extend": "change", "test_connection": "change",
    "test_now": "change", "enable_tasks": "change", "disable_tasks": "change",
    "toggle_tasks": "change", "run_tasks": "change", "try_again": "retry",
}  # fmt: skip
# What nobody may do, whatever their group; `change` of these is a page that is only read.
READ_ONLY: Final = {WorkerStatus: {"add", "change"}}
DELETED_ALL_THE_SAME: Final = {"accessattempt"}
KEPT: Final = {"autobotconfig"}  # deleted by nobody


Tables = list[tuple[str, type[Any], BaseAdmin]]


def names_in(patterns: Any) -> Iterator[str | None]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from names_in(pattern.url_patterns)
        else:
            yield pattern.name


def tables() -> Iterator[tuple[str, type[Any], BaseAdmin]]:
    for model, page in admin.site._registry.items():
        yield f"{model._meta.app_label}_{model._meta.model_name}", model, page  # type: ignore[misc]


@pytest.fixture
def every_table() -> Tables:
    """For tests that open a page of each: they take seconds, so the suite knows by this."""
    return list(tables())


def may(user: User, model: type[Any], page: BaseAdmin, action: str) -> bool:
    """Whether the user's permissions and the table's nature let them."""
    name = str(model._meta.model_name)
    if action == "retry":  # nothing is changed by hand, but who may try says the right to change
        return user.has_perm(f"{model._meta.app_label}.change_{name}")
    is_kept = isinstance(page, ReadOnlyAdmin) and action != "view"
    if is_kept and not (action == "delete" and name in DELETED_ALL_THE_SAME):
        return False
    if action in READ_ONLY.get(model, ()) or (action == "delete" and name in KEPT):
        return False
    wanted = {"view", "change"} if action == "view" else {action}
    return any(user.has_perm(f"{model._meta.app_label}.{one}_{name}") for one in wanted)


@pytest.mark.parametrize("group", [*groups.GROUPS, NO_GROUP])
def test_every_page_is_for_those_whom_their_group_lets_in(
    logged_in: Callable[..., Client], group: str, every_table: Tables
) -> None:
    client = logged_in(group)
    user = User.objects.get(username="anna")
    pages = {f"{name}_{page}" for name, _, _ in every_table for page in OF_A_TABLE}
    known = set(names_in(admin.site.get_urls()))
    assert known - pages - EVERYBODY - set(OTHERS) == set()
    wrong = []
    for name, model, page in every_table:
        for kind, action in OF_A_TABLE.items():
            if (address := f"{name}_{kind}") not in known:
                continue
            of_a_row = kind in ("history", "change", "delete", "password_change")
            row = [user.pk if name == "auth_user" else 0] if of_a_row else []
            lets_in = may(user, model, page, action)
            if kind == "process_import" and lets_in:
                continue  # it takes a file that was looked at before
            ask = client.post if kind == "process_import" else client.get
            response = ask(reverse(f"admin:{address}", args=row))
            is_in = response.status_code != 403
            if kind == "history" and row == [0] and response.status_code == 302:
                continue  # no such row: nothing of it is shown, whoever asks
            if is_in != lets_in:
                wrong.append((address, response.status_code))
    assert wrong == []


@pytest.mark.parametrize("group", [*groups.GROUPS, NO_GROUP])
def test_what_belongs_to_no_table_asks_for_its_permission(
    logged_in: Callable[..., Client], group: str
) -> None:
    client = logged_in(group)
    user = User.objects.get(username="anna")
    for address, (permission, method, row) in OTHERS.items():
        if not user.has_perm(permission):
            response = getattr(client, method)(reverse(f"admin:{address}", kwargs=row))
            assert response.status_code == 403, address


@pytest.mark.parametrize("group", [*groups.GROUPS, NO_GROUP])
def test_every_action_is_offered_to_those_who_may(
    logged_in: Callable[..., Client], group: str
) -> None:
    logged_in(group)
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username="anna")
    wrong = []
    for name, model, page in tables():
        offered = set(page.get_actions(request))
        declared = {"delete_selected", *(page.actions or ())}
        assert declared <= set(ACTIONS), name
        expected = {
            action for action in declared if may(request.user, model, page, ACTIONS[action])
        }
        if offered != expected:
            wrong.append((name, offered ^ expected))
    assert wrong == []


@pytest.mark.parametrize("group", [*groups.GROUPS, NO_GROUP])
def test_an_export_is_for_those_who_see_the_list(
    logged_in: Callable[..., Client], group: str, every_table: Tables
) -> None:
    client = logged_in(group)
    for name, _, page in every_table:
        if hasattr(page, "get_export_formats"):
            form = {"format": "0", "resource": "0", "export_items": []}
            response = client.post(reverse(f"admin:{name}_export"), form)
            seen = client.get(reverse(f"admin:{name}_changelist")).status_code
            assert response.status_code == seen, name


def test_staff_without_a_group_may_do_nothing_with_any_table() -> None:
    nobody = User.objects.create_user("nobody", is_staff=True)
    for _, model, page in tables():
        assert not any(may(nobody, model, page, action) for action in ALL)
