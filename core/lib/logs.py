"""What every log line carries and what none may show."""

from __future__ import annotations

import logging
import re
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
    """The id of the request or the name of the task that runs now, or "-"."""
    return _context.get()


def set_context(context: str) -> None:
    """Log lines from here on carry `context`, until the next of this thread or task is set."""
    _context.set(context)


def hide_secrets(text: str) -> str:
    """`text` with API keys replaced by `***` (query strings, headers, our own key format)."""
    return _SECRETS.sub(r"\1***", text)


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
