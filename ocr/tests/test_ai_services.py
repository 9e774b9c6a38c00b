"""The AI over real HTTP: requests, costs and failures."""

from __future__ import annotations

import io
import logging
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client
from PIL import Image

from core.lib.upstream import NotConfigured
from ocr.ai import budget, services
from ocr.clients.openrouter import OpenRouter
from ocr.models import AiUse
from ocr.reader.types import NumberReading, Reading
from ocr.tests.test_ai_consensus import doubt, sure
from ocr.types import AiError, AiRequest
from sandbox import draws
from sandbox.testing import AI_KEY, RunningOpenRouter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("scripted")]
DAY = date(2025, 10, 4)  # of a draw that the sandbox has invented, before its evening
MODEL = "anthropic/claude-sonnet-4.5"


def picture(size: tuple[int, int] = (640, 360)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "green").save(file, "PNG")
    return file.getvalue()


def board(*last: NumberReading) -> Reading:
    """The draw of DAY, with these as the last numbers of Venezia."""
    wheels = {wheel: tuple(map(sure, numbers)) for wheel, numbers in draws.invented(DAY).items()}
    return Reading({**wheels, "VE": (*wheels["VE"][: 5 - len(last)], *last)})


def faulty(body: str, status: int = 200, **more: Any) -> dict[str, Any]:
    return {"kind": "answer", "route": "openrouter.chat", "body": body, "status": status, **more}


def test_doubt_is_settled_and_the_cost_is_stored(openrouter: RunningOpenRouter) -> None:
    right = draws.invented(DAY)["VE"]
    found = services.validate(picture(), board(doubt(right[3]), doubt(None)))
    assert found.reading.sure()["VE"] == right
    assert [(c.wheel, c.place, c.before, c.after) for c in found.corrections] == [
        ("VE", 5, None, right[4])
    ]
    assert (found.confirmed, found.confidence, found.model) == (1, 98.0, MODEL)
    informed, blind = openrouter.server.asked
    assert str(list(draws.invented(DAY)["BA"])).replace(" ", "") in informed["text"]
    assert blind["text"] in informed["text"]
    first, second = AiUse.objects.order_by("id")
    assert (first.purpose, first.state, first.model) == ("validate", "answered", MODEL)
    assert first.cost_usd == Decimal(
        f"{first.prompt_tokens * 3e-6 + first.completion_tokens * 15e-6:.6f}"
    )
    assert budget.spent_usd() == first.cost_usd + second.cost_usd > 0


def test_confirmed_guess_needs_one_request(openrouter: RunningOpenRouter) -> None:
    right = draws.invented(DAY)["VE"]
    assert services.validate(picture(), board(doubt(right[4]))).reading.sure()["VE"] == right
    assert len(openrouter.server.asked) == 1


def test_large_pictures_are_sent_smaller(openrouter: RunningOpenRouter) -> None:
    services.validate(picture((4000, 2000)), board())
    assert openrouter.server.asked[0]["size"] == (1568, 784)


def test_nothing_is_asked_about_no_board(openrouter: RunningOpenRouter) -> None:
    assert services.validate(picture(), Reading({})).reading == Reading({})
    assert openrouter.server.asked == []


def test_without_a_second_opinion_the_first_one_counts(openrouter: RunningOpenRouter) -> None:
    right = draws.invented(DAY)["VE"]
    openrouter.server.wheels = {"VE": [*right]}
    openrouter.faults.arm("slow", "openrouter.chat")  # the first one gets a response
    openrouter.faults.arm("down", "openrouter.chat")
    found = services.validate(picture(), board(doubt(right[3]), doubt(None)))
    assert (found.confirmed, found.corrections) == (1, ())
    assert found.reading.wheels["VE"][4].number is None


def test_missing_key_is_an_error(settings: Any) -> None:
    settings.OPENROUTER_API_KEY = ""
    assert not services.is_on()
    for call in (
        services.models,
        lambda: services.ask(picture(), "?"),
        lambda: services.validate(picture(), board()),
    ):
        with pytest.raises(NotConfigured):
            call()


def test_only_vision_models_are_listed_and_the_list_is_cached(
    openrouter: RunningOpenRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [model.id for model in services.models()] == [
        MODEL, "google/gemini-2.5-flash", "openai/gpt-4o",
    ]  # fmt: skip
    openrouter.faults.arm("down", "openrouter.models", times=0)
    assert len(services.models()) == 3
    with time_machine.travel(datetime.now(UTC).timestamp() + 7_200):
        assert len(services.models()) == 3  # old, and better than none
    monkeypatch.setattr(services, "_list", ("", 0.0, []))
    with pytest.raises(AiError):
        services.models()


def test_a_list_in_pages_is_read_to_its_end(openrouter: RunningOpenRouter) -> None:
    one = '{"id":"%s","architecture":{"input_modalities":["image"]},"pricing":{"prompt":"-1"}}'
    for number, links in ((1, '{"next":"/models?offset=1"}'), (2, "{}")):
        body = f'{{"data":[{one % number}],"links":{links}}}'
        openrouter.faults.arm("answer", "openrouter.models", body=body)
    found = services.models()
    assert [model.id for model in found] == ["1", "2"]
    assert found[0].prompt_usd is None


def test_the_settings_choose_which_models_may_be_asked(
    openrouter: RunningOpenRouter, settings: Any
) -> None:
    settings.OPENROUTER_MODELS = ["openai/gpt-4o"]
    assert [model.id for model in services.models()] == [MODEL, "openai/gpt-4o"]
    assert services.ask(picture(), "?", "openai/gpt-4o").model == "openai/gpt-4o"
    for other in ("google/gemini-2.5-flash", "openai/gpt-3.5-turbo", "no/such"):
        with pytest.raises(AiError) as refused:
            services.ask(picture(), "?", other)
        assert refused.value.is_refused
    assert len(openrouter.server.asked) == 1


def test_without_a_list_only_the_chosen_models_are_asked(
    openrouter: RunningOpenRouter, settings: Any
) -> None:
    settings.OPENROUTER_MODELS = ["openai/gpt-4o"]
    openrouter.faults.arm("down", "openrouter.models", times=0)
    assert services.ask(picture(), "?", "openai/gpt-4o").text
    with pytest.raises(AiError, match="no vision model"):
        services.ask(picture(), "?", "google/gemini-2.5-flash")


@pytest.mark.parametrize(
    ("fault", "text", "is_refused", "is_free"),
    [
        (faulty('{"error":{"code":502,"message":"Provider returned error"}}'),
         "Provider returned error", False, False),
        (faulty('{"error":{"code":400,"message":"bad"},"usage":{"cost":0.5}}'),
         "bad", True, False),
        (faulty('{"choices":[{"error":{"code":403,"message":"flagged"}}]}'),
         "flagged", True, False),
        (faulty('{"choices":[{"finish_reason":"length","message":{"content":"{"}}]}'),
         "too long", False, False),
        (faulty('{"choices":[{"message":{"content":null}}]}'), "empty", False, False),
        (faulty("{}"), "empty", False, False), (faulty("[]"), "empty", False, False),
        (faulty('{"choices":[7]}'), "empty", False, False),
        (faulty('{"error":{"message":"credits"}}', 402), "credits", False, True),
        (faulty('{"error":"no"}', 401), "no", False, True),
        (faulty('{"error":{"message":"model down"}}', 502), "model down", False, True),
        (faulty('{"error":{"message":"moderation"}}', 403), "moderation", True, True),
        ({"kind": "down", "route": "openrouter.chat"}, "cut", False, False),
        ({"kind": "rubbish", "route": "openrouter.chat"}, "not JSON", False, False),
        ({"kind": "truncated", "route": "openrouter.chat"}, "not JSON", False, False),
        ({"kind": "huge", "route": "openrouter.chat"}, "bytes", False, False),
        ({"kind": "bomb", "route": "openrouter.chat"}, "bytes", False, False),
        ({"kind": "hang", "route": "openrouter.chat"}, "within", False, False),
        ({"kind": "drip", "route": "openrouter.chat", "delay_s": 0.1}, "within", False, False),
        ({"kind": "redirect", "route": "openrouter.chat", "body": "/x"}, "redirect", False, False),
    ],
)  # fmt: skip
def test_every_failure_is_one_error_without_the_key(
    openrouter: RunningOpenRouter, settings: Any, caplog: Any,
    fault: dict[str, Any], text: str, is_refused: bool, is_free: bool,
) -> None:  # fmt: skip
    settings.OPENROUTER_TIMEOUT_S = 1.0 if text == "within" else 30.0
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # as the settings have it
    openrouter.faults.arm(**fault)
    with pytest.raises(AiError, match=text) as failed:
        services.ask(picture(), "?")
    assert failed.value.is_refused is is_refused
    assert AI_KEY not in "".join(traceback.format_exception(failed.value)) + caplog.text
    use = AiUse.objects.get()
    assert (use.state, text in use.detail) == ("failed", True)
    assert (use.cost_usd == 0) is is_free  # else it may have been billed: the most counts


def test_key_that_is_echoed_is_masked(openrouter: RunningOpenRouter) -> None:
    openrouter.faults.arm(**faulty(f'{{"error":{{"message":"bad key {AI_KEY}"}}}}', 401))
    with pytest.raises(AiError, match=r"bad key \[key\]"):
        services.ask(picture(), "?")


@pytest.mark.parametrize("said", ["I see no board.", '{"wheels": []}'])
def test_response_against_the_schema_is_paid_and_rejected(
    openrouter: RunningOpenRouter, said: str
) -> None:
    openrouter.server.says, openrouter.server.cost = said, 0.02
    with pytest.raises(AiError, match="not what was asked for"):
        services.validate(picture(), board(doubt(None)))
    assert AiUse.objects.get().cost_usd == Decimal("0.02")


def test_short_wait_is_waited_for(openrouter: RunningOpenRouter) -> None:
    waits: list[float] = []
    client = OpenRouter(openrouter.url, key=AI_KEY, timeout_s=5, wait=waits.append)
    openrouter.faults.arm(**faulty("", 429, retry_after="3"))
    assert client.ask(AiRequest(MODEL, "?", picture())).text
    openrouter.faults.arm(**faulty("", 429, times=2))
    with pytest.raises(AiError):
        client.ask(AiRequest(MODEL, "?", picture()))
    assert waits == [3.0, 5.0]


def test_long_wait_holds_for_every_request(openrouter: RunningOpenRouter) -> None:
    openrouter.faults.arm(**faulty("", 429, retry_after="600"))
    for _ in range(2):
        with pytest.raises(AiError) as later:
            services.ask(picture(), "?")
        assert 599 < later.value.retry_after_s <= 600
    assert (openrouter.server.asked, AiUse.objects.count()) == ([], 1)
    with time_machine.travel(datetime.now(UTC).timestamp() + 601):
        assert services.ask(picture(), "?").text


def test_no_pause_is_longer_than_an_hour(openrouter: RunningOpenRouter) -> None:
    openrouter.faults.arm(**faulty("", 429, retry_after="9" * 30))
    with pytest.raises(AiError):
        services.ask(picture(), "?")
    with pytest.raises(AiError) as later:
        services.ask(picture(), "?")
    assert later.value.retry_after_s == pytest.approx(3_600, abs=5)


def test_the_budget_is_of_the_local_month(openrouter: RunningOpenRouter, settings: Any) -> None:
    settings.OPENROUTER_MONTHLY_BUDGET = 0.3
    openrouter.server.cost = 0.2
    with time_machine.travel(datetime(2025, 10, 31, 22, 30, tzinfo=UTC)):  # 23:30 in Rome
        assert services.ask(picture(), "?").usage.cost_usd == Decimal("0.2")
        openrouter.server.cost = 0.1
        assert services.ask(picture(), "?").text
        with pytest.raises(AiError, match=r"0\.3 US dollars") as spent:
            services.ask(picture(), "?")
        assert spent.value.retry_after_s == pytest.approx(1_800, abs=5)
    with time_machine.travel(datetime(2025, 10, 31, 23, 0, 1, tzinfo=UTC)):
        assert budget.spent_usd() == 0
        assert services.ask(picture(), "?").text


def test_request_of_a_killed_process_counts(openrouter: RunningOpenRouter, settings: Any) -> None:
    settings.OPENROUTER_MONTHLY_BUDGET = 1
    budget.opened(AiUse.Purpose.ASK, MODEL, Decimal("0.99"))
    with pytest.raises(AiError, match="used up"):
        services.ask(picture(), "?")


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_cannot_exceed_the_budget(
    openrouter: RunningOpenRouter, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_room", threading.BoundedSemaphore(4))
    maximum = budget.max_usd(next(m for m in services.models() if m.id == MODEL), "?")
    settings.OPENROUTER_MONTHLY_BUDGET = float(maximum * Decimal("2.5"))
    openrouter.server.cost = float(maximum)
    openrouter.faults.arm("slow", "openrouter.chat", times=0, delay_s=0.2)

    def ask(_: int) -> bool:
        try:
            return bool(services.ask(picture(), "?").text)
        except AiError:
            return False
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(ask, range(4))) == 2
    assert budget.spent_usd() <= Decimal(str(settings.OPENROUTER_MONTHLY_BUDGET))


def test_process_has_few_requests_at_once(
    openrouter: RunningOpenRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_room", threading.BoundedSemaphore(1))
    with services._room, pytest.raises(AiError, match="Too many") as busy:
        services.ask(picture(), "?")
    assert busy.value.retry_after_s == 5
    assert not AiUse.objects.exists()
    assert services.ask(picture(), "?").text


def test_staff_see_requests_and_their_cost(
    admin_client: Client, openrouter: RunningOpenRouter
) -> None:
    openrouter.server.cost = 0.1234
    services.ask(picture(), "?")
    openrouter.faults.arm(**faulty('{"error":{"message":"model down"}}', 502))
    with pytest.raises(AiError):
        services.ask(picture(), "?")
    listed = admin_client.get("/admin/ocr/aiuse/").content.decode()
    assert "0,1234" in listed
    assert "model down" in listed
    one = f"/admin/ocr/aiuse/{AiUse.objects.first().pk}"
    assert admin_client.get(f"{one}/change/").status_code == 200
    assert admin_client.post(f"{one}/delete/").status_code == 403
