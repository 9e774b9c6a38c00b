"""Pictures off a live stream (HLS) whose server may be slow, lie, never end or lead elsewhere.

What is fetched, and how much of it, is decided here; PyAV decodes what is in memory and opens
nothing. Why: `docs/decisions/0014-own-hls-fetching.md`.
"""

from typing import TYPE_CHECKING, Any

from ocr.clients.stream.fetch import checked_url

if TYPE_CHECKING:
    from ocr.clients.stream.live import Frame, HlsStream

__all__ = ["Frame", "HlsStream", "checked_url"]


def __getattr__(name: str) -> Any:
    """What needs PyAV is loaded when it is wanted: 17 MB that most processes never use."""
    if name not in ("Frame", "HlsStream"):
        raise AttributeError(name)
    from ocr.clients.stream import live

    return getattr(live, name)
