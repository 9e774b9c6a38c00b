"""Which credential opens which endpoint: one table, complete by the URL configuration.

`docs/rights.md` shows it, and what groups may do in the admin; `UPDATE_DOCS=1` writes that page.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from core.admin.tables import ALL
from core.auth import services
from core.auth.types import Scope
from gateway_arq.staff.groups import ADMIN, GROUPS, OPERATOR, SUPERVISOR

pytestmark = pytest.mark.django_db

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "rights.md"
METHODS: Final = ("get", "post", "put", "patch", "delete")
ELSEWHERE: Final = ("/admin/",)  # gateway_arq/staff/tests/test_rights.py walks these

NOBODY: Final = ("no key", "wrong key", "expired key", "revoked key", "a guest's session")
WITHOUT_GROUP: Final = "staff without a group"
CREDENTIALS: Final = (
    *NOBODY, "read key", "write key", WITHOUT_GROUP, *GROUPS, "superuser",
)  # fmt: skip
STAFF: Final = frozenset({*GROUPS, "superuser"})
KEYS: Final = frozenset({"read key", "write key"})


@dataclass(frozen=True)
class Need:
    """Who gets in, and what the others get."""

    text: str
    who: frozenset[str]
    refusals: frozenset[int] = frozenset({401, 403})


EVERYBODY: Final = Need("everybody", frozenset(CREDENTIALS))
READ: Final = Need("read", KEYS | STAFF)
BLACKLISTING: Final = Need("write, operator", frozenset({"write key"}) | STAFF)
DRAWS: Final = Need("write, supervisor", frozenset({"write key"}) | (STAFF - {OPERATOR}))
SIGNED: Final = Need("the carrier's signature", frozenset())
PAGE_OF_STAFF: Final = Need("staff's session", STAFF, frozenset({302, 401, 403}))

# By address, then by method. Text in <> is any segment.
TABLE: Final[Mapping[str, Mapping[str, Need]]] = {
    "/": {"get": READ},
    "/health": {"get": READ},
    "/version": {"get": READ},
    "/metrics": {"get": READ},
    "/livez": {"get": EVERYBODY},
    "/readyz": {"get": EVERYBODY},
    "/docs": {"get": EVERYBODY},
    "/docs/redoc": {"get": EVERYBODY},
    "/docs/events": {"get": EVERYBODY},
    "/docs/openapi.json": {"get": EVERYBODY},
    "/docs/asyncapi.json": {"get": EVERYBODY},
    "/i18n/setlang/": {"post": EVERYBODY},
    "/api/webcom/lines": {"get": READ},
    "/api/webcom/calls": {"get": READ},
    "/api/webcom/calls/<call_id>": {"get": READ},
    "/api/webcom/rebates": {"get": READ},
    "/api/webcom/stats/today": {"get": READ},
    "/api/webcom/stats/daily": {"get": READ},
    "/api/webcom/stats/hourly": {"get": READ},
    "/api/webcom/stats/5min": {"get": READ},
    "/api/webcom/events": {"post": SIGNED},
    "/api/webtv/viewers": {"get": READ},
    "/api/webtv/stats": {"get": READ},
    "/api/webtv/hourly": {"get": READ},
    "/api/webtv/history": {"get": READ},
    "/api/lotto/stats": {"get": READ},
    "/api/lotto/stats/numbers": {"get": READ},
    "/api/lotto/stats/pairs": {"get": READ},
    "/api/lotto/stats/delays": {"get": READ},
    "/api/lotto/search": {"get": READ},
    "/api/lotto/latest": {"get": READ},
    "/api/lotto/calendar": {"get": READ},
    "/api/lotto/check": {"post": READ},
    "/api/lotto/date/<data>": {"get": READ, "delete": DRAWS},
    "/api/lotto/date/<data>/<ruota>": {"get": READ, "delete": DRAWS},
    "/api/lotto/range": {"get": READ},
    "/api/lotto/export": {"get": DRAWS},
    "/api/lotto/export?download=1": {"get": READ},
    "/api/lotto/save": {"post": DRAWS},
    "/api/lotto/save-full": {"post": DRAWS},
    "/api/lotto/import": {"post": DRAWS},
    "/api/lotto/sync": {"post": DRAWS},
    "/api/ocr/process": {"post": BLACKLISTING},
    "/api/ocr/ai/validate": {"post": BLACKLISTING},
    "/api/ocr/ai/models": {"get": READ},
    "/api/ocr/config": {"get": READ},
    "/api/ocr/telegram/send": {"post": DRAWS},
    "/api/ocr/lotto/upload": {"post": DRAWS},
    "/api/ocr/riscontri": {"get": READ},
    "/api/ocr/riscontri2/dates": {"get": READ},
    "/api/ocr/riscontri2/extraction": {"get": READ},
    "/api/ocr/riscontri2/riscontri": {"get": READ},
    "/api/ocr/autobot/status": {"get": READ},
    "/api/ocr/autobot/start": {"post": BLACKLISTING},
    "/api/ocr/autobot/stop": {"post": BLACKLISTING},
    "/api/ocr/autobot/config": {"get": READ, "put": DRAWS},
    "/jpbx-api/api/calls": {"get": READ},
    "/jpbx-api/api/ari/endpoints": {"get": READ},
    "/jpbx-api/api/status": {"get": READ},
    "/jpbx-api/api/blacklist": {"get": READ, "post": BLACKLISTING},
    "/jpbx-api/api/blacklist/<number>": {"delete": BLACKLISTING},
    "/jpbx-api/api/allowlist": {"get": READ, "post": BLACKLISTING},
    "/jpbx-api/api/allowlist/<number>": {"delete": BLACKLISTING},
    "/dashboard/": {"get": PAGE_OF_STAFF},
    "/dashboard/figures": {"get": PAGE_OF_STAFF},
    "/dashboard/state": {"get": PAGE_OF_STAFF},
    "/dashboard/blacklist": {"post": PAGE_OF_STAFF},
    "/dashboard/blacklist/release": {"post": PAGE_OF_STAFF},
    "/dashboard/blacklist/undo": {"post": PAGE_OF_STAFF},
    "/dashboard/autobot/start": {"post": PAGE_OF_STAFF},
    "/dashboard/autobot/stop": {"post": PAGE_OF_STAFF},
    "/dashboard/autobot/<run>/<wheel>.jpg": {"get": PAGE_OF_STAFF},
}  # fmt: skip


def routes(patterns: Any, before: str = "/") -> Iterator[tuple[str, Any]]:
    """Every address of the URL configuration, `<converter:name>` as `<name>`, with its view."""
    for pattern in patterns:
        address = before + re.sub(r"<\w+:(\w+)>", r"<\1>", str(pattern.pattern))
        if address.startswith(ELSEWHERE):
            continue
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, address)
        else:
            yield address, pattern.callback


def methods_of(view: Any) -> set[str]:
    """What a class-based view answers; '' for a function, which does not say."""
    kind = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return {method for method in METHODS if hasattr(kind, method)} if kind else {""}


@pytest.fixture
def every_route(settings: Any) -> dict[str, Callable[[], Client]]:
    """By credential a client that presents it, where nothing outside can be reached."""
    settings.AUTH_FAILURES_PER_MINUTE = 0
    settings.WEBCOM_WEBHOOK_SECRET = "whsec_" + "QUJD" * 8
    settings.TELEGRAM_BOT_TOKEN = settings.OPENROUTER_API_KEY = settings.LOTTO_SITE_URL = ""
    _, expired = services.create_key(name="e", expires_at=timezone.now() - timedelta(days=1))
    lost, revoked = services.create_key(name="l", scope=Scope.WRITE)
    services.revoke_keys([lost])
    keys = {
        "no key": None, "wrong key": "sk_wrong", "expired key": expired, "revoked key": revoked,
        "read key": services.create_key(name="r")[1],
        "write key": services.create_key(name="w", scope=Scope.WRITE)[1],
    }  # fmt: skip
    made: dict[str, Callable[[], Client]] = {
        name: partial(Client, headers={"X-API-Key": key} if key else {})
        for name, key in keys.items()
    }
    users = {
        "a guest's session": User.objects.create_user("guest"),
        WITHOUT_GROUP: User.objects.create_user("alone", is_staff=True),
        "superuser": User.objects.create_superuser("boss"),
    }
    for name in GROUPS:
        users[name] = User.objects.create_user(name, is_staff=True)
        users[name].groups.add(Group.objects.get(name=name))
    return made | {name: partial(_logged_in, user) for name, user in users.items()}


def _logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def test_the_table_has_every_address_and_method() -> None:
    served = dict(routes(get_resolver("gateway_arq.urls").url_patterns))
    listed = {address.partition("?")[0] for address in TABLE}
    assert listed == set(served)
    for address, view in served.items():
        found = methods_of(view)
        known = {
            method for name in TABLE for method in TABLE[name] if name.partition("?")[0] == address
        }
        assert found == {""} or found == known, address


def test_every_credential_gets_where_the_table_says_and_nowhere_else(
    every_route: dict[str, Callable[[], Client]],
) -> None:
    assert every_route.keys() == set(CREDENTIALS)
    wrong = []
    for credential, make in every_route.items():
        client = make()
        client.raise_request_exception = False
        for address, needs in TABLE.items():
            place = re.sub(r"<run>", "1", re.sub(r"<(?!run)\w+>", "2025-01-02", address))
            for method, need in needs.items():
                body = {} if method == "get" else {"data": "{}", "content_type": "application/json"}
                status = getattr(client, method)(place, **body).status_code
                is_in = status not in need.refusals
                if is_in != (credential in need.who) or status == 500:
                    wrong.append((credential, method, address, status))
    assert wrong == []


def test_the_page_of_rights_is_up_to_date() -> None:
    if os.environ.get("UPDATE_DOCS") == "1":
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "UPDATE_DOCS=1 make test ARGS='-k page_of_rights' writes it"


def page() -> str:
    """docs/rights.md."""
    return "\n".join((HEAD, *_endpoints(), MIDDLE, *_admin(), ""))


HEAD: Final = """# Who may do what, in full

Written by `gateway_arq/tests/test_credentials.py`, which holds the gateway to it;
[admin.md](admin.md) says it in short, [security.md](security.md) why.

## Endpoints and credentials

Every credential is sent to every address. *read*: a key of either scope, and staff of every group.
*write, operator*: a key with the scope `write`, and staff of every group, superusers included;
*write, supervisor*: the same without operators. No key, a wrong, an expired or a revoked one, the
session of a user who is not staff, and staff without a group get in nowhere but where it says
*everybody*.

| address | method | needs |
|---|---|---|"""
MIDDLE: Final = """
## Tables of the admin and groups

What a group has when it is made: v view, a add, c change, d delete. What others report is read-only
on its page whatever stands here. An administrator may change it under *Groups*; staff without a
group have nothing, superusers everything. `gateway_arq/staff/tests/test_rights.py`
walks every page, action, import and export for every group.

| table | operator | supervisor | admin |
|---|---|---|---|"""


def _endpoints() -> Iterator[str]:
    for address, needs in TABLE.items():
        for method, need in needs.items():
            yield f"| `{address}` | {method.upper()} | {need.text} |"


def _admin() -> Iterator[str]:
    given = {
        name: set(
            Group.objects.get(name=name).permissions.values_list(
                "content_type__app_label", "codename"
            )
        )
        for name in (OPERATOR, SUPERVISOR, ADMIN)
    }
    for model in sorted(admin.site._registry, key=lambda one: one._meta.label_lower):
        app, name = model._meta.app_label, model._meta.model_name
        cells = [
            "".join(
                action[0]
                for action in ("view", "add", "change", "delete")
                if action in ALL and (app, f"{action}_{name}") in permissions
            )
            for permissions in given.values()
        ]
        yield f"| {app}.{name} | " + " | ".join(cells) + " |"
