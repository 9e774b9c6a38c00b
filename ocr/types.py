"""What crosses a border of this app: records, Protocols, errors."""

from __future__ import annotations


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
