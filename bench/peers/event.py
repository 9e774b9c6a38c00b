"""The event that every server of the fan-out benchmark sends: 300 bytes of JSON and its time."""

from __future__ import annotations

import json
import time

SIZE = 300
TYPE = "call_event_realtime"
_CALL = {
    "lineID": "Sickprod90TLW",
    "state": "Pending",
    "direction": "Entering",
    "caller": "331234567",
    "called": "899748963",
    "callerOperator": "TIM",
    "cost": 0.15,
    "lineNumber": "899748963",
}


def event(number: int) -> dict[str, object]:
    """One event as a dict; `made` is in ns since 1970, by the clock that its clients share."""
    fields = {"type": TYPE, "made": time.time_ns(), "id": f"{number:024x}", **_CALL, "note": ""}
    fields["note"] = "x" * (SIZE - len(json.dumps(fields, separators=(",", ":"))))
    return fields


def event_json(number: int) -> str:
    """The same as JSON."""
    return json.dumps(event(number), separators=(",", ":"))
