"""How often a wheel was looked at, and what that amounts to. Pure.

A look is a frame in which the vote over three frames and a fresh reading, which finds the board and
its cells anew, say something of the same wheel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Numbers = tuple[int, ...]


@dataclass
class Looks:
    """One wheel's."""

    agreed: dict[Numbers, int] = field(default_factory=dict)  # both said so
    contradicted: int = 0  # they said different numbers, each of them sure

    def count(self, voted: Numbers, fresh: Sequence[int] | None) -> None:
        """Note a look; `fresh` is None where the second reading was in doubt, which counts not."""
        if fresh is None:
            return
        if tuple(fresh) == voted:
            self.agreed[voted] = self.agreed.get(voted, 0) + 1
        else:
            self.contradicted += 1

    def taken(self) -> Numbers | None:
        """The numbers that more than twice as many looks say as say anything else."""
        if not self.agreed:
            return None
        best = max(self.agreed, key=lambda numbers: self.agreed[numbers])
        others = sum(self.agreed.values()) - self.agreed[best] + self.contradicted
        return best if self.agreed[best] > 2 * others else None

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        told = {" ".join(map(str, numbers)): count for numbers, count in self.agreed.items()}
        return {"agreed": told, "contradicted": self.contradicted}

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> Looks:
        """From what `stored` gave; from nothing, none."""
        agreed = {
            tuple(map(int, numbers.split())): count
            for numbers, count in stored.get("agreed", {}).items()
        }
        return cls(agreed, stored.get("contradicted", 0))
