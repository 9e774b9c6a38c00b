"""A television channel with the draw of the evening, live over HLS.

A segment is drawn and encoded on request, so that a channel that nobody watches costs nothing. Its
numbering follows the machine's own clock; the programme follows the time of day, or the controls.
Protocol: `docs/upstreams/stream.md`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from aiohttp import web

from sandbox import ROME, programme
from sandbox.app import CONTROL, Upstream, json_body, json_response
from sandbox.programme import Scene

if TYPE_CHECKING:
    from sandbox.pictures import Pixels

    DrawScene = Callable[[Scene, tuple[int, int]], Pixels]

PREFIX: Final = "/tv"
SEGMENT_S: Final = 2.0
PICTURES_PER_S: Final = 5
PLAYLIST_SEGMENTS: Final = 5
CACHED_SEGMENTS: Final = 12
HANG_S: Final = 3600.0
RESTART_FIELDS: Final = {"programme", "day", "from_s", "to_s", "speed"}  # restart the programme
FIRST_DAY: Final = date(1939, 2, 1)
Programme = Literal["live", "evening", "adverts", "presenter", "board", "yesterday"]
Trouble = Literal["", "stall", "hang", "cut", "gap"]
Quality = Literal["1080", "720", "low"]


@dataclass(frozen=True)
class Steering:
    """What is on, and how it is sent. `live` is what the time of day says."""

    programme: Programme = "live"
    day: date | None = None  # whose draw; None: today's
    dated: date | None = None  # which day the board names; None: that of the draw
    from_s: float = 40.0  # of the evening, where `evening` begins
    to_s: float | None = None  # of the evening, where it stands still; None: it goes on
    speed: float = 1.0  # of the evening
    quality: Quality = "720"
    blur: bool = False
    trouble: Trouble = ""
    trouble_s: float | None = None  # how long it lasts; None: until changed


class TelevisionServer:
    """One channel. Its numbering goes on when the sandbox is started again, unless `restart`ed."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        segment_s: float = SEGMENT_S,
        draw: DrawScene | None = None,
    ) -> None:
        """`draw` makes the picture of a scene; None: as a viewer would see it."""
        self.clock = clock
        self.request_count = 0  # since it was last steered
        self._draw = draw
        self._segment_s = segment_s
        self._steering = Steering()
        self._began_at = self._steered_at = self._now()  # the programme, the trouble
        self._first = 0  # the segment, by the machine's clock, that is number 0
        self._encoded: OrderedDict[int, bytes] = OrderedDict()
        self._encoding = asyncio.Lock()

    def upstream(self) -> Upstream:
        """The channel, for `sandbox.app.build_app`."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/live.m3u8", self._playlist, name="tv.playlist"),
                web.get(r"/{number:\d+}.ts", self._segment, name="tv.segment"),
            ]
        )
        return Upstream(
            "television",
            PREFIX,
            app,
            [
                web.get(f"{CONTROL}/television", self._state),
                web.post(f"{CONTROL}/television", self._steer),
            ],
            {
                f"GET {CONTROL}/television": "what is on",
                f"POST {CONTROL}/television": '{"programme": "evening", "speed": 20}: of '
                f"{_options(Programme)}; `day` of the draw (2026-11-26, null: today's), "
                "`dated` on the board (null: as the draw), `from_s` "
                f"of the evening to `to_s` (null: to its end), `speed` of it, `quality` "
                f"({_options(Quality)}), `blur`, "
                f"`trouble` ({_options(Trouble)}) for `trouble_s`; "
                '{"restart": true}: the numbering starts again. Other fields keep their values',
            },
        )

    def steer(self, *, restart: bool = False, **changes: Any) -> None:
        """Change fields of `Steering` from now on; the others keep their values."""
        self._steering = replace(self._steering, **changes)
        self._steered_at = self._now()
        self.request_count = 0
        if not changes.keys().isdisjoint(RESTART_FIELDS):
            self._began_at = self._steered_at
        if restart:
            self._first = self._newest()
        self._encoded.clear()

    def scene(self, moment: float) -> Scene:
        """What is on at a moment (s) of the machine's clock."""
        scene = self._scene(moment)
        return scene._replace(day=self._steering.dated or scene.day)

    def _scene(self, moment: float) -> Scene:
        steering, wall = self._steering, self.clock() + moment - self._now()
        now = datetime.fromtimestamp(wall, ROME)
        day = steering.day or now.date()
        into_s = max(moment - self._began_at, 0.0) * steering.speed
        match steering.programme:
            case "evening":
                ends_s = math.inf if steering.to_s is None else steering.to_s
                return programme.evening(min(steering.from_s + into_s, ends_s), day)
            case "board":
                return programme.board(day, f"{now:%H:%M}")
            case "yesterday":
                return programme.board(programme.draws.before(day), f"{now:%H:%M}")
            case "adverts":
                number = int(moment / programme.ADVERT_S) % programme.ADVERTS
                return Scene("advert", day, number=number)
            case "presenter":
                return Scene("presenter", day, f"{now:%H:%M}")
        return programme.on_the_air(now, steering.day)

    def trouble(self) -> Trouble:
        """The channel's current trouble."""
        lasts_s = self._steering.trouble_s
        is_past = lasts_s is not None and self._now() >= self._steered_at + lasts_s
        return "" if is_past else self._steering.trouble

    @staticmethod
    def _now() -> float:
        return time.monotonic()

    def _newest(self) -> int:
        """The last segment that is whole, by the machine's clock."""
        now = self._steered_at if self.trouble() == "stall" else self._now()
        return int(now / self._segment_s) - 1

    async def _playlist(self, request: web.Request) -> web.StreamResponse:
        await self._apply_trouble(request)
        last = self._newest() - self._first
        first = max(last - PLAYLIST_SEGMENTS + 1, 0)
        target_s = max(round(self._segment_s), 1)
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{target_s}"]
        lines.append(f"#EXT-X-MEDIA-SEQUENCE:{first}")
        for number in range(first, last + 1):
            lines += [f"#EXTINF:{self._segment_s:.3f},", f"{number}.ts"]
        return web.Response(
            text="\n".join([*lines, ""]),
            content_type="application/vnd.apple.mpegurl",
            headers={"Cache-Control": "no-cache"},
        )

    async def _segment(self, request: web.Request) -> web.StreamResponse:
        await self._apply_trouble(request)
        public_number = int(request.match_info["number"])
        number, newest = public_number + self._first, self._newest()
        is_missing = self.trouble() == "gap" and public_number % 2
        if is_missing or not newest - 2 * PLAYLIST_SEGMENTS < number <= newest:
            raise web.HTTPNotFound(text="There is no such segment")
        async with self._encoding:
            if number not in self._encoded:
                self._encoded[number] = await asyncio.to_thread(self._video, number)
                while len(self._encoded) > CACHED_SEGMENTS:
                    self._encoded.popitem(last=False)
            body = self._encoded[number]
        return web.Response(body=body, content_type="video/mp2t")

    def _video(self, number: int) -> bytes:
        from sandbox import pictures  # heavy, and needed only for viewers

        quality = pictures.QUALITIES[self._steering.quality]
        begins = number * self._segment_s
        moments = [
            begins + step / PICTURES_PER_S
            for step in range(round(self._segment_s * PICTURES_PER_S))
        ]
        draw = self._draw or pictures.drawn
        images = [draw(self.scene(moment), quality.size) for moment in moments]
        if self._steering.blur:
            images = [pictures.blurred(image) for image in images]
        return pictures.encoded(images, begins_s=begins, rate=PICTURES_PER_S, crf=quality.crf)

    async def _apply_trouble(self, request: web.Request) -> None:
        self.request_count += 1
        trouble = self.trouble()
        if trouble == "hang":
            await asyncio.sleep(HANG_S)
        if trouble == "cut" and request.transport is not None:
            request.transport.abort()

    async def _state(self, request: web.Request) -> web.Response:
        scene = self.scene(self._now())
        on = {"kind": scene.kind, "draw_of": scene.day, "wheels": dict(scene.wheels)}
        return json_response(
            {**asdict(self._steering), "suffers": self.trouble(), "on_the_air": on}
        )

    async def _steer(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        try:
            self.steer(restart=body.pop("restart", False) is True, **_read(body))
        except (TypeError, ValueError) as exc:
            raise web.HTTPBadRequest(text=str(exc)) from None
        return await self._state(request)


def _read(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request. ValueError or TypeError for an impossible one."""
    choices = {"programme": Programme, "quality": Quality, "trouble": Trouble}
    for name, value in body.items():
        if name in choices and value not in get_args(choices[name]):
            raise ValueError(f"{name} must be one of {_options(choices[name])}")
        if name in ("from_s", "speed") and not _is_number(value):
            raise ValueError(f"{name} must be a number from 0 on")
        if name in ("to_s", "trouble_s") and value is not None and not _is_number(value):
            raise ValueError(f"{name} must be a number from 0 on, or null")
        if name == "blur" and type(value) is not bool:
            raise ValueError("blur must be true or false")
    for name in ("day", "dated"):
        if body.get(name) is not None:
            body[name] = date.fromisoformat(body[name])
            if body[name] < FIRST_DAY:
                raise ValueError(f"{name} must be {FIRST_DAY} or later")
    return body


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1e6


def _options(choices: Any) -> str:
    return ", ".join(one or '""' for one in get_args(choices))
