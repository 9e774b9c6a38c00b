"""HTTP for a WSGI server behind our proxy: `granian --interface wsgi gateway_arq.wsgi:application`.

A WSGI server gives each request a thread before its body is there: four slow clients would have
them all. So in production it answers its proxies alone, which give it whole requests (decision 24);
`manage.py run_web` is the server that needs none before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.conf import settings

from core.lib.clientip import is_inside, is_loopback
from core.lib.postgres.limits import Role, run_process_as
from gateway_arq.checks import refuse_without_proxy
from gateway_arq.http import application as _django
from gateway_arq.web import ALIVE

_REFUSED: Final = b'{"detail":"This server answers its proxy only."}'
_PROBES: Final = ("/livez", "/readyz")

refuse_without_proxy()
run_process_as(Role.WEB, threads=settings.HTTP_THREADS)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django for our proxies, and for this machine's own probes.

    `/livez` passes nothing on its way: it asks whether the process responds.
    """
    if settings.PRODUCTION and not _is_ours(environ):
        return _send("403 Forbidden", _REFUSED, start_response)
    if environ.get("PATH_INFO") == "/livez" and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
        return _send("200 OK", ALIVE, start_response)
    return _django(environ, start_response)


def _send(status: str, body: bytes, start_response: Callable[..., Any]) -> list[bytes]:
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    start_response(status, headers)
    return [body]


def _is_ours(environ: dict[str, Any]) -> bool:
    address = environ.get("REMOTE_ADDR", "")
    is_probe = environ.get("PATH_INFO") in _PROBES and is_loopback(address)
    return is_probe or is_inside(address, settings.TRUSTED_PROXIES)
