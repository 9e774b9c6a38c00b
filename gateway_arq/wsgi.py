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
from gateway_arq.checks import refuse_without_proxy
from gateway_arq.http import application as _django

_REFUSED: Final = b'{"detail":"This server answers its proxy only."}'
_PROBES: Final = ("/livez", "/readyz")

refuse_without_proxy()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django for our proxies, and for this machine's own probes."""
    if settings.PRODUCTION and not _is_ours(environ):
        length = str(len(_REFUSED))
        headers = [("Content-Type", "application/json"), ("Content-Length", length)]
        start_response("403 Forbidden", headers)
        return [_REFUSED]
    return _django(environ, start_response)  # type: ignore[no-any-return]


def _is_ours(environ: dict[str, Any]) -> bool:
    address = environ.get("REMOTE_ADDR", "")
    is_probe = environ.get("PATH_INFO") in _PROBES and is_loopback(address)
    return is_probe or is_inside(address, settings.TRUSTED_PROXIES)
