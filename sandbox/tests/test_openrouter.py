"""The sandbox's OpenRouter: what a client may count on, and its controls."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson
import pytest
import requests
from PIL import Image

from sandbox import draws
from sandbox.testing import AI_KEY, RunningOpenRouter, running_openrouter

DAY = date(2025, 10, 4)
RIGHT = draws.invented(DAY)["BA"]


@pytest.fixture
def router() -> Iterator[RunningOpenRouter]:
    with running_openrouter() as running:
        yield running


def picture(colour: str = "green") -> str:
    file = io.BytesIO()
    Image.new("RGB", (320, 180), colour).save(file, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def chat(
    router: RunningOpenRouter, text: str, *, url: str = "", key: str = AI_KEY, **more: Any
) -> requests.Response:
    content = [
        {"type": "text", "text": text},
        {"type": "image_url", "image_url": {"url": url or picture()}},
    ]
    body = {
        "model": "openai/gpt-4o",
        "messages": [{"role": "user", "content": content}],
        "response_format": {"type": "json_schema"},
        **more,
    }
    headers = {"Authorization": f"Bearer {key}"}
    return requests.post(f"{router.url}/chat/completions", json=body, headers=headers, timeout=10)


def reply_of(response: requests.Response) -> Any:
    return orjson.loads(response.json()["choices"][0]["message"]["content"])


def steer(router: RunningOpenRouter, **body: Any) -> int:
    url = router.url.removesuffix("/openrouter/v1") + "/_sandbox/openrouter"
    return requests.post(url, json=body, timeout=10).status_code


def prompt(numbers: list[int | None]) -> str:
    return "Look.\n" + orjson.dumps({"BA": numbers}).decode()


def test_holes_are_filled_from_the_draw_that_the_numbers_belong_to(
    router: RunningOpenRouter,
) -> None:
    others = {"CA": list(draws.invented(DAY)["CA"])}
    text = "\n" + orjson.dumps({"BA": [*RIGHT[:4], None], **others}).decode()
    assert reply_of(chat(router, text))["wheels"][0] == {"wheel": "BA", "numbers": list(RIGHT)}
    again = reply_of(chat(router, "the same picture, without the numbers"))
    assert again["wheels"][0]["numbers"] == list(RIGHT)
    unseen = reply_of(chat(router, "another picture", url=picture("red")))
    assert unseen == {"wheels": [], "confidence": 0}


@pytest.mark.parametrize("numbers", [[*RIGHT[:2], None, None, None], [1, 2, 3, 4, 5]])
def test_what_belongs_to_no_draw_is_only_repeated(
    router: RunningOpenRouter, numbers: list[int | None]
) -> None:
    assert reply_of(chat(router, prompt(numbers)))["wheels"] == [
        {"wheel": "BA", "numbers": numbers}
    ]


def test_what_its_models_see_say_and_cost_can_be_set(router: RunningOpenRouter) -> None:
    assert steer(router, wheels={"VE": [1, 2, 3, 4, 5]}, cost=0.5) == 200
    response = chat(router, prompt([None] * 5))
    assert reply_of(response)["wheels"] == [{"wheel": "VE", "numbers": [1, 2, 3, 4, 5]}]
    assert response.json()["usage"]["cost"] == 0.5
    steer(router, wheels=None, says="No.", cost=None)
    assert chat(router, "?").json()["choices"][0]["message"]["content"] == "No."
    steer(router, says=None, error={"code": 502, "message": "down"})
    failed = chat(router, "?")
    assert (failed.status_code, failed.json()["error"]["code"]) == (200, 502)
    steer(router, error=None)
    assert chat(router, "?").json()["choices"]
    assert (steer(router, wheels=5), steer(router, key="mine")) == (400, 400)
    assert router.server.key == AI_KEY


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"key": "wrong"}, 401),
        ({"model": "no/such"}, 400),
        ({"model": "openai/gpt-3.5-turbo"}, 404),
        ({"messages": []}, 400),
        ({"url": "data:image/jpeg;base64,aGVsbG8="}, 400),
    ],
)
def test_what_openrouter_refuses_is_refused(
    router: RunningOpenRouter, more: dict[str, Any], status: int
) -> None:
    response = chat(router, "?", **more)
    assert (response.status_code, response.json()["error"]["code"]) == (status, status)
    assert router.server.asked == []


def test_without_a_schema_the_reply_is_plain_text(router: RunningOpenRouter) -> None:
    text = chat(router, "?", response_format=None).json()["choices"][0]["message"]["content"]
    assert "320 x 180" in text
    assert "sandbox" in text
