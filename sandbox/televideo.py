"""A text page with the day's draw, as Televideo has it: the gateway's second source.

Protocol: `docs/upstreams/witness.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from html import escape
from typing import Final

from aiohttp import web

from sandbox import ROME, draws
from sandbox.app import CONTROL, Upstream, json_body, json_response

PREFIX: Final = "/televideo"
PUBLISHED: Final = timedelta(hours=20, minutes=5)  # after midnight, on the day of the draw
NAMES: Final = {
    "BA": "BARI", "CA": "CAGLIARI", "FI": "FIRENZE", "GE": "GENOVA", "MI": "MILANO", "NA": "NAPOLI",
    "PA": "PALERMO", "RM": "ROMA", "TO": "TORINO", "VE": "VENEZIA", "RN": "NAZIONALE",
}  # fmt: skip


class TelevideoServer:
    """Page 691: the last draw as of its clock; `differ` are wheels with other numbers."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.differ: dict[str, Sequence[int]] = {}
        self.day: date | None = None  # of the draw that it shows, whatever the clock says

    def upstream(self) -> Upstream:
        """The pages, for `sandbox.app.build_app`."""
        app = web.Application()
        app.add_routes([web.get("/691", self._page, name="televideo.page")])
        return Upstream(
            "televideo",
            PREFIX,
            app,
            [web.post(f"{CONTROL}/televideo", self._steer)],
            {
                f"POST {CONTROL}/televideo": '{"differ": {"BA": [1, 2, 3, 4, 5]}}: wheels with '
                "other numbers; {} has the draw's again",
            },
        )

    def page(self) -> str:
        """What is on the page now."""
        now = datetime.fromtimestamp(self.clock(), ROME)
        day = self.day or _last_day(now)
        lines = [
            f"TELEVIDEO  691  {now:%d/%m/%Y %H:%M}",
            f"LOTTO estrazioni del {day:%d/%m/%y}",
            *_rows({**draws.on(day), **self.differ}),
            "10eLotto pag. 694 - dati inventati",
        ]
        return "<html><body><pre>\n" + "\n".join(map(escape, lines)) + "\n</pre></body></html>\n"

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=self.page(), content_type="text/html")

    async def _steer(self, request: web.Request) -> web.Response:
        differ = (await json_body(request)).get("differ", {})
        self.differ = {str(wheel): list(numbers) for wheel, numbers in dict(differ).items()}
        return json_response({"differ": self.differ})


def _rows(draw: Mapping[str, Sequence[int]]) -> list[str]:
    return [
        f"{name:<10} " + "  ".join(f"{number:2}" for number in draw[code])
        for code, name in NAMES.items()
        if code in draw
    ]


def _last_day(now: datetime) -> date:
    today = now.date()
    is_out = now - datetime.combine(today, datetime.min.time(), ROME) >= PUBLISHED
    return today if is_out and draws.on(today) else draws.before(today)
