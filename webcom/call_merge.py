"""Merge two updates of one call. Pure, and independent of the order in which they arrive."""

from __future__ import annotations

from typing import Final

import msgspec
import orjson

from webcom.types import CallRecord

_TEXTS: Final = (
    "line_id",
    "line_number",
    "line_type",
    "direction",
    "caller",
    "called",
    "caller_operator",
)
_OPTIONALS: Final = ("cost", "duration_s", "ended_at")


def merged(old: CallRecord | None, new: CallRecord) -> CallRecord:
    """The call after the update `new`; it is `old` itself when `new` adds nothing.

    The update of the later stage wins, then the one of the higher revision, then the newest: states
    never go backwards. Fields that the winner leaves out come from the other update.
    """
    if old is None or old == new:
        return old or new
    winner, loser = (new, old) if _is_later(new, old) else (old, new)
    changes: dict[str, object] = {f: getattr(loser, f) for f in _TEXTS if not getattr(winner, f)}
    changes |= {f: getattr(loser, f) for f in _OPTIONALS if getattr(winner, f) is None}
    changes["revision"] = winner.revision or loser.revision
    changes["extra"] = _merged_extra(loser.extra, winner.extra)
    result = msgspec.structs.replace(winner, **changes)
    return old if result == old else result


def _is_later(new: CallRecord, old: CallRecord) -> bool:
    if new.stage != old.stage:
        return new.stage > old.stage
    return new.revision >= old.revision or new.revision == 0


def _merged_extra(loser: str, winner: str) -> str:
    if winner == loser or loser == "{}":
        return winner
    if winner == "{}":
        return loser
    return orjson.dumps(
        orjson.loads(loser) | orjson.loads(winner), option=orjson.OPT_SORT_KEYS
    ).decode()
