"""What log lines carry, and what they never show."""

from __future__ import annotations

import logging
import sys
from contextvars import copy_context

import pytest

from core.lib.logs import ContextFilter, current_context, hide_secrets, set_context


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
