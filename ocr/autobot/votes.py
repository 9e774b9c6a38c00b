"""How often a wheel was checked on the stream, and which numbers follow. Pure.

A check is a frame in which the vote over three frames and a fresh reading, which finds the board
and its cells anew, both have numbers of the wheel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Numbers = tuple[int, ...]


@dataclass
class FrameChecks:
    """The checks of one wheel."""

    agreed: dict[Numbers, int] = field(default_factory=dict)  # vote and fresh reading were the same
    contradicted: int = 0  # they differed, and both were sure

    def count(self, voted: Numbers, fresh: Sequence[int] | None) -> None:
        """Count a check; without a sure `fresh` reading it counts for nothing."""
        if fresh is None:
            return
        if tuple(fresh) == voted:
            self.agreed[voted] = self.agreed.get(voted, 0) + 1
        else:
            self.contradicted += 1

    def accepted(self) -> Numbers | None:
        """The numbers for which there are more than twice as many checks as for anything else."""
        if not self.agreed:
            return None
        best = max(self.agreed, key=lambda numbers: self.agreed[numbers])
        others = sum(self.agreed.values()) - self.agreed[best] + self.contradicted
        return best if self.agreed[best] > 2 * others else None

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        agreed = {" ".join(map(str, numbers)): count for numbers, count in self.agreed.items()}
        return {"agreed": agreed, "contradicted": self.contradicted}

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> FrameChecks:
        """From what `stored` returned; from nothing, none."""
        agreed = {
            tuple(map(int, numbers.split())): count
            for numbers, count in stored.get("agreed", {}).items()
        }
        return cls(agreed, stored.get("contradicted", 0))
