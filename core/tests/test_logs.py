"""What log lines carry, and what they never show."""

from __future__ import annotations

import errno
import json
import logging
import sys
import time
from contextvars import copy_context
from datetime import datetime

import pytest
import redis
from django.db import OperationalError as DatabaseAway

from core.api import rest
from core.lib.logs import (
    ContextFilter,
    OutageFilter,
    build_formatter,
    current_context,
    hide_secrets,
    log_uncaught,
    set_context,
)


def _line(message: str, *args: object, exc_info: object = None) -> str:
    record = logging.LogRecord("test", logging.INFO, __file__, 1, message, args, exc_info)  # type: ignore[arg-type]
    assert ContextFilter().filter(record)
    return logging.Formatter("[%(context)s] %(message)s").format(record)


def test_lines_carry_the_context_they_were_written_in() -> None:
    def work() -> None:
        set_context("webcom.calls")
        assert _line("stored n=%d", 3) == "[webcom.calls] stored n=3"
        set_context("inner")
        assert current_context() == "inner"

    before = current_context()
    copy_context().run(work)
    assert current_context() == before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /ws?api_key=secret&types=a", "GET /ws?api_key=***&types=a"),
        ("headers={'X-API-Key': 'secret'}", "headers={'X-API-Key': '***'}"),
        ("(b'x-api-key', b'secret')", "(b'x-api-key', b'***')"),
        ("X-API-Key: secret", "X-API-Key: ***"),
        ("Authorization: Bearer secret", "Authorization: Bearer ***"),
        pytest.param(
            "made arq_ab12cd34_secretsecret for anna",
            "made arq_ab12cd34_*** for anna",
            id="a key of ours",
        ),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_keys_are_hidden_wherever_they_slip_in(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown
    assert _line("%s", text).endswith(shown)


def test_keys_are_hidden_in_tracebacks() -> None:
    try:
        raise ValueError("no such page /ws?api_key=secret")
    except ValueError:
        shown = _line("failed", exc_info=sys.exc_info())
    assert "ValueError" in shown
    assert "secret" not in shown


class Written(logging.Handler):
    """A handler as the settings have it, which keeps its lines."""

    def __init__(self, kind: str = "text", quiet_s: float = 60.0) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.addFilter(OutageFilter(quiet_s=quiet_s))
        self.addFilter(ContextFilter())
        self.setFormatter(build_formatter(kind))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def write(handler: logging.Handler, name: str, message: str, *args: object, **more: object) -> None:
    """A record through the handler, as a logger of this name would write it."""
    error = more.pop("error", None)
    exc_info = (type(error), error, error.__traceback__) if isinstance(error, Exception) else None
    level = more.pop("level", logging.ERROR)
    record = logging.LogRecord(name, level, __file__, 1, message, args, exc_info)  # type: ignore[arg-type]
    record.__dict__.update(more)
    handler.handle(record)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as exc:
        return exc


def test_line_has_its_time_with_an_offset_and_no_line_break() -> None:
    handler = Written()
    write(handler, "webcom", "first\nsecond %d", 2)
    [line] = handler.lines
    stamp, rest = line.split(" ", 1)
    assert datetime.fromisoformat(stamp).utcoffset() is not None
    assert rest == f"ERROR webcom [{current_context()}] first\\nsecond 2"


def test_json_is_one_object_a_line_with_the_traceback_in_it() -> None:
    handler = Written("json")
    write(handler, "webcom", "failed %s", "\ud800?api_key=secret", error=raised(ValueError("bad")))
    [line] = handler.lines
    shown = json.loads(line)
    assert shown.keys() == {"time", "level", "logger", "context", "message", "traceback"}
    assert shown["traceback"].splitlines()[-1] == "ValueError: bad"
    assert "\n" not in line
    assert "secret" not in line


@pytest.mark.parametrize(
    "error",
    [ConnectionRefusedError("refused"), redis.ConnectionError("refused"), DatabaseAway("refused")],
    ids=["socket", "redis", "database"],
)
def test_library_that_reports_every_attempt_writes_one_line(error: Exception) -> None:
    handler = Written()
    for n in range(100):
        write(
            handler,
            "celery.beat",
            "Message Error: %s\n%s",
            f"job {n}",
            "stack",
            error=raised(error),
        )
    assert len(handler.lines) == 1
    assert handler.lines[0].endswith("Message Error: job 0")


def test_other_errors_of_the_same_library_are_other_facts() -> None:
    handler = Written()
    for _ in range(2):
        write(handler, "celery.app.trace", "Task failed", error=raised(OSError("refused")))
        write(handler, "celery.app.trace", "Task failed", error=raised(KeyError("one")))
        try:
            int("x")
        except ValueError as exc:
            write(handler, "celery.app.trace", "Task failed", error=exc)
    first, *rest = [line for line in handler.lines if not line.startswith("  ")]
    assert "Traceback" not in first
    assert sum("Traceback" in line for line in rest) == 2
    assert len(handler.lines) == 3


def test_requests_that_find_the_same_store_away_are_one_line_but_no_other_failure_is() -> None:
    handler = Written()
    for _ in range(3):
        write(
            handler, "django.request", "%s: %s", "Service Unavailable", "/health", status_code=503
        )
        write(handler, "django.request", "%s: %s", "Internal Server Error", "/", status_code=500)
        write(handler, "webcom.pull", "webcom.unreadable id=%d", 7)
    shown = [
        line.partition("] ")[2] for line in "\n".join(handler.lines).split("\n") if "] " in line
    ]
    assert shown.count("Service Unavailable: /health") == 1
    assert shown.count("Internal Server Error: /") == 3
    assert shown.count("webcom.unreadable id=7") == 3


def test_a_store_that_is_full_and_one_that_is_away_are_two_lines_however_many_ask() -> None:
    handler, asking = Written(), logging.getLogger(rest.__name__)
    asking.addHandler(handler)
    try:
        for _ in range(3):
            assert rest.unavailable(OSError(errno.ENOSPC, "No space left")) is not None
            assert rest.unavailable(DatabaseAway("gone")) is not None
    finally:
        asking.removeHandler(handler)
    shown = [line.partition("] ")[2].partition(" ")[0] for line in handler.lines]
    assert shown == ["storage.failed", "database.away"]


def test_end_of_what_repeated_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "core.lib.logs")
    handler = Written(quiet_s=0.02)
    for _ in range(3):
        write(handler, "kombu", "away", error=raised(OSError()))
    write(handler, "celery", "seen once", error=raised(OSError()))
    until = time.monotonic() + 5
    while not caplog.records and time.monotonic() < until:
        time.sleep(0.005)
    assert [record.getMessage() for record in caplog.records] == [
        "kombu.recovered outage_s=0.0 repeated=2"
    ]
    write(handler, "kombu", "away", error=raised(OSError()))
    assert len(handler.lines) == 3  # a new outage


def test_exception_that_ends_a_thread_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    error = raised(ValueError("bad"))
    log_uncaught(ValueError, error, error.__traceback__)
    [record] = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.exc_info[1] is error
