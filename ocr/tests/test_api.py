"""The endpoints of AI, configuration and Lotto site: exact keys, and clear errors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.lib.days import local_day
from lotto.types import WHEELS
from ocr.models import AiUse
from ocr.tests.files import base64_of
from ocr.tests.test_ai_services import faulty, picture
from ocr.tests.test_outlets_lotto_site import WHEELS as DRAW
from sandbox.testing import AI_KEY, SITE_PASSWORD, RunningLottoSite, RunningOpenRouter

pytestmark = pytest.mark.django_db
NAMED = {WHEELS[wheel]: [f"{number:02}" for number in numbers] for wheel, numbers in DRAW.items()}
UPLOAD = {"wheels": NAMED, "data_estrazione": "2025-12-02"}


def ask(api: Any, **more: Any) -> Any:
    body = {"image_base64": base64_of(picture()), "prompt": "Verify these numbers...", **more}
    return api.post("/api/ocr/ai/validate", body, format="json")


def test_ai_validate_answers_as_the_reference_shows(
    api: Any, openrouter: RunningOpenRouter
) -> None:
    openrouter.server.says = "BARI 50 29 12 47 73"
    response = ask(api, model="openai/gpt-4o")
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"success", "model", "response", "usage", "timestamp"}
    assert body["usage"].keys() == {"prompt_tokens", "completion_tokens", "cost_usd"}
    assert (body["success"], body["model"]) == (True, "openai/gpt-4o")
    assert body["response"] == "BARI 50 29 12 47 73"
    (asked,) = openrouter.server.asked
    assert asked == {
        "model": "openai/gpt-4o",
        "text": "Verify these numbers...",
        "size": (640, 360),
    }
    assert AiUse.objects.get().prompt_tokens == body["usage"]["prompt_tokens"]


def test_ai_models_are_answered_as_the_reference_shows(
    api: Any, openrouter: RunningOpenRouter
) -> None:
    body = api.get("/api/ocr/ai/models").json()
    assert body.keys() == {"models", "default", "count", "timestamp"}
    assert body["count"] == len(body["models"]) == 3
    assert body["default"] == "anthropic/claude-sonnet-4.5"
    assert body["models"][0] == {
        "id": "anthropic/claude-sonnet-4.5",
        "name": "Anthropic: Claude Sonnet 4.5",
        "context_length": 200_000,
        "pricing": {"prompt": "0.000003", "completion": "0.000015", "image": "0"},
        "structured_outputs": True,
    }


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"),
    [
        (faulty('{"error":{"code":502,"message":"down"}}'), 502, None),
        ({"kind": "down", "route": "openrouter.chat"}, 502, None),
        (faulty('{"error":{"code":400,"message":"no"}}', 400), 400, None),
        (faulty("", 429, retry_after="120"), 503, "120"),
    ],
)
def test_failures_of_the_ai_are_reported(
    api: Any, openrouter: RunningOpenRouter, fault: Any, status: int, retry_after: str | None
) -> None:
    openrouter.faults.arm(**fault)
    response = ask(api)
    assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)
    assert response.json()["success"] is False
    assert response.json()["detail"]


@pytest.mark.parametrize(
    "more",
    [{"prompt": " "}, {"prompt": 5}, {"prompt": "x" * 20_001}, {"model": "no/such"}, {"model": ""},
     {"image_base64": "aGVsbG8="}, {"image_base64": ""}],
)  # fmt: skip
def test_what_cannot_be_asked_is_a_400(
    api: Any, openrouter: RunningOpenRouter, more: dict[str, Any]
) -> None:
    response = ask(api, **more)
    assert (response.status_code, "detail" in response.json()) == (400, True)
    assert openrouter.server.asked == []


def test_a_broken_picture_is_a_400_and_a_large_one_a_413(
    api: Any, openrouter: RunningOpenRouter
) -> None:
    assert ask(api, image_base64=base64_of(picture()[:200])).status_code == 400
    assert ask(api, image_base64="A" * 14_500_000).status_code == 413
    assert not AiUse.objects.exists()


def test_disabled_services_are_a_503(api: Any, settings: Any) -> None:
    settings.OPENROUTER_API_KEY = settings.LOTTO_SITE_URL = ""
    responses = [
        ask(api),
        api.get("/api/ocr/ai/models"),
        api.get("/api/ocr/riscontri"),
        api.post("/api/ocr/lotto/upload", UPLOAD, format="json"),
    ]
    assert [each.status_code for each in responses] == [503] * 4
    assert {each.json()["detail"] for each in responses} == {
        "AI validation is not configured.", "The Lotto site is not configured.",
    }  # fmt: skip


def test_configuration_has_no_secret(
    api: Any, openrouter: RunningOpenRouter, lotto_site: RunningLottoSite
) -> None:
    openrouter.server.cost = 0.125
    ask(api)
    response = api.get("/api/ocr/config")
    body = response.json()
    assert body.pop("timestamp")
    assert body == {
        "ai": {
            "enabled": True,
            "default_model": "anthropic/claude-sonnet-4.5",
            "monthly_budget_usd": 20,
            "spent_usd": 0.125,
        },
        "telegram": {"enabled": False},
        "upload": {"enabled": True},
    }
    assert AI_KEY not in response.content.decode()
    assert SITE_PASSWORD not in response.content.decode()


def test_an_upload_is_answered_as_the_reference_shows(
    api: Any, lotto_site: RunningLottoSite
) -> None:
    body = api.post("/api/ocr/lotto/upload", UPLOAD, format="json").json()
    assert body.pop("timestamp")
    assert body == {
        "success": True,
        "wheels_uploaded": 2,
        "results": [{"wheel": "BARI", "success": True}, {"wheel": "NAZIONALE", "success": True}],
    }
    stored = {"2025-12-02": {wheel: list(numbers) for wheel, numbers in DRAW.items()}}
    assert lotto_site.server.draws == stored
    by_code = {"wheels": {w: list(n) for w, n in DRAW.items()}, "data_estrazione": "2025/12/02"}
    assert api.post("/api/ocr/lotto/upload", by_code, format="json").json()["success"]
    assert lotto_site.server.draws == stored


def test_wheel_that_the_site_refuses_is_reported(api: Any, lotto_site: RunningLottoSite) -> None:
    lotto_site.server.refused = {"BA": "Closed."}
    body = api.post("/api/ocr/lotto/upload", UPLOAD, format="json").json()
    assert (body["success"], body["wheels_uploaded"]) == (False, 1)
    assert body["results"][0] == {"wheel": "BARI", "success": False, "detail": "Closed."}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "wheels"),
        ({"wheels": NAMED}, "data_estrazione"),
        ({**UPLOAD, "wheels": {}}, "wheels"),
        ({**UPLOAD, "wheels": {"BARI": ["1", "2", "3", "4"]}}, "wheels.BARI"),
        ({**UPLOAD, "wheels": {"BARI": ["1", "2", "3", "4", "91"]}}, "wheels.BARI"),
        ({**UPLOAD, "wheels": {"BARI": ["1", "2", "3", "4", "04"]}}, "must differ"),
        ({**UPLOAD, "wheels": {"BARI": ["1", "2", "3", "4", "x"]}}, "wheels.BARI"),
        ({**UPLOAD, "wheels": {"BARI": [1, 2, 3, 4, None]}}, "wheels"),
        ({**UPLOAD, "wheels": {"PARIGI": [1, 2, 3, 4, 5]}}, "PARIGI"),
        ({**UPLOAD, "wheels": {"BARI": [1, 2, 3, 4, 5], "BA": [1, 2, 3, 4, 5]}}, "twice"),
        ({**UPLOAD, "wheels": {f"W{n}": [1] for n in range(30)}}, "wheels"),
        ({**UPLOAD, "data_estrazione": "2025-13-02"}, "data_estrazione"),
        ({**UPLOAD, "data_estrazione": str(local_day() + timedelta(3))}, "data_estrazione"),
    ],
)
def test_a_wrong_upload_sends_nothing(
    api: Any, lotto_site: RunningLottoSite, body: Any, text: str
) -> None:
    response = api.post("/api/ocr/lotto/upload", body, format="json")
    assert response.status_code == 400
    assert text in response.json()["detail"]
    assert lotto_site.server.draws == {}


def test_the_page_of_wins_is_passed_on(api: Any, lotto_site: RunningLottoSite) -> None:
    first, second = (api.get(f"/api/ocr/riscontri{q}").json() for q in ("", "?da=20"))
    assert first.keys() == {"success", "html", "current_offset", "timestamp"}
    assert (first["success"], first["current_offset"], second["current_offset"]) == (True, 0, 20)
    assert "<h1>Riscontri" in first["html"]
    assert first["html"] != second["html"]


@pytest.mark.parametrize("da", ["-1", "x", "1000001", "1.5"])
def test_a_wrong_offset_is_a_400(api: Any, lotto_site: RunningLottoSite, da: str) -> None:
    assert api.get(f"/api/ocr/riscontri?da={da}").status_code == 400


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"),
    [
        ({"kind": "down"}, 502, None),
        ({"kind": "answer", "status": 503, "retry_after": "30"}, 503, "30"),
        ({"kind": "answer", "status": 401}, 502, None),
    ],
)
def test_failures_of_the_site_are_reported(
    api: Any, lotto_site: RunningLottoSite, fault: Any, status: int, retry_after: str | None
) -> None:
    for call in (
        lambda: api.post("/api/ocr/lotto/upload", UPLOAD, format="json"),
        lambda: api.get("/api/ocr/riscontri"),
    ):
        lotto_site.faults.clear()
        lotto_site.faults.arm(**fault, times=2)  # a GET may be tried again
        response = call()
        assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)
        assert response.json()["success"] is False
