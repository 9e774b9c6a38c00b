"""A read over an ended connection is repeated once; a write, or what was waited for, is not."""

from __future__ import annotations

import psycopg
import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from core.api.rest import unavailable
from core.lib.postgres.connection import ServerSilent
from core.lib.postgres.limits import TooManyWaiting
from gateway_arq.middleware import RepeatedReads

pytestmark = pytest.mark.django_db

LATE = "The database did not answer in time. Try again."
AWAY = "The database is not available. Try again."


def failure(cause: Exception) -> OperationalError:
    """The error as Django raises it for the driver's."""
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


class Site:
    """Fails so many times with this error, then answers."""

    def __init__(self, cause: Exception, *, failures: int) -> None:
        self.cause, self.failures, self.requests = cause, failures, 0

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.requests += 1
        if self.requests <= self.failures:
            response = unavailable(failure(self.cause))
            assert response is not None
            return response
        return HttpResponse(b"{}")


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_read_is_repeated_over_another_connection(method: str) -> None:
    site = Site(psycopg.errors.AdminShutdown(), failures=1)
    response = RepeatedReads(site)(getattr(RequestFactory(), method)("/"))
    assert (response.status_code, site.requests) == (200, 2)


def test_a_read_is_repeated_once() -> None:
    site = Site(psycopg.OperationalError("connection refused"), failures=9)
    response = RepeatedReads(site)(RequestFactory().get("/"))
    assert (response.status_code, site.requests) == (503, 2)
    assert response["Retry-After"] == "5"
    assert AWAY.encode() in response.content


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_write_is_not_repeated(method: str) -> None:
    site = Site(psycopg.errors.AdminShutdown(), failures=1)
    response = RepeatedReads(site)(getattr(RequestFactory(), method)("/"))
    assert (response.status_code, site.requests) == (503, 1)


@pytest.mark.parametrize(
    "cause",
    [
        psycopg.errors.QueryCanceled(),
        psycopg.errors.LockNotAvailable(),
        psycopg.errors.ConnectionTimeout(),
        ServerSilent(),
        TooManyWaiting(),
    ],
    ids=lambda cause: type(cause).__name__,
)
def test_what_was_waited_for_is_503_at_once(cause: Exception) -> None:
    site = Site(cause, failures=1)
    response = RepeatedReads(site)(RequestFactory().get("/"))
    assert (response.status_code, site.requests) == (503, 1)
    assert response["Retry-After"] == "5"
    assert LATE.encode() in response.content
