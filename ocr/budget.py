"""What the AI has cost this month, and whether it may be asked once more.

A question is written down before it is asked, with the most it can cost, so that neither many at
once nor a killed process can spend more than the month's budget. The answer's cost replaces that.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from gateway_arq.lib.days import day_bounds, local_day
from gateway_arq.lib.locks import lock_for_transaction
from ocr.clients.openrouter import MOST_TOKENS
from ocr.models import AiUse
from ocr.types import NOTHING_USED, AiError, AiModel, AiUsage

LOCK: Final = "ocr.ai.budget"
PICTURE_TOKENS: Final = 6_000  # more than any model takes for a picture of 1,568 px
UNTOLD_USD: Final = Decimal("0.25")  # the most, for a model whose prices are not known
_CENT_OF_A_CENT: Final = Decimal("0.000001")


def spent_usd() -> Decimal:
    """This month's cost (Europe/Rome), with the most that open questions can cost."""
    asked = AiUse.objects.filter(asked_at__gte=_month()[0])
    return asked.aggregate(total=Sum("cost_usd"))["total"] or Decimal(0)


def most_usd(model: AiModel | None, text: str) -> Decimal:
    """The most that a question with this text and a picture can cost."""
    if model is None or None in (model.prompt_usd, model.completion_usd, model.image_usd):
        return UNTOLD_USD
    asked = len(text.encode()) + PICTURE_TOKENS  # no token is shorter than a byte
    return (
        asked * (model.prompt_usd or 0)
        + MOST_TOKENS * (model.completion_usd or 0)
        + (model.image_usd or Decimal(0))
    )


def opened(purpose: AiUse.Purpose, model: str, most: Decimal) -> AiUse:
    """The row of a question that may be asked.

    Raises AiError, with the time to the next month, where it could cost more than is left.
    """
    budget = Decimal(str(settings.OPENROUTER_MONTHLY_BUDGET))
    with transaction.atomic():
        lock_for_transaction(LOCK)
        if budget and spent_usd() + most > budget:
            left_s = (_month()[1] - timezone.now()).total_seconds()
            raise AiError(
                f"The month's budget for AI ({budget:f} US dollars) is used up.",
                retry_after_s=max(left_s, 1.0),
                usage=NOTHING_USED,
            )
        return AiUse.objects.create(
            asked_at=timezone.now(), purpose=purpose, model=model, cost_usd=_rounded(most)
        )


def close(use: AiUse, usage: AiUsage | None, *, failure: str = "") -> None:
    """Write down what a question took. A cost that nobody knows stays the most it can be."""
    now = usage or AiUsage()
    use.state = AiUse.State.FAILED if failure else AiUse.State.ANSWERED
    use.prompt_tokens, use.completion_tokens = now.prompt_tokens, now.completion_tokens
    if now.cost_usd is not None:
        use.cost_usd = _rounded(now.cost_usd)
    use.duration_s = (timezone.now() - use.asked_at).total_seconds()
    use.detail = failure[:400]
    use.save()


def _rounded(dollars: Decimal) -> Decimal:
    return dollars.quantize(_CENT_OF_A_CENT, ROUND_UP)


def _month() -> tuple[datetime, datetime]:
    """The instants [start, end) of the local month."""
    first = local_day().replace(day=1)
    following: date = (first + timedelta(days=31)).replace(day=1)
    return day_bounds(first)[0], day_bounds(following)[0]
