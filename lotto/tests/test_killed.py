"""An import whose process is killed half way leaves the archive as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lotto.tests.conftest import SLICE

pytestmark = [pytest.mark.once, pytest.mark.timeout(120)]
ROOT = Path(__file__).resolve().parents[2]
HALF_WAY = """
import sys, time, django
django.setup()
from lotto import intake
lines = open(sys.argv[1], "rb").read().splitlines()
def some():
    yield from lines[:100]
    if sys.argv[2] == "hang":
        print("half way", flush=True)
        time.sleep(60)
    yield from lines[100:]
print(intake.take_in(some(), name="storico.txt").inserted, flush=True)
"""
COUNT = """
import django
django.setup()
from lotto.models import Archive, Extraction, Intake
print(Extraction.objects.count(), Archive.objects.count(), Intake.objects.count())
"""


def test_killed_half_way(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "gateway_arq.settings",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "DOTENV": "",
    }

    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    run("manage.py", "migrate", "-v0")
    with subprocess.Popen(
        [sys.executable, "-c", HALF_WAY, str(SLICE), "hang"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "half way\n"
        process.send_signal(signal.SIGKILL)
    assert run("-c", COUNT).split() == ["0", "0", "0"]
    lines = len(SLICE.read_bytes().splitlines())
    assert run("-c", HALF_WAY, str(SLICE), "go").split() == [str(lines)]
    assert run("-c", COUNT).split() == [str(lines), "1", "1"]
