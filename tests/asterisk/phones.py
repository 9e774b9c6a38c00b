#!/usr/bin/env python3
"""SIP phones and the provider's side of the trunk, for the Asterisk bed; standard library only.

Of the phones at --phone-ip, 105 registers and answers after --answer-delay seconds, 104 registers
and only rings, 103 registers and is busy; 100 to 102 never register. The provider at --trunk-ip
answers OPTIONS and calls. The phones' SIP secret is read from PHONE_SECRET.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import re
import signal
import sys
from dataclasses import dataclass
from typing import Any, Literal

Mode = Literal["answer", "ring", "busy"]
Address = tuple[str, int]

REASONS = {180: "Ringing", 200: "OK", 486: "Busy Here", 487: "Request Terminated"}
ECHOED = ("via", "from", "call-id", "cseq", "record-route")  # RFC 3261, 8.2.6.2
EXPIRES_S = 120
REGISTER_EVERY_S = 0.5  # until the registrar accepts


@dataclass
class SipCall:
    """One INVITE: its header lines, our To tag and the last status sent."""

    lines: list[str]
    tag: str
    status: int = 180


class Phone(asyncio.DatagramProtocol):
    """One SIP user agent on a UDP socket of its own."""

    def __init__(
        self, name: str, address: Address, mode: Mode, *, registrar: Address | None, delay_s: float
    ) -> None:
        self.name, self.address, self.mode = name, address, mode
        self.registrar, self.delay_s = registrar, delay_s
        self.contact = f"<sip:{name}@{address[0]}:{address[1]}>"
        self.calls: dict[str, SipCall] = {}
        self.registration_id, self.cseq = f"reg-{name}-{hexadecimal(48)}", 0
        self.registered = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        if self.registrar:
            self.registering = asyncio.ensure_future(self._stay_registered(self.registrar))

    async def _stay_registered(self, registrar: Address) -> None:
        while True:
            self.registered.clear()
            self._register(registrar)
            try:
                async with asyncio.timeout(REGISTER_EVERY_S):
                    await self.registered.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(EXPIRES_S / 2)

    def _register(self, registrar: Address, *headers: str) -> None:
        self.cseq += 1
        domain, here = (f"{host}:{port}" for host, port in (registrar, self.address))
        lines = [
            f"REGISTER sip:{domain} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{hexadecimal(64)};rport",
            "Max-Forwards: 70",
            f"From: <sip:{self.name}@{registrar[0]}>;tag={hexadecimal(32)}",
            f"To: <sip:{self.name}@{registrar[0]}>",
            f"Call-ID: {self.registration_id}",
            f"CSeq: {self.cseq} REGISTER",
            f"Contact: {self.contact}",
            f"Expires: {EXPIRES_S}",
            *headers,
            "Content-Length: 0",
        ]
        self._send(lines, "", registrar)

    def datagram_received(self, data: bytes, address: Address) -> None:
        try:
            lines = data.decode("utf-8", "replace").split("\r\n\r\n", 1)[0].split("\r\n")
            if lines[0].startswith("SIP/2.0"):
                self._response(lines)
            else:
                self._request(lines, address)
        except (ValueError, LookupError) as exc:
            sys.stderr.write(f"{self.name}: unreadable message: {exc!r}\n")

    def _response(self, lines: list[str]) -> None:
        if not self.registrar or "REGISTER" not in header(lines, "cseq"):
            return
        status = int(lines[0].split()[1])
        if status == 200:
            self.registered.set()
        elif status == 401:
            challenge = dict(re.findall(r'(\w+)="?([^",]+)"?', header(lines, "www-authenticate")))
            uri = f"sip:{self.registrar[0]}:{self.registrar[1]}"
            self._register(self.registrar, authorization(self.name, uri, challenge))

    def _request(self, lines: list[str], address: Address) -> None:
        method, call_id = lines[0].split(" ", 1)[0], header(lines, "call-id")
        call = self.calls.get(call_id)
        if method == "INVITE":
            self._invited(call_id, lines, address)
        elif method == "ACK":
            if call and call.status > 200:
                del self.calls[call_id]
        else:
            self._reply(lines, 200, address)
            if method == "CANCEL" and call and call.status < 200:
                self._set_status(call, 487, address)
            elif method == "BYE":
                self.calls.pop(call_id, None)

    def _invited(self, call_id: str, lines: list[str], address: Address) -> None:
        if call := self.calls.get(call_id):  # a retransmission or a re-INVITE
            self._reply(lines, call.status, address, call.tag)
            return
        call = self.calls[call_id] = SipCall(lines, hexadecimal(32))
        self._set_status(call, 486 if self.mode == "busy" else 180, address)
        if self.mode == "answer":
            asyncio.get_running_loop().call_later(self.delay_s, self._answer, call, address)

    def _answer(self, call: SipCall, address: Address) -> None:
        if call.status == 180:
            self._set_status(call, 200, address)

    def _set_status(self, call: SipCall, status: int, address: Address) -> None:
        call.status = status
        self._reply(call.lines, status, address, call.tag)

    def _reply(self, lines: list[str], status: int, address: Address, tag: str = "") -> None:
        """Answer a request; an INVITE (which has a tag) that is accepted is answered with SDP."""
        out = [f"SIP/2.0 {status} {REASONS[status]}"]
        for line in lines[1:]:
            name = line.split(":", 1)[0].strip().lower()
            if name in ECHOED:
                out.append(line)
            elif name == "to":
                out.append(line if "tag=" in line else f"{line};tag={tag or hexadecimal(32)}")
        body = session_description(self.address[0]) if tag and status == 200 else ""
        if body:
            out.append("Content-Type: application/sdp")
        out += [
            f"Contact: {self.contact}",
            "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS",
            f"Content-Length: {len(body)}",
        ]
        self._send(out, body, address)

    def _send(self, lines: list[str], body: str, address: Address) -> None:
        self.transport.sendto(("\r\n".join([*lines, "", ""]) + body).encode(), address)


def header(lines: list[str], name: str) -> str:
    """The value of a header, "" when it is missing."""
    values = (line.split(":", 1)[1] for line in lines if line.lower().startswith(f"{name}:"))
    return next(values, "").strip()


def authorization(user: str, uri: str, challenge: dict[str, str]) -> str:
    """The Authorization header that answers a digest challenge (RFC 2617)."""
    realm, nonce = challenge["realm"], challenge["nonce"]
    secrets = md5(f"{user}:{realm}:{os.environ.get('PHONE_SECRET', '')}"), md5(f"REGISTER:{uri}")
    more = ""
    if challenge.get("qop"):
        cnonce = hexadecimal(32)
        response = md5(f"{secrets[0]}:{nonce}:00000001:{cnonce}:auth:{secrets[1]}")
        more = f', qop=auth, nc=00000001, cnonce="{cnonce}"'
    else:
        response = md5(f"{secrets[0]}:{nonce}:{secrets[1]}")
    if challenge.get("opaque"):
        more += f', opaque="{challenge["opaque"]}"'
    return (
        f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'response="{response}", algorithm=MD5{more}'
    )


def session_description(host: str) -> str:
    """An SDP answer that offers A-law and sends nothing."""
    lines = [
        "v=0",
        f"o=- 1 1 IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        "m=audio 7000 RTP/AVP 8 0",
        "a=rtpmap:8 PCMA/8000",
        "a=sendrecv",
    ]
    return "".join(f"{line}\r\n" for line in lines)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def hexadecimal(bits: int) -> str:
    return f"{random.getrandbits(bits):x}"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="127.0.0.1:5060")
    parser.add_argument("--phone-ip", default="127.0.0.11")
    parser.add_argument("--trunk-ip", default="127.0.0.10")
    parser.add_argument("--base-port", type=int, default=5200)
    parser.add_argument("--trunk-port", type=int, default=5090)
    delay = float(os.environ.get("BED_ANSWER_DELAY", "1"))
    parser.add_argument("--answer-delay", type=float, default=delay)
    return parser.parse_args()


async def main() -> None:
    given = options()
    host, port = given.server.rsplit(":", 1)
    registrar = host, int(port)
    plan: list[tuple[str, Address, Mode, Address | None]] = [
        ("105", (given.phone_ip, given.base_port + 5), "answer", registrar),
        ("104", (given.phone_ip, given.base_port + 4), "ring", registrar),
        ("103", (given.phone_ip, given.base_port + 3), "busy", registrar),
        ("provider", (given.trunk_ip, given.trunk_port), "answer", None),
    ]
    loop = asyncio.get_running_loop()
    for name, address, mode, where in plan:
        phone = Phone(name, address, mode, registrar=where, delay_s=given.answer_delay)
        await loop.create_datagram_endpoint(lambda phone=phone: phone, local_addr=address)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())
