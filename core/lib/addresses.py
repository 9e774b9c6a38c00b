"""Which addresses may be reached on behalf of somebody who chose them: the public internet only.

An address that a person or another server gives us must not become a way into our own network
(server-side request forgery). Names are resolved here, the answers are checked, and the connection
goes to a checked answer: a name that means something else a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Found = tuple[socket.AddressFamily, Any]  # family, and what `socket.connect` takes

MIN_S: Final = 0.05
PROTOCOLS: Final = ipaddress.ip_network("192.0.0.0/24")  # Python knows all of it from 3.11.10 on


class AddressRefused(Exception):
    """It leads into an internal network; the message is for people."""


class Doorman:
    """Connects to public addresses, and to those in `networks`."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def lets_in(self, address: Address) -> bool:
        """Whether it may be reached. An IPv4 address inside an IPv6 one is what it leads to."""
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        address = inner or address
        return is_public(address) or any(address in network for network in self._networks)

    def found(self, host: str, port: int, timeout_s: float) -> list[Found]:
        """The addresses of a host that may be reached, as the system prefers them.

        Raises AddressRefused when it has addresses but none of those, OSError when it has none,
        TimeoutError (which is one) when that is not known in time.
        """
        responses = _looked_up(host, port, timeout_s)
        allowed = [one for one in responses if self.lets_in(ipaddress.ip_address(one[1][0]))]
        if responses and not allowed:
            raise AddressRefused(f"{host} is an internal address.")
        return allowed

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """A connection to the first address that answers. Raises as `found`."""
        until = time.monotonic() + timeout_s
        failed: OSError = OSError("the host has no address")
        for family, place in self.found(host, port, timeout_s):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(max(until - time.monotonic(), MIN_S))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.connect(place)
                connection.settimeout(max(until - time.monotonic(), MIN_S))  # for TLS
                return connection
            except OSError as exc:
                connection.close()
                failed = exc
        raise failed


def is_public(address: Address) -> bool:
    """Whether it is one of the public internet's, for one host, by IANA's special registries."""
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved  # among others what holds an IPv4 address for NAT64
        or address.is_unspecified
        or address in PROTOCOLS
        or getattr(address, "is_site_local", False)
    )


def _looked_up(host: str, port: int, timeout_s: float) -> list[Found]:
    """What the system's resolver answers; it knows no timeout of its own, so it has a thread."""
    responses: queue.SimpleQueue[list[Found] | OSError] = queue.SimpleQueue()

    def look() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            responses.put([(family, place) for family, _, _, _, place in found])
        except OSError as exc:
            responses.put(exc)
        except UnicodeError:
            responses.put(socket.gaierror(socket.EAI_NONAME, "no host name"))

    threading.Thread(target=look, name="resolver", daemon=True).start()
    try:
        response = responses.get(timeout=max(timeout_s, MIN_S))
    except queue.Empty:
        raise TimeoutError("the host name was not found in time") from None
    if isinstance(response, OSError):
        raise response
    return response
