"""A page of text that has the day's draw, Televideo's for example: `docs/upstreams/witness.md`."""

from __future__ import annotations

import html
import re
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from core.lib.http import HttpClient
from lotto.rules import numbers_of
from lotto.types import RuleError
from ocr.reader.page import draw_dates
from ocr.reader.tokens import wheel_of

MAX_BYTES: Final = 512 * 1024
# A wheel's name or code and its five numbers, as tables and lists of every make have them.
PATTERN: Final = (
    r"(?P<wheel>[A-Za-z]{2,9})[.:\s|-]{1,12}(?P<numbers>\d{1,2}(?:[\s.,;|-]{1,8}\d{1,2}){4})\b"
)
_TAG: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]{0,2000}>", re.DOTALL | re.IGNORECASE)
_LINE_ENDS: Final = re.compile(r"<(?:br|/p|/tr|/div|/h\d|/li|/title)\b[^>]{0,200}>", re.IGNORECASE)

Wheels = dict[str, tuple[int, ...]]


class TextPage:
    """One page; `{day}` in its address stands for the day, as `{day:%d%m%Y}` in any form."""

    def __init__(self, url: str, pattern: str = "", *, timeout_s: float) -> None:
        """ValueError when `url` is no http address, or the pattern lacks `wheel` and `numbers`."""
        self._pattern = re.compile(pattern or PATTERN)
        if not {"wheel", "numbers"} <= self._pattern.groupindex.keys():
            raise ValueError("the pattern has no groups `wheel` and `numbers`")
        parts = urlsplit(url)
        headers = {"Accept": "text/html, text/plain"}
        self._http = HttpClient(
            f"{parts.scheme}://{parts.netloc}", headers=headers, max_bytes=MAX_BYTES
        )
        self._target = url.removeprefix(f"{parts.scheme}://{parts.netloc}") or "/"
        self._timeout_s = timeout_s

    def wheels(self, day: date) -> Wheels:
        """The wheels that it has for that day; none while it names another day, or no day.

        A wheel that it has twice with different numbers is left out. Raises UpstreamError.
        """
        target = self._target.format(day=day)
        text = _text(self._http.get_body(target, timeout_s=self._timeout_s))
        dates = draw_dates(text.splitlines())
        if not dates or not all(each.is_of(day) for each in dates):
            return {}
        found: dict[str, set[tuple[int, ...]]] = {}
        for match in self._pattern.finditer(text):
            wheel = wheel_of(match["wheel"].upper())
            if numbers := _numbers(match["numbers"]):
                found.setdefault(wheel, set()).add(numbers)
        return {
            wheel: next(iter(said)) for wheel, said in found.items() if wheel and len(said) == 1
        }


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(numbers_of([int(number) for number in re.findall(r"\d+", text)]))
    except RuleError:
        return ()


def _text(body: bytes) -> str:
    try:
        page = body.decode()
    except UnicodeDecodeError:  # what old sites are written in
        page = body.decode("cp1252", errors="replace")
    return html.unescape(_TAG.sub(" ", _LINE_ENDS.sub("\n", page)))
