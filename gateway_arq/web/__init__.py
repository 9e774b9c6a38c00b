"""What stands between the network and Django: connections, bodies, threads (decision 24)."""

from __future__ import annotations

from typing import Final

ALIVE: Final = b'{"status":"alive"}'  # what /livez says, whoever answers it
