"""An import whose process is killed half way leaves the archive as it was."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_arq.tests.gateway import Processes, environment
from lotto.tests.conftest import SLICE

pytestmark = pytest.mark.timeout(120)
HALF_WAY = """
import sys, time, django
django.setup()
from lotto import imports
from lotto.models import Archive, Extraction, Intake

def count():
    print(Extraction.objects.count(), Archive.objects.count(), Intake.objects.count())

lines = open(sys.argv[1], "rb").read().splitlines()
def some():
    yield from lines[:100]
    if sys.argv[2] == "hang":
        print("half way", flush=True)
        time.sleep(60)
    yield from lines[100:]
if sys.argv[2] == "go":
    count()
print(imports.import_draws(some(), name="storico.txt").inserted, flush=True)
count()
"""


def test_killed_half_way(tmp_path: Path, migrated_data_dir: Path, processes: Processes) -> None:
    shutil.copytree(migrated_data_dir, tmp_path / "var")
    settings = {"DJANGO_SETTINGS_MODULE": "gateway_arq.settings", "DOTENV": ""}
    env = environment(tmp_path, **settings)

    def run(*arguments: str) -> list[str]:
        ended = processes.run(sys.executable, *arguments, env=env)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.split()

    command = (sys.executable, "-c", HALF_WAY, str(SLICE), "hang")
    with processes.running(*command, env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "half way\n"
        process.send_signal(signal.SIGKILL)
    lines = str(len(SLICE.read_bytes().splitlines()))
    assert run("-c", HALF_WAY, str(SLICE), "go") == ["0", "0", "0", lines, lines, "1", "1"]
