"""Every body of every operation, sent as anything: never a 500, always JSON with a `detail`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

# PostgreSQL has its own opinion of NUL and of half a surrogate pair.
pytestmark = [
    pytest.mark.both_profiles,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
]

SIGNED: Final = "/api/webcom/events"
DEEP: Final = 100_000
# As JSON, since Python has no value for most of them.
ODD: Final = (
    "null",
    "true",
    "0",
    "-0.0",
    "-1",
    "1e400",
    "1.7976931348623157e308",
    "5e-324",
    f"{2**64}",
    "9" * 5_000,
    "NaN",
    "Infinity",
    "-Infinity",
    '""',
    '" "',
    '"\\u0000"',
    '"\\u0001\\u001f\\u007f"',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\ufffe"',
    '"\\u202e0394\\u200e"',
    '"' + "x" * 100_000 + '"',
    "[]",
    "[null]",
    "[[[[[[[[[[]]]]]]]]]]",
    "{}",
    '{"": {"": ""}}',
    '{"a": 1, "a": 2}',
    "[" * 900 + "]" * 900,
    '"2025-02-31"',
    '"0000/00/00"',
    '"9999-12-31"',
    '"data:image/png;base64,"',
    '"////"',
    '"=HYPERLINK(1)"',
)
RAW: Final = (
    b"",
    b" ",
    b"{",
    b"}",
    b"null",
    b"[]",
    b'"text"',
    b"7",
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b"\x00",
    b'{"a": "\xed\xa0\x80"}',
    b'{"a": "\xff"}',
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP,
    b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    b"1" * DEEP,
    b"{'a': 1}",
    b"{} {}",
    b"<a/>",
    b"a=1&b=2",
)
TYPES: Final = (
    "application/json",
    "application/json; charset=utf-16",
    "application/json; charset=nonsense",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    'multipart/form-data; boundary="\x00"',
    "application/xml",
    "application/octet-stream",
    "x",
    "",
    "/",
    "a/b; c",
)
ANY_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


class Operation(NamedTuple):
    """A method at an address that reads a body, and a body that it understands."""

    method: str
    path: str
    example: dict[str, Any]


EXAMPLES: Final[dict[str, dict[str, Any]]] = {  # where the document has none
    "/api/ocr/autobot/config": {"stream_url": "", "validate": True},
    "/api/ocr/autobot/start": {"extraordinary": False, "archive": True},
    SIGNED: {"events": [{"type": "call", "call": {"id": "1", "lineID": "x", "timestamp": 1}}]},
    "/dashboard/blacklist": {"number": "3331234567", "hours": 24},
    "/dashboard/blacklist/release": {"number": "3331234567"},
    "/dashboard/blacklist/undo": {"undo": "a:b:c"},
    "/dashboard/autobot/start": {"extraordinary": False},
    "/dashboard/autobot/stop": {},
}


def documented() -> Iterator[Operation]:
    for path, item in SchemaGenerator().get_schema(public=True)["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            shown = content.get("application/json", {}).get("examples", {})
            if content or method in ("post", "put", "patch"):
                example = next((one["value"] for one in shown.values()), EXAMPLES.get(path, {}))
                yield Operation(method, path, example)


def of_pages(patterns: Any, before: str = "/") -> Iterator[str]:
    """The addresses of the dashboard's actions."""
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from of_pages(pattern.url_patterns, address)
        elif address in EXAMPLES:
            yield address


def operations() -> list[Operation]:
    patterns = get_resolver("gateway_arq.urls").url_patterns
    pages = [Operation("post", path, EXAMPLES[path]) for path in of_pages(patterns)]
    return [*documented(), *pages]


@pytest.fixture
def sender(api_key: str, fuzzed_api: Any) -> Any:
    """Sends a body, as a superuser or with a key or signature, and says what is wrong with it."""
    boss = Client(headers={"Accept": "application/json"}, raise_request_exception=False)
    boss.force_login(
        User.objects.create_superuser("boss"), "django.contrib.auth.backends.ModelBackend"
    )
    program = Client(headers={"X-API-Key": api_key}, raise_request_exception=False)

    def send(to: Operation, body: bytes, kind: str = "application/json") -> list[str]:
        client = boss if to.path.startswith("/dashboard") else program
        headers = _signed(body) if to.path == SIGNED else {}
        response = client.generic(to.method.upper(), to.path, body, kind, headers=headers)
        said = _wrong(response)
        return [f"{to.method} {to.path} {kind!r} {body[:80]!r}: {said}"] if said else []

    return send


def _signed(body: bytes) -> dict[str, str]:
    now = datetime.now(tz=UTC)
    text = body.decode("utf-8", "replace")  # what is no text has no signature: a 401 is right
    return {
        "webhook-id": "fuzz",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook("whsec_" + "QUJD" * 8).sign("fuzz", now, text),
    }


def _wrong(response: Any) -> str:
    """What is wrong with a response; '' if nothing is."""
    if response.status_code in (500, 501) or not 200 <= response.status_code < 600:
        return f"{response.status_code} {response.content[:200]!r}"
    try:
        body = json.loads(response.content)
    except ValueError:
        return f"{response.status_code}, no JSON: {response.content[:200]!r}"
    if response.status_code >= 400 and not (isinstance(body.get("detail"), str) and body["detail"]):
        return f"{response.status_code} without a detail: {body}"
    return ""


def with_field(example: dict[str, Any], name: str, odd: str) -> bytes:
    """The example with that JSON in the place of a field."""
    fields = {**{key: json.dumps(value) for key, value in example.items()}, name: odd}
    return (
        "{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in fields.items()) + "}"
    ).encode()


def test_every_operation_with_a_body_is_here() -> None:
    found = operations()
    assert len(found) >= 17
    assert {one.path for one in found} >= EXAMPLES.keys()
    assert [one for one in found if not one.example and "stop" not in one.path] == [
        one for one in found if one.path == "/api/lotto/sync"
    ]


def test_every_field_of_every_body_may_be_anything(sender: Any) -> None:
    wrong = [
        said
        for to in operations()
        for name in to.example
        for odd in ODD
        for said in sender(to, with_field(to.example, name, odd))
    ]
    assert wrong == []


def test_every_field_may_be_missing_or_another_one_added(sender: Any) -> None:
    wrong = []
    for to in operations():
        for name in to.example:
            rest = {key: value for key, value in to.example.items() if key != name}
            wrong += sender(to, json.dumps(rest).encode())
        wrong += sender(to, with_field(to.example, "\x00", "1"))
        wrong += sender(to, with_field(to.example, "__class__", "{}"))
    assert wrong == []


def test_a_body_may_be_anything_of_any_type(sender: Any) -> None:
    wrong = [
        said
        for to in operations()
        for kind in TYPES
        for body in (RAW if kind == TYPES[0] else (b"", b"{}", b"--x--", b"a=1", b"\xff" * 100))
        for said in sender(to, body, kind)
    ]
    assert wrong == []


FORMS: Final = {
    "/admin/login/": ("username", "password", "next"),
    "/admin/second-step/": ("code",),
    "/admin/second-factor/": ("code", "password"),
    "/admin/password_change/": ("old_password", "new_password1", "new_password2"),
    "/i18n/setlang/": ("language", "next"),
}
ODD_TEXTS: Final = (
    "", " ", "\x00", "\x01\x1f\x7f", "\u202e", "x" * 100_000, "//evil.example", "-1", "[]",
    "\ufffe",
)  # fmt: skip


def test_forms_of_the_login_may_be_anything(sender: Any, settings: Any) -> None:
    settings.LOGIN_FAILURES_PER_ADDRESS = 10_000
    wrong = []
    for address, names in FORMS.items():
        client = Client(raise_request_exception=False)
        client.force_login(
            User.objects.get(username="boss"), "django.contrib.auth.backends.ModelBackend"
        )
        forms = [dict.fromkeys(names, "x") | {name: odd} for name in names for odd in ODD_TEXTS]
        answers = [client.post(address, form) for form in forms]
        answers += [client.generic("POST", address, raw, TYPES[4]) for raw in RAW]
        answers += [client.generic("POST", address, b"\xff" * 100, kind) for kind in TYPES]
        wrong += [(address, one.status_code) for one in answers if one.status_code >= 500]
    assert wrong == []


def test_random_json_is_answered_with_json(sender: Any) -> None:
    found = operations()

    @hypothesis_settings(max_examples=200)
    @given(to=st.sampled_from(found), data=st.data())
    def check(to: Operation, data: Any) -> None:
        names = st.sampled_from([*to.example, "x"])
        changed = data.draw(
            ANY_JSON | st.dictionaries(names, ANY_JSON).map(lambda one: to.example | one)
        )
        assert sender(to, json.dumps(changed).encode()) == []

    check()
