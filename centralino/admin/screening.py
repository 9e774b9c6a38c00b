"""The screening rules, and the callers that were screened."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from centralino.labels import WHYS
from centralino.models import LineRule, ScreenedCall
from centralino.screening import line_of
from centralino.selectors.rules import CLASSES, DryRun, dry_run
from centralino.types import Why
from core.admin.base import BaseAdmin, IndexedSearch, written_as
from core.admin.read_only import ReadOnlyExportAdmin
from core.lib.days import local_day
from core.lib.labels import label_of
from core.lib.numbers import MAX_SHORT, NumberError, canonical, country, e164, is_changed, notations

_DRY_RUN: Final = gettext_lazy("yesterday")


class LineRuleForm(forms.ModelForm):
    """A rule; the line's number and the countries in any notation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "repeated_s" in self.fields:
            self.fields["repeated_s"].required = False

    def clean_called(self) -> str:
        called: str = self.cleaned_data["called"].strip()
        try:
            if (
                is_changed(called) or len(e164(called)) > MAX_SHORT
            ):  # else an extension, or its name
                canonical(called)
        except NumberError as exc:
            raise ValidationError(str(exc)) from None
        others = LineRule.objects.exclude(pk=self.instance.pk).values_list("called", flat=True)
        if line_of(called) in map(line_of, others):
            raise ValidationError(_("This line has a rule already."))
        return called

    def clean_repeated_s(self) -> int:
        return self.cleaned_data["repeated_s"] or self.instance.repeated_s

    def clean_foreign_except(self) -> str:
        names = re.split(r"[\s,;]+", self.cleaned_data["foreign_except"].strip(" ,;"))
        try:
            return " ".join(dict.fromkeys(map(country, filter(None, names))))
        except NumberError as exc:
            raise ValidationError(str(exc)) from None


@admin.register(LineRule)
class LineRuleAdmin(IndexedSearch, BaseAdmin):
    form = LineRuleForm
    list_display = (
        "__str__", "enabled", "block_anonymous", "block_listed", "classes", "answered_hours",
        "hangup_reason", "sound",
    )  # fmt: skip
    list_editable = ("enabled", "block_anonymous", "block_listed", "answered_hours")
    search_fields = ("called",)
    readonly_fields = ("foreign_yesterday", "impossible_yesterday", "short_yesterday",
                       "repeated_yesterday")  # fmt: skip
    fieldsets = (
        (None, {"fields": ("called", "enabled")}),
        (
            gettext_lazy("Whom to refuse"),
            {"fields": ("block_anonymous", "block_listed", "answered_hours")},
        ),
        (
            gettext_lazy("Classes of callers"),
            {
                "fields": (
                    ("block_foreign", "foreign_yesterday"),
                    "foreign_except",
                    ("block_impossible", "impossible_yesterday"),
                    ("block_short", "short_yesterday"),
                    ("block_repeated", "repeated_yesterday"),
                    "repeated_s",
                ),
                "description": gettext_lazy(
                    "The allow list comes before them. What a class would have refused is counted "
                    "among yesterday's callers, with what is saved."
                ),
            },
        ),
        (gettext_lazy("How to refuse"), {"fields": ("hangup_reason", "sound")}),
    )

    def find(self, queryset: QuerySet[LineRule], term: str) -> QuerySet[LineRule]:
        return queryset.filter(written_as("called", term) | Q(called__icontains=term))

    @admin.display(description=gettext_lazy("classes"))
    def classes(self, rule: LineRule) -> str:
        """`foreign, repeated`: those that are refused."""
        refused = (why for why, switch in CLASSES.items() if getattr(rule, switch))
        return ", ".join(label_of(WHYS, why) for why in refused) or "—"

    @admin.display(description=_DRY_RUN)
    def foreign_yesterday(self, rule: LineRule) -> str:
        return self._yesterday(rule, Why.FOREIGN)

    @admin.display(description=_DRY_RUN)
    def impossible_yesterday(self, rule: LineRule) -> str:
        return self._yesterday(rule, Why.IMPOSSIBLE)

    @admin.display(description=_DRY_RUN)
    def short_yesterday(self, rule: LineRule) -> str:
        return self._yesterday(rule, Why.SHORT)

    @admin.display(description=_DRY_RUN)
    def repeated_yesterday(self, rule: LineRule) -> str:
        return self._yesterday(rule, Why.REPEATED)

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> LineRule | None:
        rule: LineRule | None = super().get_object(request, *args, **kwargs)
        if rule is not None and request.method == "GET":
            rule.dry_run = dry_run(rule, local_day() - timedelta(days=1))  # type: ignore[attr-defined]
        return rule

    def _yesterday(self, rule: LineRule, why: Why) -> str:
        """`would have refused 31 of 1,204`; a new rule has no line yet."""
        trial: DryRun | None = getattr(rule, "dry_run", None)
        if trial is None:
            return _("known once the rule is saved")
        refused, callers = (
            number_format(count, force_grouping=True)
            for count in (trial.refused[why], trial.callers)
        )
        return _("would have refused %(refused)s of %(callers)s") % {
            "refused": refused,
            "callers": callers,
        }


@admin.register(ScreenedCall)
class ScreenedCallAdmin(IndexedSearch, ReadOnlyExportAdmin):
    list_display = ("at", "verdict", "why", "caller", "number", "entry", "called", "server")
    list_filter = ("verdict", "why")
    search_fields = ("number",)
    search_help_text = gettext_lazy("A caller in any notation; 333* finds callers that begin so.")
    ordering = ("-at", "-id")

    def find(self, queryset: QuerySet[ScreenedCall], term: str) -> QuerySet[ScreenedCall]:
        if notations(term) == {term}:  # no number
            return queryset.filter(channel_id=term)
        return queryset.filter(written_as("number", term))
