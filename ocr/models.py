"""Tables of the OCR: requests to an AI, and AutoBOT's runs.

A run of AutoBOT is a row, and so is each wheel, step and picture of it.
"""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.admin.tables import CHANGE, StaffTable
from core.lib.labels import choices
from lotto.types import DRAWN, WHEELS
from ocr.labels import HELD, ORIGINS, RUN_STATES, STEP_STATES, STEPS
from ocr.types import Origin, StepState

WHEEL_CHOICES: Final = [(code, name.title()) for code, name in WHEELS.items()]


class AiUse(models.Model):
    """A request to an AI, and its cost: the most it can be, until it is known."""

    staff_table = StaffTable(icon="psychology", supervisor=CHANGE)

    class Purpose(models.TextChoices):
        VALIDATE = "validate", _("validation of a reading")
        ASK = "ask", _("question over the API")

    class State(models.TextChoices):
        ASKED = "asked", _("asked")  # if it stays so, the process ended meanwhile
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
        _("not to be asked before"), null=True, blank=True, help_text=_("As OpenRouter named it.")
    )
    duration_s = models.FloatField(_("seconds"), null=True, blank=True)
    detail = models.CharField(_("what went wrong"), max_length=400, blank=True)

    class Meta:
        ordering = ("-asked_at", "-id")
        verbose_name = _("question to an AI")
        verbose_name_plural = _("questions to an AI")

    def __str__(self) -> str:
        return f"{self.model} {self.asked_at:%Y-%m-%d %H:%M}"


class AutobotConfig(models.Model):
    """AutoBOT's defaults, which a start may override; one row."""

    staff_table = StaffTable(icon="tune", supervisor=CHANGE, audit={"mask_fields": ["stream_url"]})

    stream_url = models.CharField(
        _("stream"), max_length=2000, blank=True, help_text=_("Empty: the one of the settings.")
    )
    ai_validation = models.BooleanField(_("ask the AI"), default=True)
    auto_upload = models.BooleanField(_("upload to the Lotto site"), default=True)
    telegram_notify = models.BooleanField(_("tell on Telegram"), default=True)
    save_to_db = models.BooleanField(_("save to the archive"), default=True)

    class Meta:
        verbose_name = _("AutoBOT configuration")
        verbose_name_plural = _("AutoBOT configuration")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class AutobotRun(models.Model):
    """One evening: from the start until every step is settled.

    The worker that leads works on it; `is_over` is what makes it the only one.
    """

    staff_table = StaffTable(icon="smart_display", operator=CHANGE, supervisor=CHANGE)

    day = models.DateField(_("day"))
    state = models.CharField(_("state"), max_length=10, choices=choices(RUN_STATES))
    is_over = models.BooleanField(default=False, editable=False)
    message = models.TextField(_("message"), blank=True)
    started_at = models.DateTimeField(_("started"))
    until = models.DateTimeField(_("watches until"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    started_by = models.CharField(_("started by"), max_length=150)
    is_extraordinary = models.BooleanField(
        _("extraordinary"), default=False, help_text=_("A draw on a day that has none by rule.")
    )
    stream_url = models.CharField(_("stream"), max_length=2000)
    ai_validation = models.BooleanField(_("ask the AI"))
    auto_upload = models.BooleanField(_("upload to the Lotto site"))
    telegram_notify = models.BooleanField(_("tell on Telegram"))
    save_to_db = models.BooleanField(_("save to the archive"))
    pages = models.JSONField(_("pages not taken"), default=dict)  # see `ocr.autobot.pages`
    verified_at = models.DateTimeField(
        _("verified"), null=True, help_text=_("The operator says the same.")
    )

    class Meta:
        ordering = ("-started_at", "-id")
        verbose_name = _("AutoBOT run")
        verbose_name_plural = _("AutoBOT runs")
        constraints = [
            models.UniqueConstraint(
                fields=["is_over"], condition=Q(is_over=False), name="ocr_one_run_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(is_over=True, ended_at__isnull=False)
                | Q(is_over=False, ended_at__isnull=True),
                name="ocr_run_over",
            ),
        ]
        indexes = [models.Index(fields=["-started_at", "-id"], name="ocr_run_started")]

    def __str__(self) -> str:
        return f"AutoBOT {self.day:%Y/%m/%d}"


class AutobotWheel(models.Model):
    """What a run knows of one wheel.

    `cells`: five of [number or null, confidence 0 to 100, [[candidate, confidence], ...]].
    `looks`: the frame checks of `ocr.autobot.votes`. It is published when it `is_taken`, which is
    accepted as sure, and not `held`.
    """

    staff_table = StaffTable(
        supervisor=CHANGE, audit={"include_fields": ["cells", "is_taken", "held", "origin"]}
    )

    run = models.ForeignKey(AutobotRun, models.CASCADE, related_name="wheels")
    wheel = models.CharField(_("wheel"), max_length=2, choices=WHEEL_CHOICES)
    cells = models.JSONField(_("numbers"))
    looks = models.JSONField(_("looks"), default=dict)
    is_taken = models.BooleanField(_("sure"), default=False)
    held = models.CharField(_("held back"), max_length=8, blank=True, choices=choices(HELD))
    witnesses = models.JSONField(
        _("confirmed by"), default=list
    )  # names, see ocr.autobot.witnesses
    origin = models.CharField(
        _("said by"), max_length=6, choices=choices(ORIGINS), default=Origin.OCR
    )
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        ordering = ("run", "wheel")
        verbose_name = _("wheel of a run")
        verbose_name_plural = _("wheels of a run")
        constraints = [models.UniqueConstraint(fields=["run", "wheel"], name="ocr_wheel_once")]

    def __str__(self) -> str:
        return f"{self.wheel} {' '.join('?' if n is None else str(n) for n in self.numbers)}"

    @property
    def numbers(self) -> list[int | None]:
        return [cell[0] for cell in self.cells]

    def sure_numbers(self, minimum: float) -> tuple[int, ...] | None:
        """The five numbers where each has at least that confidence, else None."""
        sure = tuple(cell[0] for cell in self.cells if cell[0] is not None and cell[1] >= minimum)
        return sure if len(sure) == DRAWN else None

    @property
    def is_published(self) -> bool:
        return self.is_taken and not self.held


class AutobotStep(models.Model):
    """Something done with the numbers of a run, on its own: tried, retried, and visible to staff.

    `done` are the wheels it was done for, with the numbers they had then.
    """

    staff_table = StaffTable(supervisor=CHANGE)

    run = models.ForeignKey(AutobotRun, models.CASCADE, related_name="steps")
    name = models.CharField(_("step"), max_length=8, choices=choices(STEPS))
    state = models.CharField(
        _("state"), max_length=7, choices=choices(STEP_STATES), default=StepState.WAITING
    )
    tries = models.PositiveIntegerField(_("tries"), default=0)
    error = models.CharField(_("last error"), max_length=500, blank=True)
    due_at = models.DateTimeField(_("tried again"), null=True)
    at = models.DateTimeField(_("at"), null=True)
    done = models.JSONField(_("done for"), default=dict)
    detail = models.JSONField(_("details"), default=dict)

    class Meta:
        ordering = ("run", "id")
        verbose_name = _("step of a run")
        verbose_name_plural = _("steps of a run")
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="ocr_step_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class Evidence(models.Model):
    """A stored picture of a run: of one wheel, or without a wheel of the whole board (JPEG).

    In the database, which every process of every machine reaches; less than 1 MB a run.
    """

    staff_table = StaffTable(supervisor=CHANGE)

    run = models.ForeignKey(AutobotRun, models.CASCADE, related_name="evidence")
    wheel = models.CharField(max_length=2, blank=True)
    at = models.DateTimeField()
    jpeg = models.BinaryField()

    class Meta:
        ordering = ("run", "wheel")
        verbose_name = _("picture of a run")
        verbose_name_plural = _("pictures of a run")
        constraints = [models.UniqueConstraint(fields=["run", "wheel"], name="ocr_evidence_once")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.wheel}"
