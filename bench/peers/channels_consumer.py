"""The stock way: a Channels consumer per client, each a member of a channels_redis group."""

from __future__ import annotations

import json
import os
from typing import Any

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

GROUP = "calls"

settings.configure(
    SECRET_KEY="benchmark",
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # With redis-py's own limits 5 s without a message, or 100 sockets at work, end every
            # socket.
            "CONFIG": {
                "hosts": [
                    {
                        "address": os.environ["REDIS_URL"],
                        "socket_timeout": 60,
                        "max_connections": 10_000,
                    }
                ]
            },
        }
    },
)
django.setup()


class CallsConsumer(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def call_event(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message["event"], separators=(",", ":")))


application = ProtocolTypeRouter({"websocket": URLRouter([path("ws", CallsConsumer.as_asgi())])})
