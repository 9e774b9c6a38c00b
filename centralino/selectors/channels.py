"""The channels of the PBX servers, as their listeners last saw them."""

from __future__ import annotations

from dataclasses import dataclass

from centralino.models import LiveState


@dataclass(frozen=True)
class Figures:
    """Channels of all servers; by server the AMI messages that callers had forged."""

    active: int
    dropped: dict[str, int]


def figures() -> Figures:
    """The current figures, in one query; a server out of sight has no channels."""
    states = list(LiveState.objects.filter(key__endswith=".ami").order_by("key"))
    return Figures(
        active=sum(int(state.known().get("count", 0)) for state in states),
        dropped={
            state.key.removesuffix(".ami"): int(state.document.get("dropped", 0))
            for state in states
        },
    )


def active_channels_count() -> int:
    """Channels of all servers; a server out of sight counts none."""
    return figures().active
