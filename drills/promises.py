"""What docs/architecture.md promises of each fault: the drills read it there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "architecture.md"
HEADING: Final = "| drill |"


@dataclass(frozen=True)
class Promise:
    """One row. Never lost, never doubled is promised of all."""

    drill: str
    reads: frozenset[str]  # outcomes of failed reads that may be seen; none: none fails
    may_resync: bool
    within_s: float  # until everything works again, after the fault is over
    one_active_s: float | None  # the longest time without exactly one active listener
    lines: int  # that one process may log


def promises(document: Path = DOCUMENT) -> dict[str, Promise]:
    """By drill. ValueError for a row that cannot be read."""
    text = document.read_text()
    table = text[text.index(HEADING) :].split("\n\n")[0].splitlines()[2:]
    found = [_row([cell.strip() for cell in line.strip("|").split("|")]) for line in table]
    return {one.drill: one for one in found}


def _row(cells: list[str]) -> Promise:
    name, _fault, reads, resync, within, one_active, lines = cells
    seen = {"none": set(), "refused": {"ConnectionError"}}.get(reads) or set(
        re.findall(r"\d{3}", reads)
    )
    if (reads != "none" and not seen) or resync not in ("no", "may be"):
        raise ValueError(f"no promise: {cells}")
    return Promise(
        drill=name.strip("`"),
        reads=frozenset(seen),
        may_resync=resync == "may be",
        within_s=float(within.removesuffix(" s")),
        one_active_s=float(one_active.removesuffix(" s")) if one_active else None,
        lines=int(lines),
    )
