"""What every log line carries and what none may show."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_context: ContextVar[str] = ContextVar("log_context", default="-")
_formatter = logging.Formatter()

_SECRETS = re.compile(
    r"""(?ix)
    ( api_key= | x-api-key\b['"]?\s*[:=,]\s*b?['"]? | \bbearer\s+ | \barq_[a-z0-9]{8}_ )
    [^\s&'",;)\]]+
    """
)


def current_context() -> str:
    """The id of the request or task that runs now, or "-"."""
    return _context.get()


def set_context(context: str) -> None:
    """Log lines from here on carry `context`, until the next of this thread or task is set."""
    _context.set(context)


@contextmanager
def log_context(context: str) -> Iterator[None]:
    """Log lines written inside carry `context`: a request id, or a task's or listener's name."""
    token = _context.set(context)
    try:
        yield
    finally:
        _context.reset(token)


def hide_secrets(text: str) -> str:
    """`text` with API keys replaced by `***` (query strings, headers, our own key format)."""
    return _SECRETS.sub(r"\1***", text)


def mask(number: str) -> str:
    """A phone number for logs: "3312345667" is "331*****67", up to five digits are all hidden."""
    if len(number) <= 5:
        return "*" * len(number)
    return f"{number[:3]}{'*' * (len(number) - 5)}{number[-2:]}"


class ContextFilter(logging.Filter):
    """Adds `context` to records and, as a safety net, hides keys in messages and tracebacks."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.context = _context.get()
        message = record.getMessage()
        hidden = hide_secrets(message)
        if hidden != message:
            record.msg, record.args = hidden, None
        if record.exc_info and not record.exc_text:
            # Formatters reuse exc_text when it is there.
            record.exc_text = hide_secrets(_formatter.formatException(record.exc_info))
        return True
