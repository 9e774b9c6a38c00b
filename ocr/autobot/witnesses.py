"""Second sources of a draw, and which of them must agree before anything is published.

A witness is a page of text or another channel (`OCR_WITNESS_1_URL`), or the AI. Who is named in
OCR_CONFIRMED_BY must have the same five numbers, else the wheel waits; another one is asked once,
and holds a wheel only by contradicting it (docs/decisions/0035).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from django.conf import settings

from core.lib.upstream import UpstreamError
from ocr.autobot import evidence
from ocr.clients.stream.fetch import headers_by_host
from ocr.clients.text_page import TextPage
from ocr.reader.types import PictureReader
from ocr.reader_process import reader
from ocr.selectors import Wheels
from ocr.types import Held, ImageRefused, ReaderBusy, ReaderFailed, StreamRefused

logger = logging.getLogger(__name__)

AI: Final = "ai"
CHANNEL: Final = ".m3u8"
LOOK_S: Final = 30.0  # at another channel, until a board is on it
PAUSE_S: Final = 1.0


class Witness(NamedTuple):
    """A source as the settings name it."""

    name: str
    url: str
    pattern: str = ""

    @property
    def is_channel(self) -> bool:
        return self.url.partition("?")[0].endswith(CHANNEL)


class Verdict(NamedTuple):
    """What the witnesses make of a wheel: who agrees, and why it is held ("": it is not)."""

    agreeing: list[str]
    held: str


def configured() -> list[Witness]:
    """The sources of the settings."""
    return [
        Witness(source.get("NAME", name), source["URL"], source.get("PATTERN", ""))
        for name, source in settings.OCR_WITNESSES.items()
        if source.get("URL")
    ]


def is_on() -> bool:
    """Whether there is anybody to ask."""
    return bool(settings.OCR_WITNESSES or settings.OCR_CONFIRMED_BY)


def must_agree() -> bool:
    """Whether nothing is published before somebody has agreed."""
    return bool(settings.OCR_CONFIRMED_BY)


def ask(day: date) -> dict[str, Wheels]:
    """What each source has of that day; one that is unavailable has nothing."""
    answers: dict[str, Wheels] = {}
    for witness in configured():
        try:
            answers[witness.name] = _answer(witness, day)
        except (
            UpstreamError, StreamRefused, ImageRefused, ReaderBusy, ReaderFailed, ValueError,
        ) as exc:  # fmt: skip
            logger.warning("autobot.witness_silent name=%s error=%s", witness.name, exc)
            answers[witness.name] = {}
    return answers


def verdict(
    wheel: str, numbers: Sequence[int], answers: Mapping[str, Wheels], *, needed: Sequence[str]
) -> Verdict:
    """Who agrees on these numbers, and why they are held."""
    said = {name: wheels[wheel] for name, wheels in answers.items() if wheel in wheels}
    agreeing = [name for name, theirs in said.items() if theirs == tuple(numbers)]
    if len(agreeing) < len(said):
        return Verdict(agreeing, Held.DISPUTED)
    return Verdict(agreeing, "" if set(needed) <= set(agreeing) else Held.WITNESS)


def _answer(witness: Witness, day: date) -> Wheels:
    if witness.is_channel:
        return _on_channel(witness.url, day, reader())
    page = TextPage(witness.url, witness.pattern, timeout_s=settings.OCR_WITNESS_TIMEOUT_S)
    return page.wheels(day)


def _on_channel(url: str, day: date, reader: PictureReader) -> Wheels:
    """The sure wheels of the first board of that day's draw on another channel."""
    from ocr.clients.stream import HlsStream  # with PyAV, which only this needs

    halt = threading.Event()
    timer = threading.Timer(LOOK_S, halt.set)
    timer.start()
    try:
        headers = headers_by_host(settings.OCR_STREAM_HOSTS)
        stream = HlsStream(url, settings.OCR_STREAM_NETWORKS, PAUSE_S, LOOK_S, headers)
        for frame in stream.frames(halt):
            reading = reader.read(evidence.png(frame.image))
            if reading.page.is_draw_of(day) and reading.sure():
                return reading.sure()
    finally:
        timer.cancel()
        halt.set()
    return {}
