"""Where we do not let ourselves be sent."""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import Any

import pytest

from core.lib.addresses import AddressRefused, Doorman, is_public
from core.lib.http import HttpClient, HttpError

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
INTERNAL = (
    "127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "192.0.2.1", "198.18.0.1", "192.0.0.8",
    "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "2001:0:7f00:1::",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "151.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1")


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_not_let_in(address: str) -> None:
    assert not Doorman().lets_in(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_ones_are(address: str) -> None:
    assert Doorman().lets_in(ipaddress.ip_address(address))


def test_an_internal_network_may_be_allowed_and_only_that_one() -> None:
    doorman = Doorman([LOOPBACK])
    assert doorman.lets_in(ipaddress.ip_address("127.0.0.1"))
    assert doorman.lets_in(ipaddress.ip_address("::ffff:127.0.0.1"))
    assert not doorman.lets_in(ipaddress.ip_address("::1"))
    assert not doorman.lets_in(ipaddress.ip_address("10.0.0.1"))
    assert not is_public(ipaddress.ip_address("127.0.0.1"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "::1", "0"])
def test_other_ways_to_write_it_are_the_same_address(host: str) -> None:
    with pytest.raises(AddressRefused, match="internal"):
        Doorman().connect(host, 80, 1)


def answering(monkeypatch: Any, *responses: list[str]) -> list[str]:
    """Let every name look-up get the next of these answers; the names that were asked for."""
    left, asked = list(responses), []

    def getaddrinfo(host: str, port: int, **options: Any) -> Any:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_is_judged_by_what_it_means(monkeypatch: Any) -> None:
    answering(monkeypatch, ["10.0.0.1", "169.254.169.254"])
    with pytest.raises(AddressRefused):
        Doorman().found("metadata.example.com", 80, 1)


def test_of_several_answers_the_allowed_are_used(monkeypatch: Any) -> None:
    answering(monkeypatch, ["10.0.0.1", "8.8.8.8"])
    assert [place for _, place in Doorman().found("x.example.com", 80, 1)] == [("8.8.8.8", 80)]


def test_the_connection_goes_to_the_answer_that_was_checked(monkeypatch: Any) -> None:
    """A name that means another address at the second question (DNS rebinding) is asked once."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        asked = answering(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
        port = door.getsockname()[1]
        with Doorman([LOOPBACK]).connect("tv.example.com", port, 1) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)
        assert asked == ["tv.example.com"]


def test_the_server_is_told_the_name_that_was_asked_for(monkeypatch: Any) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            client, _ = door.accept()
            with client:
                heard.append(client.recv(65_536))
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        thread = threading.Thread(target=serve)
        thread.start()
        answering(monkeypatch, ["127.0.0.1"])
        base = f"http://tv.example.com:{door.getsockname()[1]}"
        client = HttpClient(base, connect=Doorman([LOOPBACK]).connect)
        assert client.get_body("/x", timeout_s=5) == b"ok"
        client.close()
        thread.join()
    assert f"\r\nHost: {base[7:]}\r\n".encode() in heard[0]


def test_so_is_a_server_with_tls(monkeypatch: Any) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def listen() -> None:
            client, _ = door.accept()
            with client:
                heard.append(client.recv(65_536))  # the first message names the server (SNI)

        thread = threading.Thread(target=listen)
        thread.start()
        answering(monkeypatch, ["127.0.0.1"])
        base = f"https://tv.example.com:{door.getsockname()[1]}"
        client = HttpClient(base, connect=Doorman([LOOPBACK]).connect)
        with pytest.raises(HttpError):
            client.get_body("/x", timeout_s=5)
        thread.join()
    assert b"tv.example.com" in heard[0]


def test_a_name_server_that_is_silent_holds_nobody(monkeypatch: Any) -> None:
    asked = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: [asked.wait(10)][:0])
    with pytest.raises(TimeoutError):
        Doorman().connect("slow.example.com", 80, 0.05)
    asked.set()


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_an_unknown_name_is_no_connection(monkeypatch: Any, error: Exception) -> None:
    def getaddrinfo(*args: Any, **options: Any) -> Any:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    client = HttpClient("http://x.example.com", connect=Doorman().connect)
    with pytest.raises(HttpError, match="host name is unknown"):
        client.get_body("/", timeout_s=1)


def test_an_address_that_nobody_listens_on_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    client = HttpClient(f"http://127.0.0.1:{port}", connect=Doorman([LOOPBACK]).connect)
    with pytest.raises(HttpError, match="no connection"):
        client.get_body("/", timeout_s=1)
