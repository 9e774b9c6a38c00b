"""Which socket is at which path: the addresses that the apps' events name."""

from __future__ import annotations

from typing import Any

from django.urls import re_path
from django.utils.module_loading import autodiscover_modules

from core.realtime.events import Event
from core.sockets.consumers import EventConsumer, UnknownSocket

autodiscover_modules("events")
SOCKETS = sorted({event.socket for event in Event.known.values()} - {""})

websocket_urlpatterns: list[Any] = [
    *(re_path(rf"^{path[1:]}/?$", EventConsumer.as_asgi(address=path)) for path in SOCKETS),
    re_path(r"", UnknownSocket.as_asgi()),
]
