"""The spelling of the API reference: documents for REST, the socket and the command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone

from core.lib.days import local_day
from lotto.rules import format_day
from lotto.types import WHEELS
from ocr import selectors
from ocr.ai.consensus import NumberCorrection, Validation
from ocr.legacy.riscontri import Riscontro, outcomes
from ocr.legacy.selectors import LegacyDraw
from ocr.models import AutobotRun
from ocr.reader.types import NumberReading, Reading
from ocr.types import AiModel, AiResponse, RunState, StepName, WheelUploaded

Document = dict[str, Any]
PLURALS: Final = {
    "estratti": "estratto",
    "ambi": "ambo",
    "terni": "terno",
    "quaterne": "quaterna",
    "cinquine": "cinquina",
}


def timestamp() -> datetime:
    """Now, in whole seconds, as every response has it."""
    return timezone.now().replace(microsecond=0)


def two_digits(number: int | None) -> str | None:
    return None if number is None else f"{number:02}"


# --- AutoBOT --------------------------------------------------------------------------------------


def status_document(run: AutobotRun | None) -> Document:
    """The `autobot/status` of the reference for that run, with our additions.

    A run that was stopped, or is over and of another day, does not count: AutoBOT is idle.
    """
    is_past = run is None or (run.is_over and run.day != local_day())
    state = RunState.IDLE if run is None or is_past else RunState(run.state)
    wheels = {} if run is None or state == RunState.IDLE else selectors.published(run)
    steps = run.steps.exclude(name=StepName.NOTICE) if run else ()
    return {
        "status": state.value,
        "wheels_completed": len(wheels),
        "total_wheels": len(WHEELS),
        "last_run": run and f"{run.started_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "run": run and run.pk,
        "date": run and format_day(run.day),
        "message": run.message if run else "",
        "wheels": {WHEELS[code]: list(map(two_digits, wheels[code])) for code in wheels},
        "missing": [WHEELS[code] for code in WHEELS if run and code not in wheels],
        "steps": {
            step.name: {"state": step.state, "tries": step.tries, "error": step.error}
            for step in steps
        },
    }


# --- Readings and what is done with them ----------------------------------------------------------


def reading_document(reading: Reading) -> Document:
    """The wheels of a board by name: those beyond doubt, and cell by cell the others."""
    sure = reading.sure()
    return {
        "wheels": {WHEELS[wheel]: list(map(two_digits, sure[wheel])) for wheel in sure},
        "wheels_count": len(sure),
        "confidence": round(reading.confidence(), 1),
        "doubtful": {
            WHEELS[wheel]: [_number(each) for each in numbers]
            for wheel, numbers in reading.wheels.items()
            if wheel not in sure
        },
    }


def _number(each: NumberReading) -> Document:
    return {
        "number": two_digits(each.number),
        "confidence": round(each.confidence, 1),
        "candidates": [
            {"number": two_digits(number), "confidence": round(confidence, 1)}
            for number, confidence in each.candidates
        ],
    }


def validation_document(found: Validation) -> Document:
    return {
        "success": True,
        "corrections": len(found.corrections),
        "confidence": round(found.confidence, 1),
        "model": found.model,
        "confirmed": found.confirmed,
        "changes": [_change(each) for each in found.corrections],
        "disputed": [_change(each) for each in found.disputed],
    }


def _change(each: NumberCorrection) -> Document:
    return {
        "wheel": WHEELS[each.wheel],
        "place": each.place,
        "before": two_digits(each.before),
        "after": two_digits(each.after),
    }


def upload_document(results: Sequence[WheelUploaded]) -> Document:
    """The outcome of each wheel; a success when all are on the site."""
    return {
        "success": all(each.is_done for each in results),
        "wheels_uploaded": sum(each.is_done for each in results),
        "results": [
            {"wheel": WHEELS[each.wheel], "success": each.is_done}
            | ({"detail": each.detail} if each.detail else {})
            for each in results
        ],
    }


# --- AI -------------------------------------------------------------------------------------------


def ai_document(response: AiResponse) -> Document:
    return {
        "success": True,
        "model": response.model,
        "response": response.text,
        "usage": {
            "prompt_tokens": response.usage.prompt_tokens,
            "completion_tokens": response.usage.completion_tokens,
            "cost_usd": response.usage.cost_usd,
        },
    }


def model_document(model: AiModel) -> Document:
    """A model with its prices spelled as OpenRouter spells them."""
    return {
        "id": model.id,
        "name": model.name,
        "context_length": model.context_length,
        "pricing": {
            "prompt": _price(model.prompt_usd),
            "completion": _price(model.completion_usd),
            "image": _price(model.image_usd),
        },
        "structured_outputs": model.is_structured,
    }


def _price(dollars: Decimal | None) -> str | None:
    return None if dollars is None else f"{dollars:f}"


# --- The legacy database --------------------------------------------------------------------------


def date_document(day: date) -> dict[str, str]:
    return {"raw": f"{day:%Y%m%d}", "formatted": day.isoformat(), "display": f"{day:%d/%m/%Y}"}


def extraction_document(draw: LegacyDraw) -> Document:
    """The day of a draw, and its wheels by code."""
    return {
        "date": date_document(draw.day),
        "extraction": {
            wheel: {"name": WHEELS[wheel], "numbers": numbers}
            for wheel, numbers in draw.wheels.items()
        },
    }


def prediction_document(each: Riscontro) -> Document:
    made = each.prediction
    return {
        "id": made.id,
        "date": made.day.isoformat(),
        "colpo": each.colpo,
        "wheels": made.wheels,
        "tutte": made.is_all,
        "numbers": made.numbers,
        "note": made.note,
        "hits": each.best,
        "hits_by_wheel": each.hits,
        "missing": each.missing,
        "outcome": each.outcome,
    }


def stats_document(riscontri: Iterable[Riscontro]) -> dict[str, int]:
    """How many predictions there are, and how many have each best outcome."""
    found = outcomes(riscontri)
    return {"total": found.total(), **{many: found[one] for many, one in PLURALS.items()}}
