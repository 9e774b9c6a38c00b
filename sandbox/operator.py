"""The Lotto operator: the archive as a ZIP with an ETag, a new draw in it every evening at 23.

Protocol: `docs/upstreams/lotto-operator.md`.
"""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

from aiohttp import ETag, web

from sandbox import ROME, draws
from sandbox.app import CONTROL, Upstream, json_body, json_response

PREFIX: Final = "/lotto"
PUBLISHED: Final = timedelta(hours=23)  # after midnight, on the day of the draw
FILES: Final = {"storico": "1939/", "storico01-oggi": "2001/"}  # name: its first year


class LottoOperatorServer:
    """Serves the archive as of its clock."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.withheld = 0  # draw days that are not published yet
        self.fixed: bytes | None = None  # a body to serve instead
        self._packed: dict[str, tuple[tuple[date, int], bytes]] = {}

    def upstream(self) -> Upstream:
        """The operator, for `sandbox.app.build_app`."""
        app = web.Application()
        app.add_routes([web.get("/{name}.zip", self._archive, name="lotto.archive")])
        return Upstream(
            "lotto",
            PREFIX,
            app,
            [web.post(f"{CONTROL}/lotto", self._steer)],
            {f"POST {CONTROL}/lotto": '{"withhold": 3}: the last three draws are not out yet'},
        )

    def archive(self) -> bytes:
        """What is published now, a draw a line."""
        now = datetime.fromtimestamp(self.clock(), ROME)
        found = draws.archive((now - PUBLISHED).date())
        for _ in range(self.withheld):
            last = found[found.rfind(b"\n", 0, -1) + 1 :][:10]
            first = found.find(b"\n" + last)
            found = found[: first + 1]
        return found

    async def _archive(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in FILES:
            raise web.HTTPNotFound(text="There are storico.zip and storico01-oggi.zip")
        body = self._body(name)
        etag = hashlib.sha256(body).hexdigest()[:20]
        wanted = request.if_none_match or ()
        if any(tag.value == etag for tag in wanted):
            return web.Response(status=304, headers={"ETag": f'"{etag}"'})
        response = web.Response(body=body, content_type="application/zip")
        response.etag = ETag(etag)
        return response

    def _body(self, name: str) -> bytes:
        if self.fixed is not None:
            return self.fixed
        now = datetime.fromtimestamp(self.clock(), ROME)
        state = ((now - PUBLISHED).date(), self.withheld)
        if name not in self._packed or self._packed[name][0] != state:
            text = self.archive()
            begin = (b"\n" + text).find(b"\n" + FILES[name].encode())
            chosen = text[begin:] if begin >= 0 else b""
            self._packed[name] = (state, packed(f"{name}.txt", chosen))
        return self._packed[name][1]

    async def _steer(self, request: web.Request) -> web.Response:
        withhold = (await json_body(request)).get("withhold", 0)
        if type(withhold) is not int or withhold < 0:
            raise web.HTTPBadRequest(text="withhold must be a whole number of at least 0")
        self.withheld = withhold
        return json_response({"withhold": withhold, "lines": self.archive().count(b"\n")})


def packed(member: str, text: bytes) -> bytes:
    """A ZIP with one member; the same text gives the same bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(member, (2001, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return file.getvalue()
