"""Tables of the OCR."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class AiUse(models.Model):
    """A question to an AI, and what it cost: the most it can while nobody knows better."""

    class Purpose(models.TextChoices):
        VALIDATE = "validate", _("validation of a reading")
        ASK = "ask", _("question over the API")

    class State(models.TextChoices):
        ASKED = "asked", _("asked")  # one that stays so: the process ended meanwhile
        ANSWERED = "answered", _("answered")
        FAILED = "failed", _("failed")

    asked_at = models.DateTimeField(_("asked"), db_index=True)
    purpose = models.CharField(_("for"), max_length=8, choices=Purpose.choices)
    model = models.CharField(_("model"), max_length=200)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.ASKED)
    prompt_tokens = models.PositiveIntegerField(_("tokens asked"), default=0)
    completion_tokens = models.PositiveIntegerField(_("tokens answered"), default=0)
    cost_usd = models.DecimalField(_("US dollars"), max_digits=12, decimal_places=6)
    retry_at = models.DateTimeField(
        _("not to be asked before"), null=True, blank=True, help_text=_("As OpenRouter wished.")
    )
    duration_s = models.FloatField(_("seconds"), null=True, blank=True)
    detail = models.CharField(_("what went wrong"), max_length=400, blank=True)

    class Meta:
        ordering = ("-asked_at", "-id")
        verbose_name = _("question to an AI")
        verbose_name_plural = _("questions to an AI")

    def __str__(self) -> str:
        return f"{self.model} {self.asked_at:%Y-%m-%d %H:%M}"
