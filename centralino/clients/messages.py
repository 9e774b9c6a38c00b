"""AMI messages between bytes and records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from centralino.types import AmiMessage

EOL: Final = "\r\n"
END: Final = b"\r\n\r\n"  # of every message
MAX_GREETING: Final = 1024  # bytes
MAX_MESSAGE: Final = 1024 * 1024  # bytes

_NAME: Final = re.compile(r"[A-Za-z][\w.()/-]{0,99}", re.ASCII)
_MAX_NAMES: Final = 10_000
_names: Final[dict[str, str]] = {}  # header names as received: in lower case


def parse_message(raw: bytes) -> AmiMessage:
    """The headers of one message without its end; lines that are no header are skipped.

    UTF-8, or else Latin-1: Asterisk passes on what callers' telephones send.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    lines, headers, names = text.split(EOL), {}, _names
    try:
        for line in lines:
            name, _, value = line.partition(": ")
            headers[names[name]] = value
    except KeyError:
        return _parse_odd(lines)
    # The fast path: 4 us an event. Odd messages are parsed again, carefully.
    return AmiMessage(headers) if len(headers) == len(lines) else _parse_odd(lines)


def _parse_odd(lines: list[str]) -> AmiMessage:
    """Parse a message with new or repeated names, or lines that are no `Name: value`."""
    values: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and (lower := _lower_name(name)):
            values.setdefault(lower, []).append(value.removeprefix(" "))
    message = AmiMessage({name: found[0] for name, found in values.items()})
    repeated = {name: found for name, found in values.items() if len(found) > 1}
    if repeated:
        message.repeated = repeated
    return message


def _lower_name(name: str) -> str:
    """A header's name in lower case, cached if new; "" for an invalid one."""
    if not _NAME.fullmatch(name):
        return ""
    if len(_names) < _MAX_NAMES:
        return _names.setdefault(name, name.lower())
    return name.lower()


def action_bytes(name: str, action_id: str, headers: Mapping[str, str]) -> bytes:
    """An action, ready to send. ValueError when a name or value would begin another header."""
    lines = {"Action": name, "ActionID": action_id, **headers}
    text = "".join(f"{key}: {value}{EOL}" for key, value in lines.items())
    if text.count("\n") != len(lines) or text.count("\r") != len(lines):
        raise ValueError("an AMI header must not hold a line break")
    return (text + EOL).encode()
