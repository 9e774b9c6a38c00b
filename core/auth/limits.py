"""What is counted for whom: an address's requests and, apart, its failed tries at a key."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.http import HttpRequest

from core.lib.clientip import bucket, client_address
from core.lib.rate_limit import Counter, RateLimitVerdict, build_counter

REQUESTS, FAILURES = "default", "auth-failures"


@cache
def counter() -> Counter:
    """The counter of this process."""
    return build_counter(settings.REDIS_URL)


def client_of(request: HttpRequest) -> str:
    """The address the request comes from, proxies of ours left out."""
    meta = request.META
    return client_address(
        meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""), settings.TRUSTED_PROXIES
    )


def login_address(request: HttpRequest) -> str:
    """The address that a login is counted for: of IPv6 the first of the /64."""
    return bucket(client_of(request)).partition("/")[0]


def count_request(address: str) -> RateLimitVerdict | None:
    """Count one request of the address; None when the limit is off."""
    return _count(REQUESTS, settings.RATE_LIMIT_PER_MINUTE, address)


def count_failure(address: str) -> RateLimitVerdict | None:
    """Count one failed authentication of the address; None when the limit is off."""
    return _count(FAILURES, settings.AUTH_FAILURES_PER_MINUTE, address)


def _count(policy: str, limit: int, address: str) -> RateLimitVerdict | None:
    if not limit:
        return None
    hits, left_s = counter().hit(f"{policy}:{bucket(address)}")
    return RateLimitVerdict(policy, limit, hits, left_s)
