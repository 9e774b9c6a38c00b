"""The company's Lotto site: draws for its visitors, and its page of wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from django.conf import settings

from core.lib.upstream import NotConfigured, UpstreamError
from ocr.clients.lotto_site import LottoSite
from ocr.types import WheelUploaded


def is_on() -> bool:
    """Whether there is a site and a user of it."""
    return bool(settings.LOTTO_SITE_URL and settings.LOTTO_SITE_USER)


def upload(day: date, wheels: Mapping[str, Sequence[int]]) -> list[WheelUploaded]:
    """Put the day's numbers on the site, by wheel; the outcome of each wheel.

    Safe to repeat; without wheels nothing is sent. Raises NotConfigured or UpstreamError.
    """
    site = _site()
    return site.upload(day, wheels) if wheels else []


def riscontri(offset: int = 0) -> str:
    """The site's page of wins, from so many entries on, as HTML. Raises as `upload`."""
    return _site().riscontri(offset)


def _site() -> LottoSite:
    if not is_on():
        raise NotConfigured("The Lotto site is not configured.")
    try:
        return LottoSite(
            settings.LOTTO_SITE_URL,
            user=settings.LOTTO_SITE_USER,
            password=settings.LOTTO_SITE_PASSWORD,
            timeout_s=settings.LOTTO_SITE_TIMEOUT_S,
        )
    except ValueError:
        raise UpstreamError("LOTTO_SITE_URL is no http address.") from None
