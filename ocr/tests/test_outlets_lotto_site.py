"""The Lotto site over real HTTP: uploads, refusals and failures."""

from __future__ import annotations

import logging
import traceback
from datetime import date, timedelta
from typing import Any

import pytest

from core.lib.days import local_day
from core.lib.upstream import NotConfigured, UpstreamError
from ocr.outlets import lotto_site as site
from ocr.types import WheelUploaded
from sandbox.testing import SITE_PASSWORD, RunningLottoSite

DAY = date(2025, 12, 2)
WHEELS = {"BA": (50, 29, 12, 47, 73), "RN": (16, 25, 48, 81, 88)}
DONE = [WheelUploaded("BA", True), WheelUploaded("RN", True)]


def test_wheels_are_stored_by_day_and_may_be_sent_again(lotto_site: RunningLottoSite) -> None:
    assert site.upload(DAY, WHEELS) == DONE
    assert site.upload(DAY, WHEELS) == DONE
    assert site.upload(DAY, {"RN": (1, 2, 3, 4, 5)}) == [DONE[1]]  # corrected since
    assert lotto_site.server.draws == {
        "2025-12-02": {"BA": [50, 29, 12, 47, 73], "RN": [1, 2, 3, 4, 5]}
    }


def test_without_wheels_nothing_is_sent(lotto_site: RunningLottoSite) -> None:
    lotto_site.faults.arm("down")
    assert site.upload(DAY, {}) == []


def test_a_wheel_that_is_refused_says_why(lotto_site: RunningLottoSite) -> None:
    lotto_site.server.refused = {"BA": "Closed for tonight."}
    assert site.upload(DAY, WHEELS) == [
        WheelUploaded("BA", False, "Closed for tonight."), DONE[1],
    ]  # fmt: skip


def test_what_the_site_does_not_confirm_is_not_done(lotto_site: RunningLottoSite) -> None:
    body = '{"results":[{"wheel":"BA","status":"queued"},{"wheel":"VE","status":"created"},7]}'
    lotto_site.faults.arm("answer", "lotto_site.draws", body=body)
    assert site.upload(DAY, WHEELS) == [
        WheelUploaded("BA", False, "queued"),
        WheelUploaded("RN", False, "The site does not confirm it."),
    ]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("down", {}), ("html", {"status": 502}), ("html", {}), ("rubbish", {}), ("truncated", {}),
        ("answer", {"body": "{}"}), ("answer", {"body": "[]"}), ("redirect", {"body": "/x"}),
        ("hang", {}), ("drip_head", {"delay_s": 0.05}), ("huge", {}), ("bomb", {}),
        ("answer", {"status": 401, "body": '{"detail":"Wrong user or password"}'}),
    ],
)  # fmt: skip
def test_every_failure_is_one_error_without_the_password(
    lotto_site: RunningLottoSite, settings: Any, caplog: Any, kind: str, options: Any
) -> None:
    settings.LOTTO_SITE_TIMEOUT_S = 0.5
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # as the settings have it
    lotto_site.faults.arm(kind, "lotto_site.draws", **options)
    with pytest.raises(UpstreamError) as failed:
        site.upload(DAY, WHEELS)
    output = "".join(traceback.format_exception(failed.value)) + caplog.text
    assert SITE_PASSWORD not in output
    assert "Basic " not in output


def test_error_has_the_message_of_the_site(lotto_site: RunningLottoSite, settings: Any) -> None:
    lotto_site.faults.arm("answer", "lotto_site.draws", status=503, retry_after="30", body="{}")
    with pytest.raises(UpstreamError) as busy:
        site.upload(DAY, WHEELS)
    assert busy.value.retry_after_s == 30
    with pytest.raises(UpstreamError, match="in the future"):
        site.upload(local_day() + timedelta(days=2), WHEELS)
    settings.LOTTO_SITE_PASSWORD = "another"
    with pytest.raises(UpstreamError, match="Wrong user or password"):
        site.upload(DAY, WHEELS)


def test_the_page_of_wins_is_read_from_an_offset_on(lotto_site: RunningLottoSite) -> None:
    first, second = site.riscontri(), site.riscontri(20)
    assert "Riscontri" in first
    assert first != second
    assert first.count("<tr>") == second.count("<tr>") == 21
    assert site.riscontri(10_000).count("<tr>") == 1


def test_an_old_page_is_read_too(lotto_site: RunningLottoSite) -> None:
    lotto_site.faults.arm("rubbish", "lotto_site.riscontri")
    assert isinstance(site.riscontri(), str)
    lotto_site.faults.arm("huge", "lotto_site.riscontri")
    with pytest.raises(UpstreamError, match="bytes"):
        site.riscontri()


def test_missing_and_wrong_settings_are_errors(settings: Any) -> None:
    settings.LOTTO_SITE_URL = ""
    with pytest.raises(NotConfigured):
        site.upload(DAY, WHEELS)
    settings.LOTTO_SITE_URL, settings.LOTTO_SITE_USER = "ftp://example.test", "x"
    with pytest.raises(UpstreamError, match="no http address"):
        site.riscontri()
