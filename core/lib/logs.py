"""How every log line looks: its fields, what none may show, and an outage as two lines.

Libraries that report each attempt (Celery, Kombu, Django's 503s) write here too, so the rules are
applied to everybody's records, in the filters of the one handler.
"""

from __future__ import annotations

import json
import logging
import logging.config
import os
import re
import sys
import threading
import time
import traceback
from contextvars import ContextVar
from datetime import datetime
from types import TracebackType
from typing import Any, Final

from django.db import InterfaceError, OperationalError

# Without a repetition an outage is over: the longest pause of those who try again.
QUIET_S: Final = 60.0
# What logs each attempt, or each request.
REPEATING: Final = (
    "celery",
    "kombu",
    "django_celery_beat",
    "core.api.rest",
    "gateway_arq.views",
)
UNAVAILABLE: Final = (OSError, OperationalError, InterfaceError)
# Those of Redis, Kombu and beat, which this module need not import.
UNAVAILABLE_NAMES: Final = {
    "ConnectionError",
    "TimeoutError",
    "OperationalError",
    "SchedulingError",
}

logger = logging.getLogger(__name__)

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


class OutageFilter(logging.Filter):
    """Of an error that repeats: its first line, and one that says how long it lasted and how often.

    For what libraries log at each attempt, and exceptions of loops; `core.lib.outage` is for our
    own connections. What cannot be reached is named without its traceback. A fact is the logger
    with the place of the exception, so another bug is another fact.
    """

    def __init__(self, *, quiet_s: float = QUIET_S) -> None:
        super().__init__()
        self._quiet_s = quiet_s
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # the parent's thread reports its own

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[Any, ...], _Repeated] = {}
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        fact = _fact(record)
        if fact is None:
            return True
        with self._lock:
            now = time.monotonic()
            known = self._seen.get(fact)
            if known is not None and now - known.last < self._quiet_s:
                known.last, known.repeated = now, known.repeated + 1
                self._watch(self._quiet_s)
                return False
            self._forget(now)
            self._seen[fact] = _Repeated(record.name, now)
        if is_outage(record):
            record.msg, record.args = record.getMessage().partition("\n")[0], None
            record.exc_info = record.exc_text = None
        return True

    def _forget(self, now: float) -> None:
        """Drop what came once, and long ago."""
        for fact, it in [*self._seen.items()]:
            if not it.repeated and now - it.last >= self._quiet_s:
                del self._seen[fact]

    def _watch(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = threading.Timer(seconds, self._report)
            self._timer.daemon = True
            self._timer.start()

    def _report(self) -> None:
        """Write what is over; look again when the next may be."""
        with self._lock:
            now, self._timer = time.monotonic(), None
            repeated = {fact: it for fact, it in self._seen.items() if it.repeated}
            over = [fact for fact, it in repeated.items() if now - it.last >= self._quiet_s]
            for fact in over:
                del self._seen[fact]
            going_on = [it.last for fact, it in repeated.items() if fact not in over]
            if going_on:
                self._watch(max(0.01, min(going_on) + self._quiet_s - now))
        for it in map(repeated.__getitem__, over):
            logger.info(
                "%s.recovered outage_s=%.1f repeated=%d", it.name, it.last - it.first, it.repeated
            )


class _Repeated:
    """An error that was seen: when first and last (monotonic), and how often again."""

    def __init__(self, name: str, now: float) -> None:
        self.name, self.first, self.last, self.repeated = name, now, now, 0


def is_outage(record: logging.LogRecord) -> bool:
    """Whether it says that something cannot be reached: its traceback has nothing to add."""
    error = record.exc_info[1] if record.exc_info else None
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, UNAVAILABLE) or bool(names & UNAVAILABLE_NAMES)


def _fact(record: logging.LogRecord) -> tuple[Any, ...] | None:
    """What makes a record a repetition of another; None where every line counts."""
    if record.levelno < logging.ERROR:
        return None
    status = getattr(record, "status_code", None)
    if status is not None:  # of a 500 the client has the id; others found one store away or full
        return (record.name, status) if status in (503, 507) else None
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return (record.name, record.msg) if record.name.startswith(REPEATING) else None
    if is_outage(record):
        return record.name, type(error).__name__
    [*_, place] = traceback.extract_tb(error.__traceback__) or [None]
    return record.name, type(error).__name__, place and (place.filename, place.lineno)


def _time(record: logging.LogRecord) -> str:
    """Local time with its offset, to the millisecond: the hour that comes twice is no riddle."""
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


class LineFormatter(logging.Formatter):
    """One line; only a traceback follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(context)s] %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return _time(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.replace("\n", "\\n")
        record.__dict__.setdefault("context", "-")  # of a record that passed no filter
        return super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, context, message and, of an error, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "context": getattr(record, "context", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info and not record.exc_text:
            record.exc_text = hide_secrets(self.formatException(record.exc_info))
        if record.exc_text:
            fields["traceback"] = record.exc_text
        return json.dumps(fields)  # ASCII: half a surrogate pair is no UTF-8


def build_formatter(kind: str) -> logging.Formatter:
    """The formatter of LOG_FORMAT: text or json."""
    return JsonFormatter() if kind == "json" else LineFormatter()


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: set logging up, also for what ends a thread or the process."""
    logging.config.dictConfig(config)
    sys.excepthook = log_uncaught
    threading.excepthook = lambda args: log_uncaught(
        args.exc_type, args.exc_value, args.exc_traceback
    )


def log_uncaught(
    kind: type[BaseException], error: BaseException | None, place: TracebackType | None
) -> None:
    """Log what nobody caught, as the interpreter would print it; Ctrl-C is printed as ever."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error or kind(), place)
    elif not issubclass(kind, SystemExit):
        logger.critical("uncaught", exc_info=(kind, error or kind(), place))
