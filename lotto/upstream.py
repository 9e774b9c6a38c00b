"""The operator's archive over HTTP, the only code that opens a socket to the operator.

Addresses, format and known responses: `docs/upstreams/lotto-operator.md`.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from core.lib.http import FetchedFile, HttpClient, HttpError
from core.lib.upstream import UpstreamError

MAX_BYTES: Final = 16 * 1024 * 1024  # packed; the archive since 1939 has 0.7 MB
MAX_ETAG: Final = 200  # characters, as in the database
HEADERS: Final = {
    "Accept": "application/zip, */*;q=0.1",
    # The operator's server is known to send 403 to clients that look like programs.
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}


class HttpOperator:
    """The operator's pages as `lotto.types.Operator`."""

    def __init__(self, *, timeout_s: float) -> None:
        """`timeout_s` bounds a whole response."""
        self._timeout_s = timeout_s

    def fetch(self, url: str, *, etag: str) -> FetchedFile | None:
        """The ZIP at that address, or None while it is still version `etag`.

        Redirects are refused. Raises UpstreamError.
        """
        parts = urlsplit(url)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        try:
            client = HttpClient(
                f"{parts.scheme}://{parts.netloc}", headers=HEADERS, max_bytes=MAX_BYTES
            )
        except ValueError:
            raise UpstreamError(f"{url[:100]!r} is not an address.") from None
        try:
            document = client.get_if_changed(target, etag=etag, timeout_s=self._timeout_s)
        except HttpError as exc:
            raise UpstreamError(f"{parts.netloc}: {exc}") from exc
        finally:
            client.close()
        if document is None:
            return None
        if not document.body.startswith(b"PK"):
            raise UpstreamError(f"{parts.netloc}: GET {parts.path}: the response is not a ZIP")
        known = document.etag if len(document.etag) <= MAX_ETAG else ""
        return FetchedFile(document.body, known)
