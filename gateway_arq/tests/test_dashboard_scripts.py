"""The live page's scripts without a page, in Node.js: tests/dashboard/*.test.mjs."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone, translation

from gateway_arq.dashboard.formats import FORMATS, format_value
from gateway_arq.dashboard.labels import GROUPS, labels

HERE = Path(__file__).resolve().parents[2] / "tests" / "dashboard"
FILES = sorted(HERE.glob("*.test.mjs"))
NOON = datetime.fromisoformat("2026-03-10T12:00:00+01:00")
EPOCH = NOON.timestamp()
VALUES: dict[str, list[Any]] = {
    "text": ["<i>Parked</i>", ""],
    "integer": [0, 7, 999, 1000, 1234, 1234567, None],
    "euro": [0, 0.35, 999.999, 1234.5, 1234567.89, None],
    "change": [0, 0.123, -0.05, 12.3456, -0.00001, None],
    "clock": [EPOCH - seconds - 0.2 for seconds in (0, 83, 3683, 90_000)] + [EPOCH + 5],
    "moment": [EPOCH, EPOCH - 3 * 3600, EPOCH - 86_400, EPOCH - 130 * 86_400, None],
    "minute": [EPOCH, EPOCH - 3 * 3600 - 1, EPOCH - 130 * 86_400],
    "local": ["2025-12-07 20:01:00", "2026-07-01 09:05:59"],
    "day": ["2025/12/07", "2026/07/01"],
    "evening": ["2026-12-09 20:00", "2027-08-03 18:30", None],
    "month": ["2025-12", "2026-07"],
    "numbers": [[80, 8], [1], 60, None],
    "provisional": [True, False],
    "schedule": ["20:01 daily", "off", "1 20 * * 2,4"],
    **{name: [*group, "<i>unknown</i>"] for name, group in GROUPS.items()},
}


def run(node: str, script: Path, *options: str, given: str | None = None) -> str:
    done = subprocess.run(
        [node, "--import", HERE / "modules.mjs", *options, script],
        input=given, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.partition(".")[0])
def test_the_scripts_do_what_their_tests_claim(node_binary: str, path: Path) -> None:
    report = run(node_binary, path, "--test-reporter=tap")
    assert re.search(r"^# pass [1-9]", report, re.MULTILINE), report


@pytest.mark.parametrize(
    ("language", "locale", "differs"),
    [
        ("it", "it-IT", set()),
        ("en", "en-US", {"day"}),  # in whose order only the browser knows the reader's own variant
    ],
)
def test_the_scripts_write_values_as_the_server_does(
    node_binary: str, language: str, locale: str, differs: set[str]
) -> None:
    assert VALUES.keys() == FORMATS.keys()
    values = [(value, how) for how in VALUES.keys() - differs for value in VALUES[how]]
    with translation.override(language), time_machine.travel(NOON, tick=False):
        now = timezone.now().timestamp()
        live = {"labels": labels(), "timeZone": settings.GATEWAY_TIME_ZONE, "now": now}
        expected = [format_value(value, how) for value, how in values]
    page = {"lang": language, "languages": [locale], "live": live, "values": values}
    shown = json.loads(run(node_binary, HERE / "format_values.mjs", given=json.dumps(page)))
    plain = [text.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}") for text in shown]
    assert list(zip(values, plain, strict=True)) == list(zip(values, expected, strict=True))
