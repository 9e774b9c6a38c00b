"""Admin of the archive: a line per day, single draws by hand, imports and syncs, corrections.

Changes go through `ingest`, like all others: they are logged, published, and checked at the next
sync.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminFileFieldWidget

from core.admin.base import BaseAdmin
from core.admin.read_only import ReadOnlyAdmin, ReadOnlyExportAdmin
from core.lib.labels import choices
from core.lib.upstream import NotConfigured, UpstreamError
from lotto import files, imports, ingest, selectors
from lotto.draw_calendar import DrawCalendar, PlannedDraw, is_due
from lotto.labels import SOURCES
from lotto.models import NUMBERS, Correction, DrawDay, DrawException, Extraction, Intake, Simbolotto
from lotto.rules import drawn_day_of, numbers_of
from lotto.types import WHEELS, Draw, RuleError, Source

FIGURE_SPACE = "\u2007"  # as wide as a digit
NARROW_SPACE = "\u2005"  # a quarter of an em


def drawn(draw: Extraction) -> str:
    """The five numbers on one line, aligned with those of other lines."""
    return NARROW_SPACE.join(f"{number:{FIGURE_SPACE}>2}" for number in draw.numbers)


def report(done: Intake) -> str:
    """The result of an import or sync, in a sentence."""
    counts = {
        _("new"): done.inserted,
        _("known"): done.skipped,
        _("confirmed"): done.verified,
        _("corrected"): done.corrected,
        _("rejected"): done.rejected,
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items())


class OfDays(admin.SimpleListFilter):
    """A filter of draws that chooses the days with such a draw."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        draws = Extraction.objects.filter(**{str(self.parameter_name): self.value()})
        return queryset.filter(day__in=draws.order_by().values("day"))


class WheelFilter(OfDays):
    title = gettext_lazy("wheel")
    parameter_name = "wheel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, name.title()) for code, name in WHEELS.items()]


class SourceFilter(OfDays):
    title = gettext_lazy("source")
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return choices(SOURCES)


class UnverifiedFilter(OfDays):
    title = gettext_lazy("verified")
    parameter_name = "verified"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("False", gettext_lazy("not all wheels"))]


class ImportForm(forms.Form):
    file = forms.FileField(label=gettext_lazy("File"), widget=UnfoldAdminFileFieldWidget)


def _wheel_column(code: str) -> Callable[[Any], Any]:
    """A list's column with the numbers of one wheel."""

    def column(day: Any) -> SafeString | str:
        draw = day.by_wheel.get(code)
        return _shown(draw) if draw else "—"

    column.__name__ = f"wheel_{code}"
    column.short_description = code  # type: ignore[attr-defined]
    return column


def _shown(draw: Extraction) -> SafeString:
    state = _("verified") if draw.verified else _("not confirmed by the operator yet")
    return format_html(
        '<span class="drawn{}" title="{}: {}">{}</span>',
        "" if draw.verified else " unverified",
        draw.get_source_display(),
        state,
        drawn(draw),
    )


@admin.register(DrawDay)
class DrawDayAdmin(ReadOnlyAdmin):
    list_display = ("date", *map(_wheel_column, WHEELS))
    list_filter = (WheelFilter, SourceFilter, UnverifiedFilter)
    list_fullwidth = True  # eleven wheels
    date_hierarchy = "day"
    fields = ("board", "corrections")
    readonly_fields = ("board", "corrections")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list with every wheel of its page's days, in one query."""
        found = super().get_changelist_instance(request)
        draws: defaultdict[Any, dict[str, Extraction]] = defaultdict(dict)
        for draw in Extraction.objects.filter(day__in=[day.day for day in found.result_list]):
            draws[draw.day][draw.wheel] = draw
        for day in found.result_list:
            day.by_wheel = draws[day.day]
        return found

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = {
            **(extra_context or {}),
            "title": _("Draws by day"),
            "may_change_draws": self._may_change_draws(request),
            "last_sync": Intake.objects.filter(source=Source.SYNC).first(),
            "missing": selectors.missing_draws()[::-1],
        }
        return super().changelist_view(request, context)

    @admin.display(description=gettext_lazy("day"), ordering="day")
    def date(self, day: DrawDay) -> str:
        return date_format(day.day, "d/m/Y")

    @admin.display(description=gettext_lazy("draws"))
    def board(self, day: DrawDay) -> SafeString:
        rows = format_html_join("", "<tr>{}</tr>", ((_board_row(draw),) for draw in day.draws))
        names = (_("wheel"), "1", "2", "3", "4", "5", _("source"), _("verified"), _("changed"))
        heads = format_html_join("", "<th>{}</th>", ((name,) for name in names))
        return format_html('<table class="board"><tr>{}</tr>{}</table>', heads, rows)

    @admin.display(description=gettext_lazy("corrections"))
    def corrections(self, day: DrawDay) -> SafeString | str:
        found = Correction.objects.filter(day=day.day)
        lines = (
            (_when(one.at), one.wheel, one.before, one.source_before, one.after, one.source)
            for one in found
        )
        return format_html_join("", "{}: {} {} ({}) → {} ({})<br>", lines) or "—"

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        return [
            path("sync/", view(require_POST(self.sync_view)), name="lotto_sync"),
            path("import/", view(self.import_view), name="lotto_import"),
            *super().get_urls(),
        ]

    def sync_view(self, request: HttpRequest) -> HttpResponse:
        """Sync now, and show the result."""
        if not self._may_change_draws(request):
            return HttpResponse(status=403)
        try:
            done = imports.sync()
        except (imports.Busy, NotConfigured, UpstreamError) as exc:
            self.message_user(request, str(exc), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:lotto_drawday_changelist"))
        return self._done(request, done, _("Sync"))

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """A form for a file, and the result of its import."""
        if not self._may_change_draws(request):
            return HttpResponse(status=403)
        posted = request.method == "POST"
        form = ImportForm(request.POST, request.FILES) if posted else ImportForm()
        if posted and form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                done = imports.import_draws(files.lines_of(upload.file), name=upload.name)
            except files.UnreadableArchive as exc:
                form.add_error("file", str(exc))
            else:
                return self._done(request, done, upload.name)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import a file"),
            "opts": self.opts,
            "form": form,
        }
        return render(request, "admin/lotto/import.html", context)

    def _done(self, request: HttpRequest, done: Intake, what: str) -> HttpResponse:
        """Redirect to the list, or to the rejected lines."""
        level = messages.WARNING if done.rejected else messages.SUCCESS
        self.message_user(request, f"{what}: {report(done)}.", level)
        if done.rejected:
            return HttpResponseRedirect(reverse("admin:lotto_intake_change", args=[done.pk]))
        return HttpResponseRedirect(reverse("admin:lotto_drawday_changelist"))

    def _may_change_draws(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["lotto.add_extraction", "lotto.change_extraction"])


def _board_row(draw: Extraction) -> SafeString:
    numbers = format_html_join("", '<td class="ball">{}</td>', ((n,) for n in draw.numbers))
    return format_html(
        '<th><a href="{}">{}</a></th>{}<td>{}</td><td>{}</td><td>{}</td>',
        reverse("admin:lotto_extraction_change", args=[draw.pk]),
        draw.get_wheel_display(),
        numbers,
        draw.get_source_display(),
        "✓" if draw.verified else "—",
        _when(draw.updated_at),
    )


def _when(at: Any) -> str:
    return date_format(localtime(at), "d/m/Y H:i")


class DrawForm(forms.ModelForm):
    """A draw as staff type it; day and wheel are given once."""

    class Meta:
        model = Extraction
        fields = ("day", "wheel", *NUMBERS)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            if "day" in cleaned:
                self._check("day", lambda: drawn_day_of(f"{cleaned['day']:%Y-%m-%d}"))
            self._check("n1", lambda: numbers_of([cleaned[name] for name in NUMBERS]))
        return cleaned

    def _check(self, name: str, rule: Callable[[], object]) -> None:
        try:
            rule()
        except RuleError as exc:
            self.add_error(name, str(exc))


@admin.register(Extraction)
class ExtractionAdmin(BaseAdmin):
    form = DrawForm
    list_display = ("day", "wheel", "numbers_drawn", "source", "verified", "updated_at")
    list_filter = ("wheel", "source", "verified")
    date_hierarchy = "day"
    fields = (("day", "wheel"), NUMBERS, ("source", "verified"), ("created_at", "updated_at"))
    readonly_fields = ("source", "verified", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Extraction | None = None) -> Any:
        return ("day", "wheel", *self.readonly_fields) if obj else self.readonly_fields

    def get_fields(self, request: HttpRequest, obj: Extraction | None = None) -> Any:
        return self.fields if obj else self.fields[:2]

    @admin.display(description=gettext_lazy("numbers"))
    def numbers_drawn(self, draw: Extraction) -> str:
        return drawn(draw)

    def save_model(self, request: HttpRequest, obj: Extraction, form: Any, change: bool) -> None:
        draw = Draw(obj.day, obj.wheel, tuple(obj.numbers))
        ingest.save([draw], source=Source.MANUAL, overwrite=change)
        # The page continues with the stored row.
        obj.pk = Extraction.objects.get(day=obj.day, wheel=obj.wheel).pk

    def delete_model(self, request: HttpRequest, obj: Extraction) -> None:
        ingest.delete(obj.day, obj.wheel)

    def delete_queryset(self, request: HttpRequest, queryset: Iterable[Extraction]) -> None:
        for draw in queryset:
            ingest.delete(draw.day, draw.wheel)


class DrawExceptionForm(forms.ModelForm):
    """What staff announce of a draw, checked against the calendar without it."""

    class Meta:
        model = DrawException
        fields = ("due_on", "drawn_on", "begins_at", "note")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        due_on, drawn_on = cleaned.get("due_on"), cleaned.get("drawn_on")
        if self.errors:
            return cleaned
        if not (due_on or drawn_on):
            raise forms.ValidationError(_("Give the day on which it is due, or held, or both."))
        others = DrawException.objects.exclude(pk=self.instance.pk)
        calendar = DrawCalendar(row.change for row in others)
        if due_on and not is_due(due_on):
            self.add_error("due_on", _not_due(calendar.on(due_on)))
        held = calendar.on(drawn_on) if drawn_on else None
        if held and not (due_on and held.due_on == due_on):
            self.add_error("drawn_on", _("A draw is held on that day already."))
        return cleaned


def _not_due(held: PlannedDraw | None) -> str:
    if held and held.due_on:
        day = date_format(held.due_on, "d/m/Y")
        return _("The draw that is held on that day is due on %(day)s: give that one.") % {
            "day": day
        }
    return _("By the weekly rule no draw is due on that day.")


@admin.register(DrawException)
class DrawExceptionAdmin(BaseAdmin):
    form = DrawExceptionForm
    list_display = ("day", "what", "due_on", "drawn_on", "begins_at", "note")
    fields = ("due_on", "drawn_on", "begins_at", "note")

    @admin.display(description=gettext_lazy("exception"), ordering="drawn_on")
    def day(self, row: DrawException) -> str:
        day = row.drawn_on or row.due_on
        return date_format(day, "l d/m/Y") if day else ""

    @admin.display(description=gettext_lazy("what"))
    def what(self, row: DrawException) -> str:
        if row.drawn_on is None:
            return _("cancelled")
        if row.due_on is None:
            return _("extra draw")
        return _("another time") if row.due_on == row.drawn_on else _("moved")


@admin.register(Simbolotto)
class SimbolottoAdmin(ReadOnlyExportAdmin):
    list_display = ("day", "wheel", "drawn_symbols", "updated_at")
    list_filter = ("wheel",)
    date_hierarchy = "day"
    fields = list_display
    readonly_fields = ("drawn_symbols",)

    @admin.display(description=gettext_lazy("symbols"))
    def drawn_symbols(self, row: Simbolotto) -> str:
        return " · ".join(map(str, row.symbols))


@admin.register(Intake)
class IntakeAdmin(ReadOnlyExportAdmin):
    list_display = (
        "when", "source", "name", "inserted", "skipped", "verified", "corrected", "rejected",
        "duration_s",
    )  # fmt: skip
    list_filter = ("source",)
    fields = (*list_display, "rejected_lines")
    readonly_fields = ("when", "rejected_lines")

    @admin.display(description=gettext_lazy("at"), ordering="at")
    def when(self, done: Intake) -> str:
        return _when(done.at)

    @admin.display(description=gettext_lazy("rejected lines"))
    def rejected_lines(self, done: Intake) -> SafeString | str:
        lines = ((error["line"], error["reason"]) for error in done.errors)
        return format_html_join("", "{}: {}<br>", lines) or "—"


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyExportAdmin):
    list_display = ("at", "day", "wheel", "before", "after", "source_before", "source")
    list_filter = ("wheel", "source")
