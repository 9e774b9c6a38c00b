from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from centralino.services import lists
from centralino.tests.bed import Bed
from centralino.types import Reason


@pytest.fixture(scope="session")
def running_bed() -> Iterator[Bed]:
    """Skips where there is none; one that was running before stays."""
    was_running = Bed.runs()
    try:
        yield Bed.start()
    except (RuntimeError, OSError) as exc:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(str(exc))
        pytest.skip(f"Asterisk cannot be started here: {str(exc)[-300:]}")
    finally:
        if not was_running:
            Bed.stop()


@pytest.fixture
def asterisk_bed(running_bed: Bed, settings: Any) -> Bed:
    """The real Asterisk, all parts of it running, its secrets in the settings."""
    running_bed.refresh()
    settings.ASTERISK_SERVERS = running_bed.secrets()
    settings.SSH_KNOWN_HOSTS = running_bed.env["BED_SSH_KNOWN_HOSTS"]
    return running_bed


@pytest.fixture
def entries() -> None:
    lists.blacklist_number("+393331234567", hours=24, note="rings every night")
    lists.blacklist_number("+3989*", hours=None, reason=Reason.MANUAL_PERMANENT)
    lists.blacklist_number("+39899748963", hours=24, reason=Reason.ANSWERED)
    lists.allow_number("+393331234567")
