"""JSON documents of the AI, and of what is switched on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final

from core.api.documents import Document, like
from ocr.serializers.common import Success, TimedDocument, timestamp
from ocr.types import AiModel, AiResponse

AI_MODEL: Final = "anthropic/claude-sonnet-4.5"  # of examples


class AiUsageDocument(Document):
    prompt_tokens: Annotated[int, like(1690)]
    completion_tokens: Annotated[int, like(200)]
    cost_usd: Annotated[float | None, like(0.00807, "US dollars (addition to the reference)")]


class OcrAiAnswerDocument(TimedDocument):
    success: Success
    model: Annotated[str, like(AI_MODEL)]
    response: Annotated[str, like("BARI 50 29 12 47 73")]
    usage: AiUsageDocument


class AiPricingDocument(Document):
    """US dollars, spelled as OpenRouter spells them; null: known only afterwards."""

    prompt: Annotated[str | None, like("0.000003", "A token")]
    completion: Annotated[str | None, like("0.000015", "A token")]
    image: Annotated[str | None, like("0.0048", "A picture, beside its tokens")]


class AiModelEntryDocument(Document):
    id: Annotated[str, like(AI_MODEL)]
    name: Annotated[str, like("Claude Sonnet 4.5")]
    context_length: Annotated[int, like(1_000_000, "Tokens")]
    pricing: AiPricingDocument
    structured_outputs: Annotated[bool, like(True, "Whether it can validate a reading")]


class OcrAiModelsDocument(TimedDocument):
    models: list[AiModelEntryDocument]
    default: Annotated[str, like(AI_MODEL)]
    count: Annotated[int, like(1)]


class OcrAiConfigDocument(Document):
    """The budget and what is spent are additions to the reference."""

    enabled: Annotated[bool, like(True)]
    default_model: Annotated[str, like(AI_MODEL)]
    monthly_budget_usd: Annotated[float | None, like(20.0, "Null: no limit")]
    spent_usd: Annotated[float, like(0.42, "This month, by Europe/Rome")]


class OcrSwitchDocument(Document):
    enabled: Annotated[bool, like(True)]


class OcrConfigDocument(TimedDocument):
    ai: OcrAiConfigDocument
    telegram: OcrSwitchDocument
    upload: OcrSwitchDocument


def ai_document(response: AiResponse) -> OcrAiAnswerDocument:
    tokens, more, cost = response.usage
    usage = AiUsageDocument(tokens, more, None if cost is None else float(cost))
    return OcrAiAnswerDocument(True, response.model, response.text, usage, timestamp=timestamp())


def models_document(models: Sequence[AiModel], default: str) -> OcrAiModelsDocument:
    found = [
        AiModelEntryDocument(
            each.id,
            each.name,
            each.context_length,
            AiPricingDocument(*map(_price, (each.prompt_usd, each.completion_usd, each.image_usd))),
            each.is_structured,
        )
        for each in models
    ]
    return OcrAiModelsDocument(found, default, len(found), timestamp=timestamp())


def _price(dollars: Decimal | None) -> str | None:
    return None if dollars is None else f"{dollars:f}"
