"""The channels of the PBX servers, as their listeners last saw them."""

from __future__ import annotations

from centralino.models import LiveState


def active_channels_count() -> int:
    """Channels of all servers; a server out of sight counts none."""
    states = LiveState.objects.filter(key__endswith=".ami")
    return sum(int(state.known().get("count", 0)) for state in states)
