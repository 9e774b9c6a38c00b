"""Typed readers for the process environment; the only reader is `settings.py`.

Every name also exists as `NAME_FILE` (a path whose content is the value), as
container secrets are mounted. The process environment beats `.env`.
"""

from __future__ import annotations

import ipaddress
import os
import re
from datetime import time
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_env = environ.FileAwareEnv()


def load_dotenv(path: Path) -> None:
    """Add what `path` (KEY=value lines) defines and the environment does not; it may be missing."""
    if path.is_file():
        environ.Env.read_env(path, overwrite=False)


def text(name: str, default: str = "") -> str:
    """The value as a string, without surrounding white space."""
    return str(_env.str(name, default=default)).strip()


def flag(name: str, default: bool = False) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off, empty; else ImproperlyConfigured."""
    value = text(name, str(default)).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")


def integer(name: str, default: int, *, minimum: int = 0) -> int:
    """The value as an int of at least `minimum`. ImproperlyConfigured otherwise."""
    value = text(name, str(default))
    if not re.fullmatch(r"-?\d+", value) or int(value) < minimum:
        raise ImproperlyConfigured(
            f"{name} must be a whole number of at least {minimum}, not {value!r}"
        )
    return int(value)


def number(name: str, default: float, *, minimum: float = 0.0) -> float:
    """The value as a float of at least `minimum`. ImproperlyConfigured otherwise."""
    value = text(name, str(default))
    try:
        parsed = float(value)
    except ValueError:
        parsed = float("nan")
    if not parsed >= minimum:
        raise ImproperlyConfigured(f"{name} must be a number of at least {minimum}, not {value!r}")
    return parsed


def items(name: str, default: str = "") -> list[str]:
    """A comma separated list, empty items dropped."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def networks(name: str, default: str = "") -> list[Network]:
    """Comma separated addresses or CIDR networks. ImproperlyConfigured when one is unreadable."""
    try:
        return [ipaddress.ip_network(item, strict=False) for item in items(name, default)]
    except ValueError as exc:
        raise ImproperlyConfigured(f"{name}: {exc}") from exc


def time_of_day(name: str, default: str) -> time:
    """The value, written as 20:00, as a local time. ImproperlyConfigured otherwise."""
    value = text(name, default)
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        raise ImproperlyConfigured(f"{name} must be a time as 20:00, not {value!r}")
    return time.fromisoformat(value)


def choice(name: str, default: str, options: set[str]) -> str:
    """One of `options`. ImproperlyConfigured otherwise."""
    value = text(name, default)
    if value not in options:
        raise ImproperlyConfigured(
            f"{name} must be one of {', '.join(sorted(options))}, not {value!r}"
        )
    return value


def numbered(prefix: str) -> dict[str, str]:
    """Every non-empty `<prefix>1`, `<prefix>2`, ... by name, in numeric order, or its `_FILE`."""
    names = {name.removesuffix("_FILE") for name in os.environ if name.startswith(prefix)}
    found = sorted(
        (n for n in names if n.removeprefix(prefix).isdigit()),
        key=lambda n: int(n.removeprefix(prefix)),
    )
    return {name: value for name in found if (value := text(name))}


def groups(prefix: str) -> dict[str, dict[str, str]]:
    """Every non-empty `<prefix><n>_<NAME>`, or its `_FILE`: {"<prefix><n>": {NAME: value}}.

    The groups are in lower case.
    """
    pattern = re.compile(rf"({re.escape(prefix)}\d+)_(\w+?)(_FILE)?")
    names = filter(None, map(pattern.fullmatch, os.environ))
    found: dict[str, dict[str, str]] = {}
    for group, name in sorted(match.group(1, 2) for match in names):
        if value := text(f"{group}_{name}"):
            found.setdefault(group.lower(), {})[name] = value
    return found
