"""Pictures off a live stream (HLS) whose server may be slow, lie, never end or lead elsewhere.

What is fetched, and how much of it, is decided here; PyAV decodes what is in memory and opens
nothing. Why: `docs/decisions/0014-own-hls-fetching.md`.
"""

from ocr.clients.stream.fetch import checked_url
from ocr.clients.stream.live import Frame, HlsStream

__all__ = ["Frame", "HlsStream", "checked_url"]
