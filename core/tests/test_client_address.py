"""Whose address counts, however many proxies and lies lie between."""

from __future__ import annotations

import ipaddress

import pytest

from core.lib.clientip import bucket, client_address, is_inside, parse_address

PROXIES = [ipaddress.ip_network(net) for net in ("10.0.0.0/8", "127.0.0.1", "fd00::/8")]


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # no proxy of ours: it may say what it likes
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.9", "198.51.100.9"),  # the client wrote the first one
        ("10.0.0.1", "198.51.100.9, 10.0.0.2, 127.0.0.1", "198.51.100.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9:4711", "198.51.100.9"),
        ("10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"),
        ("::ffff:10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("fd00::1", "2001:db8::9", "2001:db8::9"),
        ("", "198.51.100.9", ""),
    ],
)
def test_client_is_the_last_address_that_is_no_proxy_of_ours(
    remote: str, forwarded: str, client: str
) -> None:
    assert client_address(remote, forwarded, PROXIES) == client


def test_nothing_is_believed_without_trusted_proxies() -> None:
    assert client_address("127.0.0.1", "198.51.100.9", []) == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a:b", "a:b"),
    ],
)
def test_limits_count_an_ipv6_network_as_one(address: str, counted_as: str) -> None:
    assert bucket(address) == counted_as


def test_unreadable_address_is_inside_of_nothing() -> None:
    assert parse_address("localhost") is None
    assert not is_inside("", [ipaddress.ip_network("0.0.0.0/0")])
    assert not is_inside("192.0.2.1", [ipaddress.ip_network("::/0")])
