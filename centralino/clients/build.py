"""The AMI client named by the setting `AMI_CLIENT`."""

from __future__ import annotations

from typing import Final

from centralino.clients.ami import AsyncioAmi
from centralino.clients.pyst2 import Pyst2Ami
from centralino.types import ConnectAmi

CLIENTS: Final[dict[str, ConnectAmi]] = {"asyncio": AsyncioAmi, "pyst2": Pyst2Ami}


def build_ami(client: str) -> ConnectAmi:
    """The function that connects with the client of that name (`settings.AMI_CLIENT`)."""
    return CLIENTS[client]
