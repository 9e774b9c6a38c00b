"""Messages to staff, over real HTTP, to a Telegram with the limits of the real one."""

from __future__ import annotations

import base64
import io
import logging
import traceback
from datetime import date
from typing import Any

import pytest
from django.utils import translation
from PIL import Image

from lotto.tests.test_dieci_e_lotto import PUBLISHED
from ocr.clients.telegram import TelegramBot
from ocr.clients.telegram_split import MAX_TEXT, length, parts
from ocr.outlets.telegram import draw_message, evening_message
from ocr.types import TelegramError
from sandbox.telegram import html_error
from sandbox.testing import BOT_TOKEN, CHAT, RunningTelegram

ADDRESS = "/api/ocr/telegram/send"


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def bot(telegram: RunningTelegram, waits: list[float]) -> TelegramBot:
    return TelegramBot(telegram.url, token=BOT_TOKEN, chat=CHAT, wait=waits.append)


def picture(size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "green").save(file, "JPEG")
    return file.getvalue()


def test_a_message_arrives(bot: TelegramBot, telegram: RunningTelegram) -> None:
    (sent,) = bot.send("ESTRAZIONE <b>LOTTO</b>", parse_mode="HTML")
    assert telegram.server.messages == [{"message_id": sent, "text": "ESTRAZIONE <b>LOTTO</b>"}]


def test_a_short_text_is_the_pictures_caption(bot: TelegramBot, telegram: RunningTelegram) -> None:
    (sent,) = bot.send("Bari", picture=picture())
    assert telegram.server.messages == [{"message_id": sent, "caption": "Bari", "photo": [64, 48]}]


def test_a_longer_text_follows_the_picture(bot: TelegramBot, telegram: RunningTelegram) -> None:
    text = "riga di testo\n" * 400
    assert len(bot.send(text, picture=picture())) == 3
    photo, *texts = telegram.server.messages
    assert photo["caption"] == ""
    assert "\n".join(message["text"] for message in texts).split() == text.split()


@pytest.mark.parametrize("html", [True, False])
def test_parts_are_no_longer_than_allowed_and_lose_nothing(html: bool) -> None:
    text = "<b>uno &amp; due <i>tre</i> 🎰 quattro</b>\n" * 300 if html else "uno due 🎰 tre " * 900
    found = parts(text, MAX_TEXT, html=html)
    assert len(found) > 1
    assert max(length(part, html=html) for part in found) <= MAX_TEXT
    assert "".join("".join(found).split()) == "".join(text.split())
    if html:
        assert not [part for part in found if html_error(part)]


def test_a_tag_that_spans_parts_is_closed_and_opened_again() -> None:
    found = parts("<pre>" + "parola " * 2_000 + "</pre>", MAX_TEXT, html=True)
    assert len(found) == 4
    for part in found:
        assert part.startswith("<pre>")
        assert part.endswith("</pre>")


def test_a_word_without_an_end_is_cut() -> None:
    assert [len(part) for part in parts("x" * 5_000, MAX_TEXT, html=False)] == [4096, 904]


def test_wrong_html_is_the_senders_fault(bot: TelegramBot) -> None:
    with pytest.raises(TelegramError, match="can't parse entities") as refused:
        bot.send("5 < 6 & 7", parse_mode="HTML")
    assert refused.value.is_refused


def test_too_many_messages_wait_as_long_as_asked(
    bot: TelegramBot, telegram: RunningTelegram, waits: list[float]
) -> None:
    slow_down = (
        '{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3",'
        '"parameters":{"retry_after":3}}'
    )
    telegram.faults.arm("answer", "telegram.message", status=429, body=slow_down)
    assert len(bot.send("ciao")) == 1
    assert waits == [3.0]


def test_error_of_a_long_wait_has_what_was_sent(
    bot: TelegramBot, telegram: RunningTelegram
) -> None:
    telegram.faults.arm(
        "answer", "telegram.message", status=429, body='{"parameters":{"retry_after":600}}'
    )
    with pytest.raises(TelegramError) as refused:
        bot.send("x" * 2_000, picture=picture())
    assert (refused.value.retry_after_s, refused.value.sent) == (600.0, 1)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("down", {}), ("html", {"status": 502}), ("rubbish", {}), ("truncated", {}),
        ("answer", {"status": 401, "body": '{"description":"Unauthorized"}'}),
        ("answer", {"body": "{}"}), ("answer", {"body": "[]"}), ("redirect", {"body": "/x"}),
    ],
    ids=["down", "html", "rubbish", "truncated", "401", "no result", "a list", "redirect"],
)  # fmt: skip
def test_errors_never_show_the_token(
    bot: TelegramBot, telegram: RunningTelegram, kind: str, options: Any, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # as the settings have it
    telegram.faults.arm(kind, "telegram.message", **options)
    with pytest.raises(TelegramError) as failed:
        bot.send("ciao")
    assert not failed.value.is_refused
    output = "".join(traceback.format_exception(failed.value)) + caplog.text
    assert BOT_TOKEN not in output
    assert len(telegram.server.messages) <= 1  # nothing was sent a second time


@pytest.mark.django_db
def test_the_endpoint_sends(api: Any, telegram: RunningTelegram) -> None:
    image = base64.b64encode(picture()).decode()
    body = {"message": "ESTRAZIONE LOTTO...", "parse_mode": "HTML", "image_base64": image}
    response = api.post(ADDRESS, body, format="json")
    assert response.status_code == 200
    sent = response.json()
    assert (sent["success"], sent["parts"]) == (True, 1)
    assert sent["message_ids"] == [telegram.server.messages[0]["message_id"]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"message": " "}, 400),
        ({"message": "x", "parse_mode": "TeX"}, 400),
        ({"message": "x", "image_base64": "aGVsbG8="}, 400),
        ({"message": "<x>", "parse_mode": "HTML"}, 400),
        ({"message": "x", "image_base64": "A" * 14_500_000}, 413),
    ],
    ids=["nothing", "blank", "mode", "image", "html", "large"],
)
def test_message_that_cannot_be_sent_is_an_error(
    api: Any, telegram: RunningTelegram, body: Any, status: int
) -> None:
    response = api.post(ADDRESS, body, format="json")
    assert (response.status_code, "detail" in response.json()) == (status, True)
    assert telegram.server.messages == []


@pytest.mark.django_db
def test_failures_of_telegram_are_no_fault_of_the_caller(
    api: Any, telegram: RunningTelegram, settings: Any
) -> None:
    telegram.faults.arm("down", "telegram.message")
    assert api.post(ADDRESS, {"message": "x"}, format="json").status_code == 502
    telegram.faults.arm(
        "answer", "telegram.message", status=429, body='{"parameters":{"retry_after":600}}'
    )
    busy = api.post(ADDRESS, {"message": "x"}, format="json")
    assert (busy.status_code, busy["Retry-After"]) == (503, "600")
    settings.TELEGRAM_BOT_TOKEN = ""
    off = api.post(ADDRESS, {"message": "x"}, format="json")
    assert (off.status_code, off.json()["detail"]) == (503, "Telegram is not configured.")


def test_draw_has_a_line_for_each_wheel() -> None:
    text = draw_message(date(2025, 12, 2), {"BA": (50, 29, 12, 47, 3), "RN": (1, 2, 3, 4, 5)})
    assert html_error(text) == ""
    assert text.splitlines() == [
        "<b>ESTRAZIONE LOTTO 02/12/2025</b>",
        "",
        "<code>BARI       50 29 12 47 03</code>",
        "<code>NAZIONALE  01 02 03 04 05</code>",
    ]


def test_the_evening_is_sent_with_what_is_certain() -> None:
    day = date(2026, 5, 30)
    with translation.override("it"):
        whole = evening_message(day, PUBLISHED)
        part = evening_message(day, {"CA": PUBLISHED["CA"]})
    assert whole.splitlines() == [
        "<b>10eLotto</b>",
        "<code>01 04 06 08 11 14 19 23 27 30</code>",
        "<code>55 59 64 72 73 76 79 80 82 84</code>",
        "Oro <code>80</code>",
        "Doppio Oro <code>80 08</code>",
        "Extra <code>18 25 26 31 32 35 39 48 49 54 56 67 70 78 81</code>",
        "Gong <code>60</code>",
    ]
    assert part.splitlines()[1:] == ["<code>27 79</code>"]
    assert "(" in part.splitlines()[0]
    assert evening_message(date(2009, 1, 2), PUBLISHED) == ""
