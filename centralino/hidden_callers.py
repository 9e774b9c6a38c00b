"""Callers who hide their number: it is masked in all that is passed on of their calls.

Asterisk describes a channel before it knows whether its caller hides the number. So what is said of
a new caller is held back until that is known, or for HOLD_S. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, Final, TypeVar

from centralino.types import AmiMessage
from core.lib.numbers import is_withheld, masked, notations

HOLD_S: Final = 0.25
KEPT_S: Final = 5.0  # after a caller's end: the other channels of the call are still described
PRESENTATION: Final = "CALLERID(num-pres)"
PROHIBITED: Final = "prohib"  # prohib, prohib_passed_screen, ...
MIN_MASKED: Final = 5  # characters; less is no number of the public network
_VARIABLE: Final = f"{PRESENTATION}="
_RESTRICTION, _RESTRICTED = 0x60, 0x20  # bits of CID-CallingPres
T = TypeVar("T")


class HiddenCallers:
    """Who hides the number on one server; times are seconds of any clock."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}  # by channel
        self._over: dict[str, float] = {}  # channels that are gone, and when to forget them
        self._held: dict[str, tuple[float, list[Any]]] = {}  # by channel: since when, what
        self._pattern: re.Pattern[str] | None = None  # of every hidden number

    def pass_on(
        self, what: T, at: float, *, channel: str, number: str, hidden: bool | None, begins: bool
    ) -> list[T]:
        """What may be passed on now, masked: nothing, `what`, or all that was held with it.

        `hidden` is what it says of the caller of `channel`, who has `number`; None: nothing.
        A caller who `begins` is held back unless it says that the number is hidden.
        """
        if hidden:
            self._hide(channel, number)
        elif begins and not is_withheld(number):
            self._held.setdefault(channel, (at, []))[1].append(what)
            return []
        if channel not in self._held:
            return [self.masked(what)]
        self._held[channel][1].append(what)
        return self._released(channel) if hidden is not None else []

    def resolve(self, channel: str, number: str, *, hidden: bool) -> list[Any]:
        """What was held back of the caller, of whom it is now known."""
        if hidden:
            self._hide(channel, number)
        return self._released(channel)

    def due(self, at: float) -> list[Any]:
        """What has been held back for long enough: nothing says that the number is hidden."""
        late = [channel for channel, (since, _) in self._held.items() if at - since >= HOLD_S]
        return [what for channel in late for what in self._released(channel)]

    def end(self, channel: str, at: float) -> None:
        """The channel is gone; its number is forgotten a little later."""
        self._forget([other for other, until in self._over.items() if until <= at])
        if channel in self._numbers:
            self._over[channel] = at + KEPT_S

    def keep(self, channels: Collection[str]) -> None:
        """Only these channels exist: of others the end was missed."""
        self._forget(self._numbers.keys() - set(channels))

    def masked(self, what: T) -> T:
        """`what`, a text, a message or JSON, without any number that is hidden now."""
        return what if self._pattern is None else _masked(what, self._pattern)

    def _released(self, channel: str) -> list[Any]:
        _, held = self._held.pop(channel, (0.0, []))
        return [self.masked(what) for what in held]

    def _hide(self, channel: str, number: str) -> None:
        if self._numbers.get(channel) != number and len(number) >= MIN_MASKED and "*" not in number:
            self._numbers[channel] = number
            self._compile()

    def _forget(self, channels: Iterable[str]) -> None:
        if gone := list(channels):
            for channel in gone:
                self._numbers.pop(channel, None)
                self._over.pop(channel, None)
            self._compile()

    def _compile(self) -> None:
        spelled = {one for number in self._numbers.values() for one in notations(number)}
        longest = sorted((one for one in spelled if len(one) >= MIN_MASKED), key=len, reverse=True)
        text = "|".join(map(re.escape, longest))
        self._pattern = re.compile(rf"(?<![\d+])(?:{text})(?!\d)") if longest else None


def of_message(message: AmiMessage) -> bool | None:
    """Whether by an AMI message its caller hides the number; None: it does not say."""
    for variable in message.all("chanvariable"):
        if variable.startswith(_VARIABLE):
            return variable.removeprefix(_VARIABLE).startswith(PROHIBITED)
    code = message.get("cid-callingpres", "").partition(" ")[0]
    if code.isascii() and code.isdigit() and len(code) <= 3:
        return int(code) & _RESTRICTION == _RESTRICTED
    return None


def of_channel(channel: dict[str, Any], presentation: str) -> bool | None:
    """The same of an ARI channel; `presentation` is what its dialplan has passed on, or ''."""
    said = presentation or str((channel.get("channelvars") or {}).get(PRESENTATION) or "")
    return said.startswith(PROHIBITED) if said else None


def _masked(what: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(what, str):
        return pattern.sub(lambda found: masked(found[0]), what)
    if isinstance(what, AmiMessage):
        message = AmiMessage({name: _masked(value, pattern) for name, value in what.items()})
        message.repeated = _masked(dict(what.repeated), pattern)
        return message
    if isinstance(what, dict):
        return {name: _masked(value, pattern) for name, value in what.items()}
    return [_masked(one, pattern) for one in what] if isinstance(what, list) else what
