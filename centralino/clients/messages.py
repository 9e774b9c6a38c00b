"""AMI messages between bytes and records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from centralino.types import AmiMessage

EOL: Final = "\r\n"
END: Final = b"\r\n\r\n"  # of every message

_NAME: Final = re.compile(r"[A-Za-z][\w.()/-]{0,99}", re.ASCII)
_NAMES_KEPT: Final = 10_000


_names: Final[dict[str, str]] = {}  # as they came: in lower case


def parse_message(raw: bytes) -> AmiMessage:
    """The headers of one message without its end; lines that are no header are left out.

    UTF-8, or else Latin-1: Asterisk passes on what the callers' telephones say.
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
        return _carefully(lines)
    # One event of a flood takes 4 us here; what is odd is read again, with care.
    return AmiMessage(headers) if len(headers) == len(lines) else _carefully(lines)


def _carefully(lines: list[str]) -> AmiMessage:
    """As above, where names are new or repeated, or lines are no `Name: value`."""
    values: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and (lower := _known(name)):
            values.setdefault(lower, []).append(value.removeprefix(" "))
    message = AmiMessage({name: found[0] for name, found in values.items()})
    repeated = {name: found for name, found in values.items() if len(found) > 1}
    if repeated:
        message.repeated = repeated
    return message


def _known(name: str) -> str:
    """A header's name in lower case, learnt if it is new; "" for what is none."""
    if not _NAME.fullmatch(name):
        return ""
    if len(_names) < _NAMES_KEPT:
        return _names.setdefault(name, name.lower())
    return name.lower()


def action_bytes(name: str, action_id: str, headers: Mapping[str, str]) -> bytes:
    """An action, ready to send. ValueError when a name or value would begin another header."""
    lines = {"Action": name, "ActionID": action_id, **headers}
    text = "".join(f"{key}: {value}{EOL}" for key, value in lines.items())
    if text.count("\n") != len(lines) or text.count("\r") != len(lines):
        raise ValueError("an AMI header must not hold a line break")
    return (text + EOL).encode()
