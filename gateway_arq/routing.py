"""Which socket is at which path."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from core.sockets.consumers import GatewaySocket, SwitchboardSocket, UnknownSocket

websocket_urlpatterns: list[Any] = [
    re_path(r"^ws/?$", GatewaySocket.as_asgi()),
    re_path(r"^jpbx-ws/?$", SwitchboardSocket.as_asgi()),
    re_path(r"", UnknownSocket.as_asgi()),
]
