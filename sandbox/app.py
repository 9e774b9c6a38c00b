"""One aiohttp application for all the sandbox's upstreams, each below a prefix of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import web

from sandbox import faults as faulty
from sandbox.faults import Faults

CONTROL: Final = "/_sandbox"


@dataclass(frozen=True)
class Upstream:
    """A part of the outside world: its protocol below `prefix`, its controls below `/_sandbox`."""

    name: str
    prefix: str
    app: web.Application
    controls: Sequence[web.RouteDef] = ()
    help: dict[str, str] = field(default_factory=dict)


def build_app(upstreams: Sequence[Upstream], faults: Faults) -> web.Application:
    """The sandbox: every upstream, the faults they meet, and `GET /_sandbox`, which explains it."""
    app = web.Application(middlewares=[_control_errors, faulty.middleware(faults, spared=CONTROL)])
    for upstream in upstreams:
        app.add_subapp(upstream.prefix, upstream.app)
        app.add_routes(upstream.controls)
    app.add_routes(_Control(upstreams, faults).routes())
    return app


class _Control:
    def __init__(self, upstreams: Sequence[Upstream], faults: Faults) -> None:
        self._upstreams, self._faults = upstreams, faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(CONTROL, self._help),
            web.get(f"{CONTROL}/faults", self._listed),
            web.post(f"{CONTROL}/faults", self._arm),
            web.delete(f"{CONTROL}/faults", self._clear),
        ]

    async def _help(self, request: web.Request) -> web.Response:
        return json_response(
            {
                "what": "Sandbox of Gateway ARQ: the outside world, with invented data",
                "upstreams": {
                    one.name: f"http://{request.host}{one.prefix}" for one in self._upstreams
                },
                "controls": {
                    "GET /_sandbox/faults": "the armed faults",
                    "POST /_sandbox/faults": 'arm one: {"route": "webcom.calls", "kind": "slow", '
                    '"times": 3, "delay_s": 5, "status": 503, "retry_after": "5", "body": ""}; '
                    "only `kind` is required",
                    "DELETE /_sandbox/faults": "clear them",
                    **{path: text for one in self._upstreams for path, text in one.help.items()},
                },
                "kinds": {
                    kind: (meet.__doc__ or "").strip() for kind, meet in faulty.KINDS.items()
                },
                "routes": sorted(
                    name for one in self._upstreams for name in one.app.router.named_resources()
                ),
            }
        )

    async def _listed(self, request: web.Request) -> web.Response:
        return json_response({"faults": self._faults.listed()})

    async def _arm(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        try:
            self._faults.arm(**body)
        except (TypeError, ValueError) as exc:
            raise web.HTTPBadRequest(text=str(exc)) from None
        return json_response({"faults": self._faults.listed()}, status=201)

    async def _clear(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return json_response({"faults": []})


@web.middleware
async def _control_errors(request: web.Request, handler: faulty.Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as exc:
        return json_response({"error": exc.text or exc.reason}, status=exc.status)


def json_response(content: Any, *, status: int = 200) -> web.Response:
    """A JSON response."""
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")


async def json_body(request: web.Request) -> dict[str, Any]:
    """The request's JSON object. HTTPBadRequest when the body is something else.

    Only `application/json` is read: a web page of another origin cannot send that without a
    CORS preflight.
    """
    try:
        body = (
            orjson.loads(await request.read())
            if request.content_type == "application/json"
            else None
        )
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="Expected a JSON object with Content-Type: application/json")
    return body
