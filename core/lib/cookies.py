"""Cookies that upstreams set, kept in memory and given back to them alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from email.message import Message
from http.cookiejar import CookieJar
from urllib.request import Request


class Cookies:
    """A jar that clients of several servers may share, by the rules of `http.cookiejar`."""

    def __init__(self) -> None:
        self._jar = CookieJar()

    def presented(self, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        """These headers of a request of `url`, with its cookies after those already there."""
        about = Request(url)
        self._jar.add_cookie_header(about)
        kept = about.get_header("Cookie")
        if not kept:
            return dict(headers)
        return {**headers, "Cookie": "; ".join(filter(None, (headers.get("Cookie"), kept)))}

    def take(self, url: str, values: Iterable[str]) -> None:
        """Keep the `Set-Cookie` values of a response to `url`; another domain's are dropped."""
        response = _Response()
        for value in values:
            response.headers["Set-Cookie"] = value
        self._jar.extract_cookies(response, Request(url))  # type: ignore[arg-type]


class _Response:
    """As much of a response as the jar asks for."""

    def __init__(self) -> None:
        self.headers = Message()

    def info(self) -> Message:
        return self.headers
