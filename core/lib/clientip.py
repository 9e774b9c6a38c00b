"""Which address a request comes from, and which bucket that address is counted in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """The address in `text`, bare; IPv4 in IPv6 is IPv4. None if unreadable.

    Port, zone and brackets are left out.
    """
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_inside(address: str, networks: Iterable[Network]) -> bool:
    """Whether the address lies in one of the networks; an unreadable address lies in none."""
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in networks)


def client_address(remote: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The client's address: `remote`, or what our own proxies say of it.

    `forwarded_for` (X-Forwarded-For) is read only when `remote` is a trusted proxy. It is read from
    the right, because every proxy appends and everything further left may have been written by the
    client: the first address that is no trusted proxy is the client. An unreadable entry ends the
    reading.
    """
    if not trusted or not forwarded_for or not is_inside(remote, trusted):
        return remote
    client = remote
    for entry in reversed(forwarded_for.split(",")):
        address = parse_address(entry)
        if address is None:
            break
        client = str(address)
        if not is_inside(client, trusted):
            break
    return client


def bucket(address: str) -> str:
    """What limits count by: the IPv4 address, or the /64 of IPv6 (a client owns at least that)."""
    if ":" not in address:
        return address
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed) if parsed else address


def is_loopback(host: str) -> bool:
    """Whether the host, a name or a bare address, is this machine."""
    address = parse_address(host)
    return address.is_loopback if address else host == "localhost"
