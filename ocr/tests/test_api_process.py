"""`POST /api/ocr/process`: the reading, and what is done with it."""

from __future__ import annotations

from typing import Any

import pytest

from lotto.types import WHEELS
from ocr.autobot import evidence
from ocr.reader.types import Page, PageDate
from ocr.reader_process import ReadingProcess
from ocr.tests import coded
from ocr.tests.fakes import ScriptedReader
from ocr.tests.files import base64_of, board_file, plain_file
from ocr.tests.test_ai_services import DAY, picture
from ocr.types import PageKind
from sandbox import draws
from sandbox.testing import RunningLottoSite, RunningOpenRouter

pytestmark = pytest.mark.django_db
ADDRESS = "/api/ocr/process"
KEYS = {
    "success", "data_estrazione", "wheels", "wheels_count", "confidence", "doubtful",
    "page", "simbolotto", "ai_validation", "telegram", "upload", "timestamp",
}  # fmt: skip


def test_board_is_answered_as_the_reference_shows(
    api: Any, reading_process: ReadingProcess
) -> None:
    wheels, file = board_file()
    response = api.post(
        ADDRESS, {"image_base64": base64_of(file), "data_estrazione": "2025-12-02"}, format="json"
    )
    assert response.status_code == 200
    body = response.json()
    assert body["success"] is True
    assert body["wheels_count"] == 11
    assert body["wheels"] == {
        WHEELS[wheel]: [f"{number:02}" for number in numbers] for wheel, numbers in wheels.items()
    }
    assert body["confidence"] > 95
    assert body["doubtful"] == {}
    assert body["data_estrazione"] == "2025-12-02"
    assert (body["page"]["kind"], body["simbolotto"]) == ("draw", None)
    assert {"words": "CONCORSO", "kind": "draw", "weight": 3} in body["page"]["reasons"]
    assert body["page"]["dates"] == ["18/03/2026"]


def test_board_of_another_day_is_answered_and_sent_nowhere(
    api: Any, scripted: ScriptedReader
) -> None:
    wheels, _ = board_file()
    scripted.page = Page(PageKind.DRAW, "ESTRAZIONI", (PageDate(1, 12, 2025),))
    body = {
        "image_base64": base64_of(evidence.png(coded.board(wheels))),
        "data_estrazione": "2025-12-02", "send_telegram": True, "auto_upload": True,
    }  # fmt: skip
    answer = api.post(ADDRESS, body, format="json").json()
    assert answer["wheels_count"] == 11
    assert answer["page"]["dates"] == ["01/12/2025"]
    for outcome in (answer["telegram"], answer["upload"]):
        assert (outcome["success"], "another day" in outcome["detail"]) == (False, True)


def test_no_ai_is_asked_about_a_page_that_is_no_draw(api: Any, scripted: ScriptedReader) -> None:
    wheels, _ = board_file()
    scripted.page = Page(PageKind.UNKNOWN, "IL GIARDINO DI PIERO")
    file = base64_of(evidence.png(coded.board(wheels)))
    body = {"image_base64": file, "ai_validation": True}
    answer = api.post(ADDRESS, body, format="json").json()
    assert answer["page"]["kind"] == "unknown"
    assert "does not say" in answer["ai_validation"]["detail"]


@pytest.mark.usefixtures("scripted")
def test_wheel_in_doubt_is_listed_apart(api: Any) -> None:
    wheels, _ = board_file()
    file = evidence.png(coded.board({**wheels, "VE": wheels["VE"][:3]}))
    body = api.post(ADDRESS, {"image_base64": base64_of(file)}, format="json").json()
    assert body["wheels_count"] == 10
    (doubt,) = body["doubtful"].values()
    assert [each["number"] for each in doubt] == [
        *(f"{number:02}" for number in wheels["VE"][:3]), None, None,
    ]  # fmt: skip


@pytest.mark.usefixtures("scripted")
def test_a_picture_without_a_board_has_no_wheels(api: Any) -> None:
    body = api.post(ADDRESS, {"image_base64": base64_of(plain_file())}, format="json").json()
    assert (body["wheels"], body["wheels_count"], body["confidence"]) == ({}, 0, 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "image_base64"),
        ({"image_base64": "%%"}, "image_base64"),
        ({"image_base64": 5}, "image_base64"),
        ({"image_base64": "aGVsbG8="}, "image_base64"),
        ({"image_base64": "", "data_estrazione": "2025-12-02"}, "image_base64"),
        ({"image_base64": "aGVsbG8=", "data_estrazione": "2025-13-02"}, "data_estrazione"),
        ({"image_base64": "aGVsbG8=", "data_estrazione": "2999-01-01"}, "data_estrazione"),
    ],
)
def test_bad_bodies_are_reported_by_field(api: Any, body: Any, field: str) -> None:
    response = api.post(ADDRESS, body, format="json")
    assert response.status_code == 400
    assert field in response.json()["detail"]


def test_a_broken_file_is_a_400_too(api: Any, reading_process: ReadingProcess) -> None:
    _, file = board_file()
    response = api.post(ADDRESS, {"image_base64": base64_of(file[: len(file) // 2])}, format="json")
    assert (response.status_code, "broken" in response.json()["detail"]) == (400, True)


def test_too_large_an_image_is_a_413(api: Any) -> None:
    response = api.post(ADDRESS, {"image_base64": "A" * 14_500_000}, format="json")
    assert response.status_code == 413
    assert "10485760" in response.json()["detail"]


def test_images_may_be_larger_than_other_bodies(api: Any, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1_000
    body = {"image_base64": "A" * 5_000}
    assert api.post(ADDRESS, body, format="json").status_code == 400
    assert api.post("/api/lotto/save", body, format="json").status_code == 413


# --- What is done with it -------------------------------------------------------------------------


def board_with_a_hole() -> str:
    """The draw of DAY, without Venezia's last number."""
    wheels = draws.invented(DAY)
    return base64_of(evidence.png(coded.board({**wheels, "VE": wheels["VE"][:4]})))


def process(api: Any, **fields: Any) -> dict[str, Any]:
    body = {"image_base64": board_with_a_hole(), "data_estrazione": str(DAY), **fields}
    response = api.post("/api/ocr/process", body, format="json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    assert found.keys() == KEYS
    return found


def test_process_validates_and_uploads(
    api: Any,
    scripted: ScriptedReader,
    openrouter: RunningOpenRouter,
    lotto_site: RunningLottoSite,
) -> None:
    plain = process(api)
    assert (plain["ai_validation"], plain["telegram"], plain["upload"]) == (None, None, None)
    assert (plain["wheels_count"], list(plain["doubtful"])) == (10, ["VENEZIA"])
    full = process(api, ai_validation=True, auto_upload=True)
    right = draws.invented(DAY)
    assert (full["wheels_count"], full["doubtful"]) == (11, {})
    assert full["wheels"]["VENEZIA"] == [f"{number:02}" for number in right["VE"]]
    last = f"{right['VE'][4]:02}"
    assert full["ai_validation"] == {
        "success": True,
        "corrections": 1,
        "confidence": 98.0,
        "model": "anthropic/claude-sonnet-4.5",
        "confirmed": 0,
        "changes": [{"wheel": "VENEZIA", "place": 5, "before": None, "after": last}],
        "disputed": [],
    }
    assert (full["upload"]["success"], full["upload"]["wheels_uploaded"]) == (True, 11)
    kept = {wheel: list(numbers) for wheel, numbers in right.items()}
    assert lotto_site.server.draws == {str(DAY): kept}


def test_a_reading_survives_what_fails_after_it(
    api: Any,
    scripted: ScriptedReader,
    openrouter: RunningOpenRouter,
    lotto_site: RunningLottoSite,
    settings: Any,
) -> None:
    openrouter.faults.arm("down", "openrouter.chat")
    lotto_site.faults.arm("html", status=502)
    response = process(api, ai_validation=True, auto_upload=True, send_telegram=True)
    assert response["wheels_count"] == 10
    assert response["ai_validation"].pop("detail")
    assert response["ai_validation"] == {"success": False, "corrections": 0, "confidence": None}
    assert response["upload"].pop("detail")
    assert response["upload"] == {"success": False, "wheels_uploaded": 0}
    assert response["telegram"] == {"success": False, "detail": "Telegram is not configured."}
    settings.OPENROUTER_API_KEY = settings.LOTTO_SITE_URL = ""
    off = process(api, ai_validation=True, auto_upload=True)
    assert off["ai_validation"]["detail"] == "AI validation is not configured."
    assert off["upload"]["detail"] == "The Lotto site is not configured."


def test_nothing_sure_is_nothing_uploaded(
    api: Any, scripted: ScriptedReader, lotto_site: RunningLottoSite
) -> None:
    response = process(api, image_base64=base64_of(picture()), auto_upload=True)
    assert response["upload"]["detail"] == "No wheel is sure: nothing was sent."
    assert lotto_site.server.draws == {}
