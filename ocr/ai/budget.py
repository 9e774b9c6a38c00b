"""What the AI has cost this month, and whether another request fits the budget, for any process.

A request is stored before it is sent, with the most it can cost, so that neither many at once nor
a killed process can spend more than the month's budget. The response's cost replaces that. Nothing
is sent before the time at which OpenRouter asked to be tried again.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Sum
from django.utils import timezone

from core.lib.days import day_bounds, local_day
from core.lib.locks import lock_for_transaction
from ocr.clients.openrouter import MAX_TOKENS
from ocr.models import AiUse
from ocr.types import NOTHING_USED, AiError, AiModel, AiUsage

LOCK: Final = "ocr.ai.budget"
PICTURE_TOKENS: Final = 6_000  # more than any model takes for a picture of 1,568 px
DEFAULT_MAX_USD: Final = Decimal("0.25")  # for a model whose prices are not known
LONGEST_PAUSE: Final = timedelta(hours=1)
_CENT_OF_A_CENT: Final = Decimal("0.000001")


def spent_usd() -> Decimal:
    """This month's cost (Europe/Rome), with the most that open requests can cost."""
    uses = AiUse.objects.filter(asked_at__gte=_month()[0])
    return uses.aggregate(total=Sum("cost_usd"))["total"] or Decimal(0)


def max_usd(model: AiModel | None, text: str) -> Decimal:
    """The most that a request with this text and a picture can cost."""
    if model is None or None in (model.prompt_usd, model.completion_usd, model.image_usd):
        return DEFAULT_MAX_USD
    prompt_tokens = len(text.encode()) + PICTURE_TOKENS  # no token is shorter than a byte
    return (
        prompt_tokens * (model.prompt_usd or 0)
        + MAX_TOKENS * (model.completion_usd or 0)
        + (model.image_usd or Decimal(0))
    )


def opened(purpose: AiUse.Purpose, model: str, maximum: Decimal) -> AiUse:
    """The row of a request that may be sent.

    Raises AiError with the time to wait: as OpenRouter asks, or until the next month where the
    request could cost more than is left of this one's budget.
    """
    budget = Decimal(str(settings.OPENROUTER_MONTHLY_BUDGET))
    with transaction.atomic():
        lock_for_transaction(LOCK)
        if until := _paused_until():
            raise _not_before(until, "OpenRouter asked to wait.")
        if budget and spent_usd() + maximum > budget:
            used_up = f"The month's budget for AI ({budget:f} US dollars) is used up."
            raise _not_before(_month()[1], used_up)
        return AiUse.objects.create(
            asked_at=timezone.now(), purpose=purpose, model=model, cost_usd=_rounded(maximum)
        )


def close(use: AiUse, usage: AiUsage | None, *, failure: AiError | None = None) -> None:
    """Store what a request took. An unknown cost stays the most it can be."""
    now = usage or AiUsage()
    use.state = AiUse.State.FAILED if failure else AiUse.State.ANSWERED
    use.prompt_tokens, use.completion_tokens = now.prompt_tokens, now.completion_tokens
    if now.cost_usd is not None:
        use.cost_usd = _rounded(now.cost_usd)
    use.duration_s = (timezone.now() - use.asked_at).total_seconds()
    if failure:
        use.detail = str(failure)[:400]
        if failure.retry_after_s:
            wait = timedelta(seconds=failure.retry_after_s)
            use.retry_at = timezone.now() + min(wait, LONGEST_PAUSE)
    use.save()


def _paused_until() -> datetime | None:
    now = timezone.now()
    # None is longer: what lies further ahead was stored while a clock was.
    waits = {"retry_at__gt": now, "retry_at__lte": now + LONGEST_PAUSE}
    recent = AiUse.objects.filter(asked_at__gte=now - 2 * LONGEST_PAUSE, **waits)
    until: datetime | None = recent.aggregate(until=Max("retry_at"))["until"]
    return until


def _not_before(until: datetime, why: str) -> AiError:
    wait_s = max((until - timezone.now()).total_seconds(), 1.0)
    return AiError(why, retry_after_s=wait_s, usage=NOTHING_USED)


def _rounded(dollars: Decimal) -> Decimal:
    return dollars.quantize(_CENT_OF_A_CENT, ROUND_UP)


def _month() -> tuple[datetime, datetime]:
    """The instants [start, end) of the local month."""
    first = local_day().replace(day=1)
    following: date = (first + timedelta(days=31)).replace(day=1)
    return day_bounds(first)[0], day_bounds(following)[0]
