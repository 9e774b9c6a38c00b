"""Which tests a run selects: by tier (known from the fixtures of a test) and deployment profile.

    --tier light   what needs only Python, embedded profile: the one to run during development
    --tier rest    everything else that CI runs
    --tier any     no choice by tier (default)

A test is of every tier of FIXTURES that has one of its fixtures, and light when there is none. The
full profile (PostgreSQL, Redis, MariaDB) runs the tests that request one of these services or are
marked `both_profiles`; with `--tier any` all light ones too, except those marked `embedded_only`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.conf import settings

LEFT_OUT: Final = pytest.StashKey[Counter[str]]()

FIXTURES: Final = {
    "browser": {"chromium"},
    "process": {"processes", "gateway", "start_gateway", "workers"},
    "reader": {"eyes", "reading_process", "reading_processes"},
    "television": {"television", "hls"},
    "asterisk": {"running_bed"},
    "streaming": {"streaming_server"},
    "easyocr": {"easyocr_packages"},
    "outage": {"postgres_server"},
    "fuzz": {"fuzzed_api"},
    "walk": {"every_table", "every_route"},
}
MEANS: Final = {
    "browser": "drives headless Chromium",
    "process": "starts real processes of the gateway",
    "reader": "reads pictures with the real OCR networks",
    "television": "plays video over HTTP",
    "asterisk": "needs the real Asterisk of tests/asterisk",
    "streaming": "needs nginx with its RTMP module, icecast2 and ffmpeg",
    "easyocr": "needs PyTorch and EasyOCR (make test-easyocr)",
    "outage": "locks, freezes and cuts off a PostgreSQL of its own",
    "fuzz": "sends random requests to every operation of the OpenAPI document",
    "walk": "opens every page and endpoint with every right",
    "service": "needs PostgreSQL, Redis or MariaDB (full profile)",
    "exhaustive": "runs in make test-exhaustive only",
    "both_profiles": "runs on both deployment profiles: it is about the database or Redis",
    "embedded_only": "is about the embedded profile alone",
}
ELSEWHERE: Final = {"exhaustive", "easyocr"}  # runs of their own
SERVICES: Final = {"redis_url", "postgres_url", "legacy_database_url"}
# What a machine should run once, or takes seconds to start, is used by one xdist worker.
GROUPS: Final = {"gateway": "gateway", "running_bed": "asterisk", "streaming_server": "streaming",
          "postgres_server": "outage"}  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tier", choices=("light", "rest", "any"), default="any", help="see tests/tiers.py"
    )


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MEANS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        _mark(item)
    tier = config.getoption("tier")
    left_out = [item for item in items if not _belongs(item, tier)]
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = Counter(name for item in left_out for name in tiers_of(item))
    chosen = {id(item) for item in items} - {id(item) for item in left_out}
    items[:] = [item for item in items if id(item) in chosen]


def _mark(item: pytest.Item) -> None:
    fixtures = set(getattr(item, "fixturenames", ()))
    for name, needed in {**FIXTURES, "service": SERVICES}.items():
        if fixtures & needed:
            item.add_marker(name)
    for fixture in fixtures & GROUPS.keys():
        item.add_marker(pytest.mark.xdist_group(GROUPS[fixture]))


def tiers_of(item: pytest.Item) -> list[str]:
    """The tiers of a test, none for a light one; only `exhaustive` for tests with that mark."""
    if item.get_closest_marker("exhaustive"):
        return ["exhaustive"]
    return [name for name in (*FIXTURES, "service") if item.get_closest_marker(name)]


def _belongs(item: pytest.Item, tier: str) -> bool:
    tiers = tiers_of(item)
    if settings.TEST_PROFILE == "full":
        return _belongs_to_full(item, tiers, tier)
    if "service" in tiers:
        return False
    if tier == "any":
        return True
    return not ELSEWHERE & {*tiers} and (tier == "light") == (not tiers)


def _belongs_to_full(item: pytest.Item, tiers: list[str], tier: str) -> bool:
    if "service" in tiers or item.get_closest_marker("both_profiles"):
        return tier == "any" or not ELSEWHERE & {*tiers}
    return tier == "any" and not tiers and not item.get_closest_marker("embedded_only")


# --- Report of the tests that were left out -------------------------------------------------------


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With xdist the workers report; each collects everything, so one of them is enough."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        left_out: Counter[str] = session.config.stash[LEFT_OUT]
        output["left_out"] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if left_out := getattr(node, "workeroutput", {}).get("left_out"):
        node.config.stash[LEFT_OUT] = Counter(left_out)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    left_out = config.stash.get(LEFT_OUT, Counter[str]())
    if config.getoption("tier") == "light" and left_out:
        terminalreporter.write_line(f"left out: {', '.join(_counts(left_out))}")


def _counts(left_out: Counter[str]) -> Iterator[str]:
    for name, count in left_out.most_common():
        yield f"{count} {name}"
