"""The company's Lotto site, the only place that speaks to it: `docs/upstreams/lotto-site.md`."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from core.lib.http import HttpClient, HttpError
from core.lib.upstream import UpstreamError
from ocr.types import WheelUploaded

MAX_BYTES: Final = 2 * 1024 * 1024
DONE: Final = ("created", "replaced", "unchanged")


class LottoSite:
    """One site and its user."""

    def __init__(self, url: str, *, user: str, password: str, timeout_s: float) -> None:
        """ValueError when `url` is no http address."""
        secret = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}", "Accept": "application/json, text/html"}
        self._http = HttpClient(url, headers=headers, max_bytes=MAX_BYTES)
        self._timeout_s = timeout_s

    def upload(self, day: date, wheels: Mapping[str, Sequence[int]]) -> list[WheelUploaded]:
        """The outcome of each wheel; one that the site does not confirm is not done.

        Safe to repeat: the site keeps one draw per day and wheel. Raises UpstreamError.
        """
        body = {"date": day.isoformat(), "wheels": {w: list(n) for w, n in wheels.items()}}
        try:
            response = self._http.post_json("/api/draws", body, timeout_s=self._timeout_s)
        except HttpError as exc:
            raise _error(exc) from None
        results = _results(response)
        return [_uploaded(wheel, results.get(wheel)) for wheel in wheels]

    def riscontri(self, offset: int) -> str:
        """The page of wins from so many entries on, as HTML. Raises UpstreamError."""
        try:
            page = self._http.get_body(f"/riscontri?da={offset}", timeout_s=self._timeout_s)
        except HttpError as exc:
            raise _error(exc) from None
        try:
            return page.decode()
        except UnicodeDecodeError:  # what old sites are written in
            return page.decode("cp1252", errors="replace")


def _results(response: Any) -> dict[str, Mapping[str, Any]]:
    results = response.get("results") if isinstance(response, dict) else None
    if not isinstance(results, list):
        raise UpstreamError("The Lotto site: the response has no results.")
    return {str(each.get("wheel")): each for each in results if isinstance(each, dict)}


def _uploaded(wheel: str, result: Mapping[str, Any] | None) -> WheelUploaded:
    if result is None:
        return WheelUploaded(wheel, False, "The site does not confirm it.")
    status, detail = str(result.get("status"))[:40], str(result.get("detail") or "")[:300]
    is_done = status in DONE
    return WheelUploaded(wheel, is_done, detail or ("" if is_done else status))


def _error(exc: HttpError) -> UpstreamError:
    body = exc.body if isinstance(exc.body, dict) else {}
    said = str(body.get("detail") or exc)[:300]
    return UpstreamError(f"The Lotto site: {said}", retry_after_s=exc.retry_after_s)
