"""The Lotto operator: the real history, a new draw every evening, a ZIP with an ETag."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import requests

from core.lib.http import HttpClient
from sandbox import draws
from sandbox.testing import RunningOperator, running_operator

NOVEMBER_2026 = 1_795_543_200.0  # Tuesday 2026-11-24, 19:00 in Rome


def published(operator: RunningOperator, name: str = "storico") -> list[bytes]:
    body = requests.get(operator.url.replace("storico", name), timeout=10).content
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.read(f"{name}.txt").splitlines()


def test_the_file_is_the_real_history_and_invented_draws_from_then_on() -> None:
    with running_operator(now=NOVEMBER_2026) as operator:
        lines = published(operator)
        real = draws.history().splitlines()
        assert lines[: len(real)] == real
        assert lines == sorted(lines)
        assert lines[-1].startswith(b"2026/11/21\tVE\t")  # Saturday; today's is not out yet
        operator.clock.now += 4 * 3600
        assert published(operator)[-1].startswith(b"2026/11/24\tVE\t")
        short = published(operator, "storico01-oggi")
        assert short[0].startswith(b"2001/01/03\tBA\t")
        assert short == published(operator)[-len(short) :]


def test_an_unchanged_file_is_a_304_and_withheld_draws_are_missing() -> None:
    with running_operator(now=NOVEMBER_2026) as operator:
        base, _, target = operator.url.rpartition("/")
        client = HttpClient(base)
        first = client.get_if_changed(f"/{target}", etag="", timeout_s=10)
        assert client.get_if_changed(f"/{target}", etag=first.etag, timeout_s=10) is None
        control = f"{base.removesuffix('/lotto')}/_sandbox/lotto"
        response = requests.post(control, json={"withhold": 2}, timeout=10).json()
        assert response["lines"] == len(published(operator))
        changed = client.get_if_changed(f"/{target}", etag=first.etag, timeout_s=10)
        assert changed.etag != first.etag
        assert published(operator)[-1].startswith(b"2026/11/19\t")
        assert requests.post(control, json={"withhold": -1}, timeout=10).status_code == 400
        assert requests.get(f"{base}/other.zip", timeout=10).status_code == 404
        client.close()


def test_a_day_has_the_same_draw_in_every_process() -> None:
    draw = draws.invented(date(2026, 11, 24))
    assert draw["BA"] == draws.invented(date(2026, 11, 24))["BA"]
    assert all(len(set(numbers)) == 5 for numbers in draw.values())
    assert draws.invented(date(2026, 11, 23)) == {}
