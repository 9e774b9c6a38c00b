"""What crosses a border of this app: records, Protocols, errors."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple

from msgspec import Struct

from core.lib.upstream import UpstreamError


class ImageRefused(ValueError):
    """The input is no picture that can be read; the message is for people."""


class ImageTooLarge(ImageRefused):
    """It has too many bytes or pixels; the message is for people."""


class TelegramError(UpstreamError):
    """Telegram did not accept a message; `sent` parts of it were accepted before."""

    def __init__(self, message: str, *, sent: int = 0, **known: Any) -> None:
        super().__init__(message, **known)
        self.sent = sent


class ReaderBusy(Exception):
    """As many pictures are waiting for the reader as may wait."""


class ReaderFailed(Exception):
    """The reading process cannot start, ended, or did not respond in time; for people."""


class ReadingHalted(Exception):
    """The caller does not want the reading any more."""


class RunState(StrEnum):
    """How far a run of AutoBOT is, in the spelling of the API reference."""

    IDLE = "idle"  # stopped, or there is none
    CAPTURING = "capturing"  # no board has been seen yet
    OCR = "ocr"  # wheels are being read
    VALIDATING = "validating"  # nothing is read any more; the steps
    COMPLETED = "completed"
    ERROR = "error"  # it ended without a board


class PageKind(StrEnum):
    """What a page is, by its title and words."""

    DRAW = "draw"
    UNKNOWN = "unknown"  # it does not say
    EARLIER = "earlier"  # a draw, and it says that it is an earlier one's
    PREDICTIONS = "predictions"
    STATISTICS = "statistics"
    SIMBOLOTTO = "simbolotto"
    OTHER_GAME = "other_game"
    WEATHER = "weather"
    SPORT = "sport"
    BETTING = "betting"
    TICKET = "ticket"
    OTHER = "other"


class Held(StrEnum):
    """Why a wheel that was read for sure is not published."""

    OLD = "old"  # the archive has these numbers on another day
    NO_DRAW = "no_draw"  # no draw is due on this day
    EARLY = "early"  # seen before the draw can have begun
    BEHIND = "behind"  # the archive lacks the draw before: an old board would not be recognised
    PAGE = "page"  # the page does not say that it is a board of the draw
    WITNESS = "witness"  # a witness that must agree has not yet
    DISPUTED = "disputed"  # a witness has other numbers


class Origin(StrEnum):
    """Where the numbers of a wheel are from."""

    OCR = "ocr"
    AI = "ai"
    PERSON = "person"


class StepName(StrEnum):
    """What is done with the numbers of a run, in this order."""

    VALIDATE = "validate"
    WITNESS = "witness"
    ARCHIVE = "archive"
    UPLOAD = "upload"
    TELEGRAM = "telegram"
    NOTICE = "notice"  # that what was published is contradicted


# The option of a run and of the configuration that switches each step of a run.
STEP_OPTIONS: Final = {
    StepName.VALIDATE: "ai_validation",
    StepName.UPLOAD: "auto_upload",
    StepName.TELEGRAM: "telegram_notify",
    StepName.ARCHIVE: "save_to_db",
}


class AutobotOptions(Struct, frozen=True):
    """Which steps a run has, as configured."""

    ai_validation: bool
    auto_upload: bool
    telegram_notify: bool
    save_to_db: bool


class StepSwitches(Struct, frozen=True):
    """The options that somebody sets; None leaves one as it is."""

    ai_validation: bool | None = None
    auto_upload: bool | None = None
    telegram_notify: bool | None = None
    save_to_db: bool | None = None


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
    """A run cannot do this now; the message is for people."""


class RunStopped(Exception):
    """The run is over: somebody stopped it while it was at work."""


class StreamRefused(ValueError):
    """An address that no stream is fetched from; the message is for people."""


class AiError(UpstreamError):
    """An AI gave no usable response; `usage` is what it took nevertheless, None if unknown."""

    def __init__(self, message: str, *, usage: AiUsage | None = None, **known: Any) -> None:
        super().__init__(message, **known)
        self.usage = usage


class AiUsage(NamedTuple):
    """What a response took; the cost in US dollars, None if unknown."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = None


NOTHING_USED: Final = AiUsage(cost_usd=Decimal(0))


class AiRequest(NamedTuple):
    """A request about a picture (JPEG), and the JSON schema of the response."""

    model: str
    text: str
    picture: bytes
    schema: dict[str, Any] | None = None


class AiResponse(NamedTuple):
    """The text of a model, and which model it was in the end."""

    text: str
    model: str
    usage: AiUsage


class AiModel(NamedTuple):
    """A model that sees pictures; prices in US dollars a token (`image_usd`: a picture).

    None: known only afterwards.
    """

    id: str
    name: str
    context_length: int
    prompt_usd: Decimal | None
    completion_usd: Decimal | None
    image_usd: Decimal | None
    is_structured: bool  # whether it responds by a schema


class WheelUploaded(NamedTuple):
    """The outcome of a wheel (its code) on the Lotto site; `detail` is for people, "" if none."""

    wheel: str
    is_done: bool
    detail: str = ""
