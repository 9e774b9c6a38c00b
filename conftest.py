"""Fixtures and rules that every test shares."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asgiref.sync import SyncToAsync
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from core.tests.postgres_server import PostgresServer, binaries, private_postgres
from tests import flush

if TYPE_CHECKING:
    from django.test import Client
    from rest_framework.test import APIClient

pytest_plugins = [
    "tests.tiers",
    "core.tests.published",
    "gateway_arq.tests.browser",
    "gateway_arq.tests.gateway",
    "ocr.tests.upstreams",
]

ROOT = Path(__file__).parent
CLIENTS = ROOT / "tests" / "clients"
OURS = b"gateway-arq-tests"  # marks a Redis database that the suite may empty

# How long an example takes tells how busy the machine is, not whether the code is right. The same
# examples every time tell of the change; `make test-exhaustive` looks for new ones, and for more.
EXHAUSTIVE = os.environ.get("EXHAUSTIVE") == "1"
hypothesis_settings.register_profile(
    "gateway",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize=not EXHAUSTIVE,
    max_examples=500 if EXHAUSTIVE else 50,
)
hypothesis_settings.load_profile("gateway")
flush.install()


def _needed(name: str, found: str | None) -> str:
    """`found`, or else a skip; a failure where every service is required."""
    if found:
        return found
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{name} is missing, and REQUIRE_SERVICES=1")
    pytest.skip(f"{name} is not here")


def _service(name: str, url: str) -> str:
    # Asked for while the test runs, or it would not have been collected.
    if settings.TEST_PROFILE != "full":
        pytest.skip(f"{name} belongs to the full profile")
    return _needed(name, url)


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis database of this test process, emptied before every test."""
    return _service("Redis", settings.REDIS_URL)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The URL of the PostgreSQL that the suite runs on."""
    return _service("PostgreSQL", settings.DATABASE_URL)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test process alone, which may be frozen, cut off and restarted."""
    _needed("PostgreSQL's server (postgresql in apt)", str(binaries() or ""))
    with private_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def legacy_database_url() -> str:
    """The URL of a MariaDB to read from."""
    return _service("MariaDB", settings.LEGACY_DATABASE_URL)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium that Playwright may drive."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return _needed("Chromium", next((path for name in names if (path := shutil.which(name))), None))


@pytest.fixture(scope="session")
def node_binary() -> str:
    """The path of a Node.js, without any package."""
    return _needed("Node.js", shutil.which("node"))


@pytest.fixture(scope="session")
def node(node_binary: str) -> str:
    """The path of a Node.js that finds the packages of tests/clients."""
    ready = (CLIENTS / "node_modules").is_dir()
    return _needed(
        "Node.js with axios and ws (npm ci in tests/clients)", node_binary if ready else None
    )


@pytest.fixture
def api_key() -> str:
    """A key of the environment, with every scope."""
    return str(settings.TEST_API_KEY)


@pytest.fixture
def api(api_key: str) -> APIClient:
    """A REST client that sends `api_key`."""
    from rest_framework.test import APIClient

    return APIClient(headers={"X-API-Key": api_key})


@pytest.fixture
def viewer(db: None) -> Client:
    """A member of staff who may view everything and change nothing."""
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    user = User.objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    """Counters, keys, events and connections of one test are none of the next one's business."""
    from core.auth import limits
    from core.auth.keyring import keyring
    from core.lib.postgres.limits import Role, run_process_as
    from core.realtime import publish

    limits.counter.cache_clear()
    keyring.forget()
    run_process_as(Role.COMMAND)
    if settings.REDIS_URL:
        _empty_redis()
    else:
        cache.clear()
    yield
    publish.close_outbox()
    # Asynchronous code asks the database in a thread that outlives the test, and so would its
    # connection.
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


def _empty_redis() -> None:
    from redis import Redis

    with Redis.from_url(settings.REDIS_URL) as redis:
        if redis.dbsize() and not redis.exists(OURS):
            pytest.exit(
                f"{settings.REDIS_URL} is not empty and not the suite's: it will not be touched", 2
            )
        with redis.pipeline() as pipe:
            pipe.flushdb().set(OURS, "1").execute()
