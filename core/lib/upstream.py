"""What goes wrong with an outside system; the messages are for people and hold no secret."""

from __future__ import annotations


class NotConfigured(Exception):
    """The settings name no such system."""


class UpstreamError(Exception):
    """It could not be reached, or sent no usable response.

    `retry_after_s`: trying again then may help. `is_refused`: because of what was sent.
    """

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, is_refused: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after_s, self.is_refused = retry_after_s, is_refused
