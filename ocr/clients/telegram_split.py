"""Long messages in parts that Telegram accepts. Pure.

Lengths are what Telegram counts: UTF-16 units, after tags and entities were read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from typing import Final

MAX_TEXT: Final = 4096
MAX_CAPTION: Final = 1024
_HTML: Final = re.compile(r"<[^<>]*>|&(?:#\d+|#[xX][0-9a-fA-F]+|\w+);|.", re.DOTALL)
_TAG: Final = re.compile(r"<(/?)([A-Za-z][\w-]*)[^<>]*>")


def length(text: str, *, html: bool) -> int:
    """Its length as Telegram counts it."""
    return sum(map(_units, _HTML.findall(text))) if html else len(text.encode("utf-16-le")) // 2


def parts(text: str, maximum: int, *, html: bool) -> list[str]:
    """The text in parts of at most `maximum`, broken after lines or else words if there are any.

    A tag that is open at a break is closed before and opened again after it.
    """
    tokens = _HTML.findall(text) if html else list(text)
    done: list[str] = []
    while tokens:
        cut = _cut(tokens, maximum, html)
        part, tokens = tokens[:cut], tokens[cut:]
        still_open = _open_tags(part) if html else []
        ends = "".join(f"</{_name(tag)}>" for tag in reversed(still_open)) if tokens else ""
        body = "".join(part).rstrip("\n") if tokens else "".join(part)
        if body.strip():
            done.append(body + ends)
        tokens = still_open + tokens if tokens else []
    return done


def _cut(tokens: Sequence[str], maximum: int, html: bool) -> int:
    """How many of the tokens the next part has."""
    used, line, word = 0, 0, 0
    for index, token in enumerate(tokens):
        used += _units(token) if html else len(token.encode("utf-16-le")) // 2
        if used > maximum:
            return line or word or index
        if token == "\n":
            line = index + 1
        elif token == " ":
            word = index + 1
    return len(tokens)


def _units(token: str) -> int:
    if len(token) > 1 and _TAG.fullmatch(token):
        return 0
    return len(unescape(token).encode("utf-16-le")) // 2


def _open_tags(tokens: Sequence[str]) -> list[str]:
    opened: list[str] = []
    for token in tokens:
        found = _TAG.fullmatch(token) if len(token) > 1 else None
        if found is None:
            continue
        if not found[1]:
            opened.append(token)
        elif opened and _name(opened[-1]) == found[2]:
            opened.pop()
    return opened


def _name(tag: str) -> str:
    found = _TAG.fullmatch(tag)
    return found[2] if found else ""
