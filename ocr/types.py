"""What crosses a border of this app: records, Protocols, errors."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple


class ImageRefused(ValueError):
    """What was given is no picture that can be read; the message is for people."""


class ImageTooLarge(ImageRefused):
    """It has too many bytes or pixels; the message is for people."""


class TelegramOff(Exception):
    """No bot or chat is configured."""


class TelegramError(Exception):
    """Telegram did not take a message; the text is for people.

    `is_refused`: because of what it says. `retry_after_s`: because of too many. `sent`: how many
    parts of it had been taken before.
    """

    def __init__(
        self,
        text: str,
        *,
        is_refused: bool = False,
        retry_after_s: float | None = None,
        sent: int = 0,
    ) -> None:
        super().__init__(text)
        self.is_refused, self.retry_after_s, self.sent = is_refused, retry_after_s, sent


class ReaderBusy(Exception):
    """As many pictures are waiting for the reader as may wait."""


class ReaderFailed(Exception):
    """The reading process cannot start, ended, or did not answer in time; for people."""


class ReadingHalted(Exception):
    """Who asked for a reading does not want it any more."""


class RunState(StrEnum):
    """How far a run of AutoBOT is, in the reference's words."""

    IDLE = "idle"  # stopped, or there is none
    CAPTURING = "capturing"  # no board has been seen yet
    OCR = "ocr"  # wheels are being read
    VALIDATING = "validating"  # nothing is read any more; the steps
    COMPLETED = "completed"
    ERROR = "error"  # it ended without a board


class Held(StrEnum):
    """Why a wheel that was read for sure is not published."""

    OLD = "old"  # the archive has these numbers on another day
    NO_DRAW = "no_draw"  # no draw is due on this day
    BEHIND = "behind"  # the archive lacks the draw before: an old board could not be told


class Origin(StrEnum):
    """Who said what a wheel's numbers are."""

    OCR = "ocr"
    AI = "ai"
    PERSON = "person"


class StepName(StrEnum):
    """What is done with the numbers of a run, in this order."""

    VALIDATE = "validate"
    ARCHIVE = "archive"
    UPLOAD = "upload"
    TELEGRAM = "telegram"
    NOTICE = "notice"  # that what was published is contradicted


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    OFF = "off"  # not configured, or not wanted
    SKIPPED = "skipped"  # there was nothing to do
    OFFERED = "offered"  # the numbers have changed since: a person decides


class RunBusy(Exception):
    """There is an unfinished run, and only one may be; `state` is that one's."""

    def __init__(self, text: str, state: str) -> None:
        super().__init__(text)
        self.state = state


class RunRefused(Exception):
    """What is asked of a run cannot be done; the message is for people."""


class LeaseLost(Exception):
    """Another process works on the run now, or it was stopped."""


class StreamRefused(ValueError):
    """An address that no stream is fetched from; the message is for people."""


class StreamError(Exception):
    """No picture comes off the stream; the message is for people and holds no query of a URL."""


class AiOff(Exception):
    """There is no key for OpenRouter."""


class AiError(Exception):
    """An AI gave no usable answer; the text is for people.

    `is_refused`: because of what was asked. `retry_after_s`: because it is not to be asked now.
    `usage`: what it took all the same, None where nobody knows.
    """

    def __init__(
        self,
        text: str,
        *,
        is_refused: bool = False,
        retry_after_s: float | None = None,
        usage: AiUsage | None = None,
    ) -> None:
        super().__init__(text)
        self.is_refused, self.retry_after_s, self.usage = is_refused, retry_after_s, usage


class AiUsage(NamedTuple):
    """What an answer took; the cost in US dollars, None where it was not told."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = None


NOTHING_USED: Final = AiUsage(cost_usd=Decimal(0))


class AiRequest(NamedTuple):
    """What a model is asked about a picture (JPEG), and the JSON schema its answer must have."""

    model: str
    text: str
    picture: bytes
    schema: dict[str, Any] | None = None


class AiResponse(NamedTuple):
    """What it said, and which model it was in the end."""

    text: str
    model: str
    usage: AiUsage


class AiModel(NamedTuple):
    """A model that sees pictures; prices in US dollars a token (`image_usd`: a picture).

    None: it is not known before.
    """

    id: str
    name: str
    context_length: int
    prompt_usd: Decimal | None
    completion_usd: Decimal | None
    image_usd: Decimal | None
    is_structured: bool  # whether it answers by a schema


class SiteOff(Exception):
    """The Lotto site has no address or no user."""


class SiteError(Exception):
    """The Lotto site gave no usable answer; the text is for people.

    `retry_after_s`: because it is not to be asked now.
    """

    def __init__(self, text: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class LegacyOff(Exception):
    """No old database is configured; the message is for people."""


class LegacyError(Exception):
    """The old database did not answer, or is not as documented; the message is for people.

    `retry_after_s`: where asking again may help.
    """

    def __init__(self, text: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class WheelUploaded(NamedTuple):
    """What became of a wheel (its code) on the Lotto site; `detail` for people, "" for no news."""

    wheel: str
    is_done: bool
    detail: str = ""
