"""Whether a caller may ring, decided from memory in microseconds. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from centralino.types import MAX_REPEATED_S, Decision, Verdict, Why
from core.lib.numbers import comparable, e164, is_foreign, is_impossible, is_short
from core.lib.texts import is_plain

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
    block_foreign: bool = False
    foreign_except: tuple[str, ...] = ()  # how numbers of other countries begin: +41
    block_impossible: bool = False
    block_short: bool = False
    block_repeated: bool = False
    repeated_s: int = 60


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
        whole = comparable(number)
        for length in self._lengths:
            begin = whole[:length]
            if self._prefixes.get(begin, 0) > now and (length > 1 or is_foreign(number)):
                return f"{begin}*"
        return ""

    def drop_expired(self, now: float) -> None:
        """Remove the expired entries."""
        for number in [number for number, until in self._until.items() if until <= now]:
            del self._until[number]
        for prefix in [prefix for prefix, until in self._prefixes.items() if until <= now]:
            del self._prefixes[prefix]


class Recent:
    """When each caller of a line was last let through, and on which channel."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], tuple[float, str]] = {}  # the oldest first

    def note(self, line: str, number: str, at: float, channel_id: str) -> None:
        """The caller was let through at `at` (epoch seconds); forgets what is too long ago."""
        self._calls.pop((line, number), None)
        self._calls[line, number] = at, channel_id
        while self._calls[oldest := next(iter(self._calls))][0] < at - MAX_REPEATED_S:
            del self._calls[oldest]

    def has(self, line: str, number: str, channel_id: str, *, since: float) -> bool:
        """Whether the caller was let through since then, in another call than this one."""
        at, channel = self._calls.get((line, number), (0.0, channel_id))
        return channel != channel_id and at > since


class Screening:
    """The two lists and the rules in memory, and who was let through in the last hour."""

    def __init__(self) -> None:
        self.blocked, self.allowed = Numbers(), Numbers()
        self.recent = Recent()
        self._rules: dict[str, Rule] = {}
        self._usual = Rule()

    def set_rules(self, rules: Iterable[tuple[str, Rule]]) -> None:
        """Replace the rules; the called number is in any notation, '' is for all other lines."""
        by_line = dict(rules)
        self._usual = by_line.pop("", Rule())
        self._rules = {line_of(called): rule for called, rule in by_line.items()}

    def rule(self, called: str) -> Rule:
        """The rule of the line that was called."""
        return self._rules.get(line_of(called), self._usual)

    def decide(
        self,
        caller: str,
        called: str,
        now: float,
        *,
        channel_id: str = "",
        said: Iterable[str] = (),
        without_plus: bool = False,
    ) -> Decision:
        """Whether a caller, as sent by Asterisk, may ring `called` at `now` (epoch seconds).

        `said` is what else the caller sent. A control character in any of it is an attack on what
        reads it: refused whatever the rule and the lists say. `without_plus`: numbers come as
        E.164 without +.
        """
        if not all(map(is_plain, (caller, called, *said))):
            return Decision(Verdict.BLOCKED, Why.FORGED, "")
        rule, number = self.rule(called), e164(caller, without_plus=without_plus)
        if not rule.enabled:
            return Decision(Verdict.PASSED, Why.OFF, number)
        if not number:
            verdict = Verdict.BLOCKED if rule.block_anonymous else Verdict.PASSED
            return Decision(verdict, Why.ANONYMOUS if rule.block_anonymous else Why.CLEAN, "")
        if entry := self.allowed.match(number, now):
            return Decision(Verdict.PASSED, Why.ALLOWED, number, entry)
        if rule.block_listed and (entry := self.blocked.match(number, now)):
            return Decision(Verdict.BLOCKED, Why.LISTED, number, entry)
        if why := _refused_class(rule, number):
            return Decision(Verdict.BLOCKED, why, number)
        if rule.block_repeated:
            line = line_of(called)
            if self.recent.has(line, number, channel_id, since=now - rule.repeated_s):
                return Decision(Verdict.BLOCKED, Why.REPEATED, number)
            self.recent.note(line, number, now, channel_id)
        return Decision(Verdict.PASSED, Why.CLEAN, number)


def line_of(called: str) -> str:
    """The line that was called, as rules know it: its number, or the extension's name."""
    return e164(called) or called


def _refused_class(rule: Rule, number: str) -> Why | None:
    """The class of callers that the rule refuses and the number belongs to."""
    if rule.block_foreign and is_foreign(number) and not number.startswith(rule.foreign_except):
        return Why.FOREIGN
    if rule.block_impossible and is_impossible(number):
        return Why.IMPOSSIBLE
    return Why.SHORT if rule.block_short and is_short(number) else None


def _key(number: str) -> int:
    """A number as an int: half the memory of its text. Internal ones are negative."""
    return int(number[1:]) if number.startswith("+") else -int(f"1{number}")
