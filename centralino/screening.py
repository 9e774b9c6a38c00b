"""Whether a caller may ring, decided from memory in microseconds. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from centralino.numbers import e164, has_control
from centralino.types import Decision, Verdict, Why

PERMANENT: Final = 1 << 40  # epoch seconds


@dataclass(frozen=True)
class Rule:
    """How callers of one line are screened."""

    enabled: bool = True
    block_anonymous: bool = True
    block_listed: bool = True
    answered_hours: int = 24
    hangup_reason: str = "normal"
    sound: str = ""


class Numbers:
    """Numbers and prefixes with their expiry (epoch seconds); a million need about 130 MB."""

    def __init__(self) -> None:
        self._until: dict[int, int] = {}
        self._prefixes: dict[str, int] = {}
        self._lengths: list[int] = []  # of the prefixes, the longest first

    def __len__(self) -> int:
        return len(self._until) + len(self._prefixes)

    def put(self, number: str, until: int) -> None:
        """Add a canonical number or prefix until then."""
        if number.endswith("*"):
            self._prefixes[number[:-1]] = until
            self._lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)
        else:
            self._until[_key(number)] = until

    def match(self, number: str, now: float) -> str:
        """The number, or the longest prefix of it, that counts now; '' if there is none."""
        if self._until.get(_key(number), 0) > now:
            return number
        for length in self._lengths:
            if self._prefixes.get(number[:length], 0) > now:
                return f"{number[:length]}*"
        return ""

    def drop_expired(self, now: float) -> None:
        """Remove the expired entries."""
        for number in [number for number, until in self._until.items() if until <= now]:
            del self._until[number]
        for prefix in [prefix for prefix, until in self._prefixes.items() if until <= now]:
            del self._prefixes[prefix]


class Screening:
    """The two lists and the rules in memory."""

    def __init__(self) -> None:
        self.blocked, self.allowed = Numbers(), Numbers()
        self._rules: dict[str, Rule] = {}
        self._usual = Rule()

    def set_rules(self, rules: Iterable[tuple[str, Rule]]) -> None:
        """Replace the rules; the called number is in any notation, '' is for all other lines."""
        by_line = dict(rules)
        self._usual = by_line.pop("", Rule())
        self._rules = {e164(called) or called: rule for called, rule in by_line.items()}

    def rule(self, called: str) -> Rule:
        """The rule of the line that was called."""
        return self._rules.get(e164(called) or called, self._usual)

    def decide(self, caller: str, called: str, now: float, *, said: Iterable[str] = ()) -> Decision:
        """Whether a caller, as sent by Asterisk, may ring `called` at `now` (epoch seconds).

        `said` is what else the caller sent. A control character in any of it is an attack on what
        reads it: refused whatever the rule and the lists say.
        """
        if any(map(has_control, (caller, called, *said))):
            return Decision(Verdict.BLOCKED, Why.FORGED, "")
        rule, number = self.rule(called), e164(caller)
        if not rule.enabled:
            return Decision(Verdict.PASSED, Why.OFF, number)
        if not number:
            verdict = Verdict.BLOCKED if rule.block_anonymous else Verdict.PASSED
            return Decision(verdict, Why.ANONYMOUS if rule.block_anonymous else Why.CLEAN, "")
        if entry := self.allowed.match(number, now):
            return Decision(Verdict.PASSED, Why.ALLOWED, number, entry)
        if rule.block_listed and (entry := self.blocked.match(number, now)):
            return Decision(Verdict.BLOCKED, Why.LISTED, number, entry)
        return Decision(Verdict.PASSED, Why.CLEAN, number)


def _key(number: str) -> int:
    """A number as an int: half the memory of its text. Internal ones are negative."""
    return int(number[1:]) if number.startswith("+") else -int(f"1{number}")
