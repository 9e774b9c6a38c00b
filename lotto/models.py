"""Tables of the draws. One row per day and wheel; constraints repeat the rules."""

from __future__ import annotations

from itertools import combinations
from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.admin.tables import ALL, StaffTable
from core.lib.labels import choices
from lotto.draw_calendar import Change
from lotto.labels import SOURCES
from lotto.types import DRAWN, HIGHEST, WHEELS, Source

NUMBERS: Final = tuple(f"n{place}" for place in range(1, DRAWN + 1))
_IN_RANGE: Final = Q(*(Q(**{f"{n}__gte": 1, f"{n}__lte": HIGHEST}) for n in NUMBERS))
_DIFFERENT: Final = ~Q(*(Q(**{a: F(b)}) for a, b in combinations(NUMBERS, 2)), _connector=Q.OR)


class Extraction(models.Model):
    """The five numbers of one wheel on one day, in the order drawn."""

    staff_table = StaffTable(icon="casino", supervisor=ALL)

    day = models.DateField(_("day"))
    wheel = models.CharField(
        _("wheel"), max_length=2, choices=[(code, name.title()) for code, name in WHEELS.items()]
    )
    n1 = models.PositiveSmallIntegerField("1")
    n2 = models.PositiveSmallIntegerField("2")
    n3 = models.PositiveSmallIntegerField("3")
    n4 = models.PositiveSmallIntegerField("4")
    n5 = models.PositiveSmallIntegerField("5")
    source = models.CharField(_("source"), max_length=6, choices=choices(SOURCES))
    verified = models.BooleanField(
        _("verified"), default=False, help_text=_("The operator's archive says the same.")
    )
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))

    class Meta:
        ordering = ("-day", "wheel")
        verbose_name = _("draw")
        verbose_name_plural = _("draws")
        constraints = [
            models.UniqueConstraint(fields=["day", "wheel"], name="lotto_once"),
            models.CheckConstraint(condition=Q(wheel__in=list(WHEELS)), name="lotto_wheel"),
            models.CheckConstraint(
                condition=Q(source__in=[source.value for source in Source]), name="lotto_source"
            ),
            models.CheckConstraint(condition=_IN_RANGE, name="lotto_numbers"),
            models.CheckConstraint(condition=_DIFFERENT, name="lotto_different"),
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y/%m/%d} {self.wheel}"

    @property
    def numbers(self) -> list[int]:
        return [self.n1, self.n2, self.n3, self.n4, self.n5]


class Correction(models.Model):
    """A change of a stored draw: the numbers before and after, and their sources."""

    staff_table = StaffTable(icon="edit_note")

    day = models.DateField(_("day"))
    wheel = models.CharField(_("wheel"), max_length=2)
    before = models.CharField(_("before"), max_length=20)
    after = models.CharField(_("after"), max_length=20)
    source_before = models.CharField(_("source before"), max_length=6)
    source = models.CharField(_("source"), max_length=6)
    at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ("-at", "day", "wheel")
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        indexes = [models.Index(fields=["at"], name="lotto_correction_at")]

    def __str__(self) -> str:
        return f"{self.day:%Y/%m/%d} {self.wheel}: {self.before} → {self.after}"


class Archive(models.Model):
    """The state of the archive, one row: every change of it sets a new random `version`.

    Random, not counted: the version of a rolled back transaction must not be used again.
    """

    version = models.CharField(max_length=16)

    def __str__(self) -> str:
        return self.version


class DrawException(models.Model):
    """A draw that is not held when the calendar's rule says; staff enter what is announced."""

    staff_table = StaffTable(icon="event_busy", supervisor=ALL, audit={})

    due_on = models.DateField(
        _("due on"),
        null=True,
        blank=True,
        unique=True,
        help_text=_("The day of the weekly rule, be it a holiday. Empty: an extra draw."),
    )
    drawn_on = models.DateField(
        _("held on"), null=True, blank=True, unique=True, help_text=_("Empty: it is cancelled.")
    )
    begins_at = models.TimeField(
        _("begins at"), null=True, blank=True, help_text=_("In Rome. Empty: as usual.")
    )
    note = models.CharField(
        _("note"), max_length=200, help_text=_("Why, and where it is announced.")
    )

    class Meta:
        ordering = ("-drawn_on", "-due_on")
        verbose_name = _("exception of the calendar")
        verbose_name_plural = _("exceptions of the calendar")
        constraints = [
            models.CheckConstraint(
                condition=Q(due_on__isnull=False) | Q(drawn_on__isnull=False),
                name="lotto_exception_of_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.due_on or '—'} → {self.drawn_on or '—'}"

    @property
    def change(self) -> Change:
        return Change(self.due_on, self.drawn_on, self.begins_at, self.note)


class Simbolotto(models.Model):
    """The Simbolotto of a day: the month's wheel and five of 45 symbols, by their numbers.

    A game beside the draw, shown after it; nothing of it is part of the archive.
    """

    staff_table = StaffTable(icon="interests")

    day = models.DateField(_("day"), unique=True)
    wheel = models.CharField(
        _("wheel"), max_length=2, choices=[(code, name.title()) for code, name in WHEELS.items()]
    )
    symbols = models.JSONField(_("symbols"))
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        ordering = ("-day",)
        verbose_name = "Simbolotto"
        verbose_name_plural = "Simbolotto"

    def __str__(self) -> str:
        return f"{self.day:%Y/%m/%d} {self.wheel}"


class Intake(models.Model):
    """An import of a file, or a sync with the operator, with its result."""

    staff_table = StaffTable(icon="input")

    at = models.DateTimeField(_("at"))
    source = models.CharField(
        _("source"),
        max_length=6,
        choices=[(s.value, SOURCES[s]) for s in (Source.IMPORT, Source.SYNC)],
    )
    name = models.CharField(_("file"), max_length=200)
    inserted = models.PositiveIntegerField(_("new"))
    skipped = models.PositiveIntegerField(_("known"))
    verified = models.PositiveIntegerField(_("confirmed"), default=0)
    corrected = models.PositiveIntegerField(_("corrected"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"))
    errors = models.JSONField(_("rejected lines"), default=list)
    duration_s = models.FloatField(_("seconds"))
    etag = models.CharField(max_length=200, editable=False)
    version = models.CharField(max_length=16, editable=False)  # the archive's, afterwards

    class Meta:
        ordering = ("-at", "-id")
        verbose_name = _("import or sync")
        verbose_name_plural = _("imports and syncs")
        indexes = [models.Index(fields=["-at", "-id"], name="lotto_intake_at")]

    def __str__(self) -> str:
        return self.name


class DrawDays(models.Manager["DrawDay"]):
    def get_queryset(self) -> models.QuerySet[DrawDay]:
        firsts = Extraction.objects.order_by().values("day").annotate(first=models.Min("pk"))
        return super().get_queryset().filter(pk__in=firsts.values("first"))


class DrawDay(Extraction):
    """A day with draws, by the first of them that was stored: for lists with a line per day."""

    staff_table = StaffTable(icon="calendar_month")

    objects: ClassVar[DrawDays] = DrawDays()

    class Meta:
        proxy = True
        ordering = ("-day",)
        verbose_name = _("day of draws")
        verbose_name_plural = _("draws by day")

    def __str__(self) -> str:
        return f"{self.day:%d/%m/%Y}"

    @property
    def draws(self) -> models.QuerySet[Extraction]:
        """All of the day, in the operator's order."""
        return Extraction.objects.filter(day=self.day).order_by("wheel")
