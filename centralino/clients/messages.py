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
# A character of UTF-8 that lacks its end, at the end of a text. A first byte alone could also be a
# letter of Latin-1: these are the first bytes of Western letters and signs, and end hardly a word.
_CUT: Final = re.compile(
    rb"(?:[\xc2\xc3\xe2\xf0]|[\xe0-\xef][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{1,2})(?=[\"<]|\Z)"
)
_MAX_NAMES: Final = 10_000
_names: Final[dict[str, str]] = {}  # header names as received: in lower case


def parse_message(raw: bytes) -> AmiMessage:
    """The headers of one message without its end; lines that are no header are skipped."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = EOL.join(map(_decoded, raw.split(EOL.encode())))
    lines, headers, names = text.split(EOL), {}, _names
    try:
        for line in lines:
            name, _, value = line.partition(": ")
            headers[names[name]] = value
    except KeyError:
        return _parse_odd(lines)
    # The fast path: 4 us an event. Odd messages are parsed again, carefully.
    return AmiMessage(headers) if len(headers) == len(lines) else _parse_odd(lines)


def _decoded(line: bytes) -> str:
    """A header in UTF-8, or else in Latin-1: Asterisk passes on what callers' telephones send.

    Of UTF-8 that was cut inside a character, this character is missing.
    """
    text = line.decode(errors="ignore")
    if text.isascii() and _CUT.sub(b"", line) != text.encode():
        return line.decode("latin-1")
    return text


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
