"""Every error is JSON with a `detail`, whatever was sent."""

from __future__ import annotations

import errno
import json
import logging
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils.functional import lazystr
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.rest import RawJson, to_json

pytestmark = [pytest.mark.both_profiles, pytest.mark.django_db, pytest.mark.urls(__name__)]

RAISES: dict[str, Exception] = {
    "bug": ZeroDivisionError("secret detail"),
    "database": OperationalError("connection to server at 10.0.0.3 failed"),
    "connection": InterfaceError("connection already closed"),
    "denied": PermissionDenied("Not this line."),
    "invalid": ValidationError({"month": ["Not a month."]}),
    "large": RequestDataTooBig("Request body exceeded."),
    "disk": OSError(errno.ENOSPC, "No space left on device"),
}


class RowSerializer(serializers.Serializer[Any]):
    cost = serializers.FloatField()


class BodySerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1)
    rows = RowSerializer(many=True, required=False)


class EchoView(APIView):
    def get(self, request: Request) -> Response:
        return Response({"query": request.query_params, "cost": Decimal("0.15")})

    def post(self, request: Request) -> Response:
        body = BodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(body.validated_data)


class RawView(APIView):
    def get(self, request: Request) -> Response:
        return Response(RawJson(b'{"raw":1}'))


class RaisingView(APIView):
    def get(self, request: Request, what: str) -> Response:
        raise RAISES[what]


def plain(request: HttpRequest, what: str) -> HttpResponse:
    raise RAISES[what]


urlpatterns = [
    path("echo", EchoView.as_view()),
    path("raw", RawView.as_view()),
    path("raise/<what>", RaisingView.as_view()),
    path("plain/<what>", plain),
    path("admin/<what>", plain),
]
handler400 = "gateway_arq.errors.bad_request"
handler403 = "gateway_arq.errors.permission_denied"
handler404 = "gateway_arq.errors.not_found"
handler500 = "gateway_arq.errors.server_error"


@pytest.fixture
def caller(api: Any) -> Any:
    """A client with a key that gets error responses instead of exceptions."""
    api.raise_request_exception = False
    return api


def _error(response: Any, status: int) -> Any:
    assert response.status_code == status
    assert response["Content-Type"].startswith("application/json")
    body = json.loads(response.content)
    assert isinstance(body["detail"], str)
    assert body["detail"]
    return body


def test_unknown_address(caller: Any) -> None:
    assert _error(caller.get("/nowhere"), 404) == {"detail": "Not found."}
    assert _error(caller.get("/echo/"), 404) == {"detail": "Not found."}


def test_method_that_is_not_there(caller: Any) -> None:
    response = caller.delete("/echo")
    assert _error(response, 405) == {"detail": 'Method "DELETE" not allowed.'}
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_answer_that_cannot_be_given(caller: Any) -> None:
    _error(caller.get("/echo", headers={"Accept": "image/png"}), 406)
    assert _error(caller.get("/echo?format=xml"), 406) == {
        "detail": "No such format here; there is: json, api."
    }


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "",
        pytest.param("x" * 300, id="300 characters"),
    ],
)
def test_body_of_another_kind(caller: Any, kind: str) -> None:
    _error(caller.generic("POST", "/echo", b"a=1", content_type=kind), 415)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        b"",
        pytest.param(b"[" * 5000, id="5,000 brackets"),
        b'{"limit": NaN}',
        b'{"limit": 1e999}',
        b'"\\ud800"',
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
    ],
)
def test_body_that_is_not_json(caller: Any, body: bytes) -> None:
    _error(caller.generic("POST", "/echo", body, content_type="application/json"), 400)


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"text"', b"true"])
def test_json_that_is_no_object(caller: Any, body: bytes) -> None:
    assert "errors" in _error(
        caller.generic("POST", "/echo", body, content_type="application/json"), 400
    )


def test_wrong_fields_are_named_one_by_one(caller: Any) -> None:
    body = {"limit": "many", "rows": [{"cost": 1}, {}]}
    response = _error(caller.post("/echo", body, format="json"), 400)
    assert response == {
        "detail": "limit: A valid integer is required. rows.1.cost: This field is required.",
        "errors": {
            "limit": ["A valid integer is required."],
            "rows": {"1": {"cost": ["This field is required."]}},
        },
    }


def test_errors_of_django_have_the_same_format(caller: Any) -> None:
    assert _error(caller.get("/raise/invalid"), 400)["errors"] == {"month": ["Not a month."]}
    assert _error(caller.get("/raise/denied"), 403) == {"detail": "Not this line."}
    assert _error(caller.get("/plain/denied"), 403) == {"detail": "Not this line."}
    for address in ("/raise/large", "/plain/large"):
        assert _error(caller.get(address), 413) == {"detail": "Request body exceeded."}


@pytest.mark.parametrize("address", ["/raise/bug", "/plain/bug"])
def test_server_error_has_its_id_and_nothing_else(
    caller: Any, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = caller.get(address, headers={"X-Request-ID": "order-66"})
    assert _error(response, 500) == {"detail": "Internal server error.", "request_id": "order-66"}
    assert response["X-Request-ID"] == "order-66"
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None


@pytest.mark.parametrize("address", ["/raise/database", "/raise/connection", "/plain/database"])
def test_absent_database_is_503_and_worth_another_try(caller: Any, address: str) -> None:
    response = caller.get(address)
    assert _error(response, 503) == {"detail": "The database is not available. Try again."}
    assert response["Retry-After"] == "5"


def test_key_that_cannot_be_looked_up_is_503_and_not_401(client: Client) -> None:
    with patch("core.auth.keyring._from_database", side_effect=OperationalError("away")):
        _error(client.get("/echo", headers={"X-API-Key": "perhaps"}), 503)


def test_body_over_the_limit_is_refused_unread(caller: Any, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1024
    body = b'{"limit":' + b" " * 1024 + b"1}"
    response = caller.generic("POST", "/echo", body, content_type="application/json")
    assert _error(response, 413) == {"detail": "The request body is over 1024 bytes."}
    assert (
        caller.generic("POST", "/echo", b'{"limit":1}', content_type="application/json").status_code
        == 200
    )


def test_body_of_unknown_length_is_refused(caller: Any) -> None:
    response = caller.generic("POST", "/echo", b"", HTTP_TRANSFER_ENCODING="chunked")
    assert _error(response, 411) == {"detail": "The request needs a Content-Length."}


@pytest.mark.parametrize("length", ["-1", "ten", "1e3", pytest.param("\u00b2", id="superscript")])
def test_odd_content_length_is_refused(caller: Any, length: str) -> None:
    _error(caller.post("/echo", {}, format="json", CONTENT_LENGTH=length), 400)


@pytest.mark.parametrize("address", ["/echo?x=%00", "/a%00b", "/static/%00"])
def test_nul_in_the_address_is_refused(caller: Any, address: str) -> None:
    _error(caller.get(address), 400)


def test_bad_utf8_in_the_address_is_no_fault_of_ours(caller: Any) -> None:
    assert caller.get("/echo?x=%ff%fe").status_code == 200
    _error(caller.get("/%ff%fe"), 404)


def test_foreign_host_is_refused(caller: Any) -> None:
    _error(caller.get("/echo", headers={"Host": "evil.example"}), 400)
    _error(caller.get("/echo", headers={"Host": "a b\u00e9"}), 400)


def test_people_get_pages_where_people_browse(caller: Any) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for address, status in (("/admin/denied", 403), ("/admin/bug", 500), ("/admin/a/b", 404)):
        response = caller.get(address, headers=browser)
        assert response.status_code == status
        assert response["Content-Type"].startswith("text/html")
    _error(caller.get("/nowhere", headers=browser), 404)
    _error(caller.get("/admin/a/b"), 404)


@pytest.mark.parametrize(
    "given",
    [
        "",
        pytest.param("a" * 65, id="65 letters"),
        "two words",
        pytest.param("a\u00e9", id="an accent"),
        "a;b",
    ],
)
def test_odd_request_id_is_replaced(caller: Any, given: str) -> None:
    made = caller.get("/echo", headers={"X-Request-ID": given})["X-Request-ID"]
    assert made != given
    assert len(made) == 16


def test_api_speaks_english_whatever_the_language(caller: Any, settings: Any) -> None:
    settings.LANGUAGE_CODE = "it"
    assert (
        "A valid integer is required."
        in _error(caller.post("/echo", {"limit": "x"}, format="json"), 400)["detail"]
    )


def test_ready_json_passes_through_unchanged(caller: Any) -> None:
    assert caller.get("/raw").content == b'{"raw":1}'


def test_money_is_a_number() -> None:
    assert (
        to_json({"cost": Decimal("0.15"), "name": lazystr("x"), 1: None})
        == b'{"cost":0.15,"name":"x","1":null}'
    )
    with pytest.raises(TypeError, match="set"):
        to_json({"a": {1}})


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_browsable_pages_are_for_staff(client: Client, admin_client: Client, api_key: str) -> None:
    page = admin_client.get("/raw", headers=BROWSER)
    assert page["Content-Type"].startswith("text/html")
    assert "&quot;raw&quot;: 1" in page.content.decode()
    assert client.get("/raw", headers=BROWSER).json()["code"] == "missing_api_key"
    response = client.get("/raw", headers={**BROWSER, "X-API-Key": api_key})
    assert (response["Content-Type"], response.json()) == ("application/json", {"raw": 1})


def test_staff_sees_errors_as_pages_too(admin_client: Client) -> None:
    response = admin_client.get("/raise/denied", headers=BROWSER)
    assert response.status_code == 403
    assert "Not this line." in response.content.decode()


def test_outage_while_a_session_is_looked_up_is_503_too(client: Client) -> None:
    client.cookies["sessionid"] = "a" * 32
    with patch(
        "django.contrib.sessions.backends.db.SessionStore.load",
        side_effect=OperationalError("away"),
    ):
        _error(client.get("/echo"), 503)
