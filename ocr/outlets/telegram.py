"""Messages to staff on Telegram, by the bot and in the chat of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

from django.conf import settings
from django.utils.translation import gettext as _

from core.lib.upstream import NotConfigured
from lotto.dieci_e_lotto import dieci_e_lotto
from lotto.types import WHEELS
from ocr.clients.telegram import ParseMode, TelegramBot


def is_on() -> bool:
    """Whether there is a bot and a chat to write to."""
    return bool(settings.TELEGRAM_BOT_TOKEN and settings.TELEGRAM_CHAT_ID)


def send(
    text: str, *, parse_mode: ParseMode | None = None, picture: bytes | None = None
) -> list[int]:
    """Write to the chat; returns the messages' ids. Raises NotConfigured or TelegramError."""
    if not is_on():
        raise NotConfigured("Telegram is not configured.")
    bot = TelegramBot(
        settings.TELEGRAM_URL, token=settings.TELEGRAM_BOT_TOKEN, chat=settings.TELEGRAM_CHAT_ID
    )
    return bot.send(text, parse_mode=parse_mode, picture=picture)


def draw_message(day: date, wheels: Mapping[str, Sequence[int]]) -> str:
    """A draw as HTML, a wheel a line."""
    lines = [f"<b>ESTRAZIONE LOTTO {day:%d/%m/%Y}</b>", ""]
    for wheel, numbers in wheels.items():
        name = escape(WHEELS[wheel].ljust(10))
        lines.append(f"<code>{name} {' '.join(f'{number:02}' for number in numbers)}</code>")
    return "\n".join(lines)


def evening_message(day: date, wheels: Mapping[str, Sequence[int]]) -> str:
    """The 10eLotto of a draw as HTML; "" where there is none."""
    evening = dieci_e_lotto(day, wheels)
    if evening is None:
        return ""
    title = f"10eLotto ({_('provisional')})" if evening.is_provisional else "10eLotto"
    rows = (evening.numbers[:10], evening.numbers[10:])
    lines = [f"<b>{escape(title)}</b>"]
    lines += [f"<code>{_spaced(row)}</code>" for row in rows if row]
    games = {
        "Oro": evening.oro, "Doppio Oro": evening.doppio_oro, "Extra": evening.extra,
        "Gong": evening.gong,
    }  # fmt: skip
    lines += [f"{name} <code>{_spaced(one)}</code>" for name, one in games.items() if one]
    return "\n".join(lines)


def _spaced(numbers: int | Sequence[int]) -> str:
    some = [numbers] if isinstance(numbers, int) else numbers
    return " ".join(f"{number:02}" for number in some)
