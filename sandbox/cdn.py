"""A streaming network in front of an invented audience: an Owncast and an nginx-rtmp.

The audience is a function of time: the same for every request of one moment, in every process, and
similar from day to day. Protocols: `docs/upstreams/cdn.md`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape

from aiohttp import web

from sandbox import ROME
from sandbox.app import CONTROL, Upstream, json_body, json_response

PREFIX: Final = "/cdn"
STREAMS: Final = {"main": 1.0, "second": 0.35}  # name: share of the audience
# Viewers at each full hour of an ordinary day, and once more at midnight.
DAY: Final = (
    14,
    9,
    6,
    5,
    5,
    6,
    9,
    16,
    26,
    34,
    40,
    48,
    66,
    60,
    45,
    40,
    42,
    52,
    70,
    96,
    130,
    104,
    66,
    32,
    14,
)
HOURS: Final = tuple(pairwise(DAY))
DRAW_AT_S: Final = 20 * 3600 + 180  # most people watch the board three minutes after the hour
DRAW_CROWD: Final = 110
DRAW_LASTS_S: Final = 420.0
NOISE: Final = ((37.0, 0.015), (211.0, 0.03), (1_709.0, 0.05))  # period (s), share of viewers


def audience(at: float, *, stream: str = "main") -> int:
    """How many watch at that moment (epoch s)."""
    local = datetime.fromtimestamp(at, ROME)
    second = local.hour * 3600 + local.minute * 60 + local.second
    before, after = HOURS[local.hour]
    usual = before + (after - before) * (second % 3600) / 3600
    crowd = DRAW_CROWD * math.exp(-(((second - DRAW_AT_S) / DRAW_LASTS_S) ** 2))
    day_factor = 1 + 0.1 * math.sin(local.toordinal() * 2.4)  # no day is like the one before
    phase = len(stream)
    noise = sum(share * math.sin(at / period * math.tau + phase) for period, share in NOISE)
    return max(0, round((usual + crowd) * day_factor * (1 + noise) * STREAMS.get(stream, 0.5)))


class CdnServer:
    """Serves any requested stream; those of STREAMS are also listed."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.fixed: dict[str, int] = {}  # streams whose audience was set by hand
        self.off_air: set[str] = set()

    def upstream(self) -> Upstream:
        """The streaming network, for `sandbox.app.build_app`."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/stat", self._stat, name="cdn.stat"),
                web.get("/{stream}/api/status", self._status, name="cdn.status"),
            ]
        )
        return Upstream(
            "cdn",
            PREFIX,
            app,
            [web.post(f"{CONTROL}/cdn/{{stream}}", self._steer)],
            {
                f"POST {CONTROL}/cdn/{{stream}}": '{"viewers": 50} fixes the audience, null lets '
                'it move again; {"online": false} takes the stream off the air'
            },
        )

    def viewers(self, stream: str) -> int:
        """How many watch the stream now; 0 when it is off the air."""
        if stream in self.off_air:
            return 0
        return self.fixed.get(stream, audience(self.clock(), stream=stream))

    async def _status(self, request: web.Request) -> web.Response:
        stream = request.match_info["stream"]
        viewers = self.viewers(stream)
        since = datetime.fromtimestamp(self.clock() // 86_400 * 86_400, UTC)
        return json_response(
            {
                "serverTime": datetime.fromtimestamp(self.clock(), UTC),
                "lastConnectTime": since,
                "lastDisconnectTime": None,
                "versionNumber": "sandbox",
                "streamTitle": stream,
                "viewerCount": viewers,
                "overallMaxViewerCount": 500,
                "sessionMaxViewerCount": max(viewers, 250),
                "online": stream not in self.off_air,
            }
        )

    async def _stat(self, request: web.Request) -> web.Response:
        streams = "".join(
            f"<stream><name>{escape(name)}</name><nclients>{self.viewers(name) + 1}</nclients>"
            "<publishing/><active/></stream>"
            for name in STREAMS
            if name not in self.off_air
        )
        body = (
            '<?xml version="1.0" encoding="utf-8" ?><rtmp><server><application><name>live</name>'
            f"<live>{streams}</live></application></server></rtmp>"
        )
        return web.Response(text=body, content_type="text/xml")

    async def _steer(self, request: web.Request) -> web.Response:
        stream, body = request.match_info["stream"], await json_body(request)
        viewers = body.get("viewers")
        if viewers is not None and (type(viewers) is not int or viewers < 0):
            raise web.HTTPBadRequest(text="viewers must be a whole number of at least 0, or null")
        if "viewers" in body:
            self.fixed.pop(stream, None)
            if viewers is not None:
                self.fixed[stream] = viewers
        if "online" in body:
            (self.off_air.discard if body["online"] else self.off_air.add)(stream)
        state = {"viewers": self.viewers(stream), "online": stream not in self.off_air}
        return json_response({"stream": stream, **state})
