"""Falls and recoveries of a connection in the log."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from core.lib import outage
from core.lib.outage import Outage


def test_outage_lasts_until_its_last_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", outage.__name__)
    times = iter((10.0, 12.0, 13.5))
    monkeypatch.setattr(outage, "time", SimpleNamespace(monotonic=times.__next__))
    connection = Outage("control")
    for _ in range(3):
        connection.began(OSError("refused"))
    connection.over()  # whenever it is used again
    assert caplog.messages == ["control.lost error=refused", "control.recovered outage_s=3.5"]
