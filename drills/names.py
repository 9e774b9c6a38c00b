"""The name server that nginx asks for the replicas of a service, as an engine's network has one."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress


def serve_names(addresses: Callable[[str], Sequence[str]]) -> None:
    """Answer questions on 127.0.0.1:53 by `addresses(name)`, for as long as this process lives."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=_serve, args=(server, addresses), name="names", daemon=True).start()


def _serve(server: socket.socket, addresses: Callable[[str], Sequence[str]]) -> None:
    while True:
        question, client = server.recvfrom(512)
        with suppress(IndexError, UnicodeDecodeError):  # no question of nginx's
            server.sendto(_answer(question, addresses), client)


def _answer(question: bytes, addresses: Callable[[str], Sequence[str]]) -> bytes:
    """An A record of each address, valid for a second; NXDOMAIN when there is none (RFC 1035)."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    asked = question[12 : at + 5]
    found = addresses(".".join(labels))
    flags = 0x8180 if found else 0x8183
    records = b"".join(
        struct.pack("!HHHIH4s", 0xC00C, 1, 1, 1, 4, socket.inet_aton(address)) for address in found
    )
    return question[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + asked + records
