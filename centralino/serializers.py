"""JSON documents of the PBX, in the spelling of the API reference."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import UNSET, UnsetType

from centralino.types import CallInProgress, ListedNumber
from core.api.documents import Document, like, one_of
from core.api.shapes import ARI_INSTANT, CURSOR, LOCAL_MICROSECOND, LOCAL_SECOND
from core.lib.days import zone
from core.lib.numbers import national

NEVER: Final = "2099-12-31 23:59:59"  # the reference's `expires_at` of a permanent entry


class ActiveCallDocument(Document, rename={"created": "duration"}):
    """A channel, as ARI reports it."""

    channel_id: Annotated[str, like("asterisk-pbx-1765265705.475")]
    name: Annotated[str, like("PJSIP/clouditalia-endpoint-000000ab")]
    state: Annotated[str, like("Up", "Down, Ring, Ringing, Up, ..., as Asterisk reports it")]
    caller: Annotated[str, like("3478893084", "Empty: withheld")]
    caller_name: Annotated[str, like("3478893084")]
    extension: Annotated[str, like("s")]
    context: Annotated[str, like("post-stasis")]
    application: Annotated[str, like("Queue", "Of the dialplan: Dial, Queue, Stasis, ...")]
    created: Annotated[
        str,
        like("2025-12-09T08:35:05.936+0100", "When the channel was made, as ARI reports it"),
        ARI_INSTANT,
    ]


class ActiveCallsDocument(Document):
    active_calls: list[ActiveCallDocument]
    count: Annotated[int, like(1)]


class EndpointDocument(Document):
    resource: Annotated[str, like("105")]
    state: Annotated[str, like("online", "online, offline or unknown")]
    channel_ids: Annotated[list[str], like(["asterisk-pbx-123.456"])]


class MonitorStatusDocument(Document):
    status: Annotated[str, one_of(["running", "degraded", "down", "disabled"])]
    websocket: Annotated[
        str, one_of(["connected", "disconnected"], "To ARI; connected: of all servers")
    ]
    stasis_calls: Annotated[int, like(0)]
    blacklisted_this_session: Annotated[int, like(15)]
    ws_clients: Annotated[int, like(1, "Open sockets at /jpbx-ws, of all processes")]
    timestamp: Annotated[
        str,
        like("2025-12-09T10:33:27.464463", "Europe/Rome, without a zone, as documented"),
        LOCAL_MICROSECOND,
    ]
    active_calls: Annotated[int, like(3)]


class ListedDocument(Document):
    """An entry of a list; times are Europe/Rome."""

    number: Annotated[str, like("3883666427", "Italian numbers without +39; a prefix ends in *")]
    reason: Annotated[str, like("answered-24h", "answered-24h, manual, manual-permanent, import")]
    created_at: Annotated[str, like("2025-12-09 07:48:07", "YYYY-MM-DD HH:MM:SS"), LOCAL_SECOND]
    expires_at: Annotated[
        str, like("2025-12-10 07:48:07", f"YYYY-MM-DD HH:MM:SS; {NEVER}: never"), LOCAL_SECOND
    ]
    permanent: Annotated[int, like(0, ge=0, le=1)]


class BlacklistDocument(Document):
    """Entries, newest first; `next` is the cursor of the following page."""

    blacklist: list[ListedDocument]
    count: Annotated[int, like(1)]
    next: Annotated[str, CURSOR] | UnsetType | None = UNSET


class AllowListDocument(Document):
    """Entries, newest first; `next` is the cursor of the following page."""

    allowlist: list[ListedDocument]
    count: Annotated[int, like(1)]
    next: Annotated[str, CURSOR] | UnsetType | None = UNSET


class BlacklistedDocument(Document):
    """The entry of a number; what follows `expires_at` are additions to the reference."""

    success: Annotated[bool, like(True)]
    number: Annotated[str, like("3331234567")]
    expires_at: Annotated[str, like("2025-12-10 11:30:00", "Europe/Rome"), LOCAL_SECOND]
    permanent: Annotated[int, like(0, ge=0, le=1)]
    created: Annotated[bool, like(True, "False: it was listed already")]
    prolonged: Annotated[bool, like(False, "True: its entry lasts longer now, or is permanent")]


class AllowedDocument(BlacklistedDocument):
    """The entry of a number, as in the blacklist."""


class ReleasedDocument(Document):
    success: Annotated[bool, like(True)]
    message: Annotated[str, like("Number removed from blacklist")]


class ReleasedNotFoundDocument(Document):
    detail: Annotated[str, like("Number not in blacklist")]


class DisallowedDocument(Document):
    success: Annotated[bool, like(True)]
    message: Annotated[str, like("Number removed from allowlist")]


class DisallowedNotFoundDocument(Document):
    detail: Annotated[str, like("Number not in allowlist")]


def call_fields(call: CallInProgress) -> dict[str, Any]:
    """A call in progress, as the dashboard shows it. `started` is in epoch seconds."""
    return {
        "key": f"{call.server}:{call.linkedid}",
        "line": call.exten,
        "caller": call.caller,
        "operator": ", ".join(call.parties),
        "state": "Ringing" if call.answered_at is None else "Pending",
        "started": int(call.started_at),
    }


def entry_document(entry: ListedNumber) -> ListedDocument:
    """`number` as Italians write it, both times local, `permanent` as 0 or 1."""
    return ListedDocument(
        number=national(entry.number),
        reason=entry.reason,
        created_at=_local_time(entry.created_at),
        expires_at=_local_time(entry.expires_at) if entry.expires_at else NEVER,
        permanent=int(entry.expires_at is None),
    )


def _local_time(at: datetime) -> str:
    return f"{at.astimezone(zone()):%Y-%m-%d %H:%M:%S}"
