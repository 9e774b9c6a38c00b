"""Fixtures: the sandbox's carrier and a client of it; `conftest.py` imports them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.testing import RunningSandbox, running_sandbox
from webcom.upstream import HttpWebcomTlc


@pytest.fixture(scope="module")
def carrier_server() -> Iterator[RunningSandbox]:
    with running_sandbox(ping_s=0.05) as running:
        yield running


@pytest.fixture
def carrier(carrier_server: RunningSandbox) -> Iterator[RunningSandbox]:
    carrier_server.faults.clear()
    carrier_server.carrier.stream.silent = False
    yield carrier_server
    carrier_server.faults.clear()
    carrier_server.drop_push()


@pytest.fixture
def tlc(carrier: RunningSandbox) -> HttpWebcomTlc:
    return client_of(carrier)


def client_of(carrier: RunningSandbox, **options: Any) -> HttpWebcomTlc:
    options = {"timeout_s": 5, "token": carrier.token, "push_url": carrier.push_url, **options}
    return HttpWebcomTlc(url=options.pop("url", carrier.base_url), **options)
