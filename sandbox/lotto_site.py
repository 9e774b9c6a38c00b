"""The company's Lotto site: stores the draws that are uploaded, and has a page of invented wins.

Protocol: `docs/upstreams/lotto-site.md`.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from html import escape
from itertools import islice
from random import Random
from typing import Any, Final

from aiohttp import web

from sandbox import ROME, draws
from sandbox.app import CONTROL, Upstream, json_body, json_response
from sandbox.faults import Handler

PREFIX: Final = "/lotto-site"
WINS_PER_PAGE: Final = 20
WINS: Final = 200
OUTCOMES: Final = ("estratto", "estratto", "estratto", "ambo", "ambo", "terno")


class LottoSiteServer:
    """One site with one user."""

    def __init__(
        self, *, user: str = "", password: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        """With an empty user any credentials are accepted."""
        self.user, self.password, self.clock = user, password, clock
        self.draws: dict[str, dict[str, list[int]]] = {}  # by day (YYYY-MM-DD), by wheel
        self.refused: dict[str, str] = {}  # wheels that are refused, and why

    def upstream(self) -> Upstream:
        """The Lotto site, for `sandbox.app.build_app`."""
        app = web.Application(middlewares=[_errors, self._authenticated])
        app.add_routes(
            [
                web.post("/api/draws", self._upload, name="lotto_site.draws"),
                web.get("/riscontri", self._riscontri, name="lotto_site.riscontri"),
            ]
        )
        return Upstream(
            "lotto-site",
            PREFIX,
            app,
            [
                web.get(f"{CONTROL}/lotto-site", self._listed),
                web.post(f"{CONTROL}/lotto-site", self._steer),
            ],
            {
                f"GET {CONTROL}/lotto-site": "the uploaded draws",
                f"POST {CONTROL}/lotto-site": '{"refuse": {"BA": "Not today."}}: wheels '
                "to refuse, and why; {} accepts all again",
            },
        )

    @web.middleware
    async def _authenticated(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        presented = request.headers.get("Authorization", "")
        right = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self.user and not hmac.compare_digest(presented.encode(), right.encode()):
            raise web.HTTPUnauthorized(
                text="Wrong user or password", headers={"WWW-Authenticate": 'Basic realm="Lotto"'}
            )
        return await handler(request)

    async def _upload(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        day, wheels = body.get("date"), body.get("wheels")
        try:
            drawn_on = date.fromisoformat(str(day))
        except ValueError:
            raise web.HTTPBadRequest(text="`date` must be YYYY-MM-DD") from None
        if drawn_on > datetime.fromtimestamp(self.clock(), ROME).date():
            raise web.HTTPBadRequest(text="`date` is in the future")
        if not isinstance(wheels, dict) or not wheels:
            raise web.HTTPBadRequest(text="`wheels` must have a wheel")
        results = [
            self._store(drawn_on.isoformat(), wheel, numbers) for wheel, numbers in wheels.items()
        ]
        return json_response({"date": drawn_on.isoformat(), "results": results})

    def _store(self, day: str, wheel: str, numbers: Any) -> dict[str, str]:
        wrong = self.refused.get(wheel) or _wrong(wheel, numbers)
        if wrong:
            return {"wheel": wheel, "status": "refused", "detail": wrong}
        before = self.draws.setdefault(day, {}).get(wheel)
        self.draws[day][wheel] = numbers
        status = "created" if before is None else "unchanged" if before == numbers else "replaced"
        return {"wheel": wheel, "status": status}

    async def _riscontri(self, request: web.Request) -> web.Response:
        text = request.query.get("da", "0")
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise web.HTTPBadRequest(text="`da` must be a whole number")
        offset = int(text)
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in win)}</tr>"
            for win in self._wins()[offset : offset + WINS_PER_PAGE]
        )
        more = f'<a href="?da={offset + WINS_PER_PAGE}">altri</a>'
        page = (
            '<!doctype html><html lang="it"><meta charset="utf-8"><title>Riscontri</title>'
            "<h1>Riscontri (dati inventati)</h1><table><tr><th>Data</th><th>Ruota</th>"
            f"<th>Numeri</th><th>Esito</th></tr>{rows}</table>"
            f"{more if offset + WINS_PER_PAGE < WINS else ''}</html>"
        )
        return web.Response(text=page, content_type="text/html", charset="utf-8")

    def _wins(self) -> list[tuple[str, str, str, str]]:
        """Invented wins, newest first: the same for every request of one day."""
        today = datetime.fromtimestamp(self.clock(), ROME).date()
        days = (today - timedelta(days) for days in range(1, 2 * WINS))
        drawn = ((day, draw) for day in days if (draw := draws.invented(day)))
        return [_win(day, draw) for day, draw in islice(drawn, WINS)]

    async def _listed(self, request: web.Request) -> web.Response:
        return json_response({"draws": self.draws})

    async def _steer(self, request: web.Request) -> web.Response:
        refuse = (await json_body(request)).get("refuse", {})
        if not isinstance(refuse, dict) or not all(isinstance(why, str) for why in refuse.values()):
            raise web.HTTPBadRequest(text="refuse must be an object of wheels and reasons")
        self.refused = refuse
        return json_response({"refuse": refuse})


def _wrong(wheel: str, numbers: Any) -> str:
    if wheel not in draws.WHEELS:
        return "There is no such wheel."
    ok = (
        isinstance(numbers, list)
        and len(numbers) == 5
        and all(type(number) is int and 1 <= number <= 90 for number in numbers)
        and len(set(numbers)) == 5
    )
    return "" if ok else "Five different numbers from 1 to 90, please."


def _win(day: date, draw: draws.Draw) -> tuple[str, str, str, str]:
    dice = Random(f"wins {day}")
    outcome, wheel = dice.choice(OUTCOMES), dice.choice(draws.WHEELS)
    hits = dice.sample(draw[wheel], ("estratto", "ambo", "terno").index(outcome) + 1)
    return f"{day:%d/%m/%Y}", wheel, "-".join(map(str, hits)), outcome


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as exc:
        response = json_response({"detail": exc.text or exc.reason}, status=exc.status)
        if challenge := exc.headers.get("WWW-Authenticate"):
            response.headers["WWW-Authenticate"] = challenge
        return response
