"""AutoBOT for staff: runs with the pictures beside the numbers, and corrections; uses of the AI.

Changes go through `autobot.services` as all others do, and are logged in the run's history.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from core.admin.base import BaseAdmin
from core.admin.read_only import ReadOnlyAdmin, ReadOnlyExportAdmin
from core.lib.labels import label_of
from lotto.rules import numbers_of
from lotto.types import DRAWN, WHEELS, RuleError
from ocr import selectors
from ocr.autobot import capture, services
from ocr.autobot.evidence import BOARD
from ocr.clients.stream import checked_url
from ocr.labels import PAGE_KINDS, STEPS, STEPS_AGAIN
from ocr.models import AiUse, AutobotConfig, AutobotRun, AutobotWheel
from ocr.reader.types import SURE
from ocr.reader_process import reader
from ocr.types import (
    Held,
    ImageRefused,
    ReaderBusy,
    ReaderFailed,
    RunBusy,
    RunRefused,
    RunState,
    StepName,
    StepState,
    StreamRefused,
)

WHOLE: Final = "board"  # in the address of the picture of the whole board
CHANGE: Final = "ocr.change_autobotrun"


@admin.register(AutobotRun)
class AutobotRunAdmin(ReadOnlyAdmin):
    list_display = ("date", "state", "wheels_read", "said", "started", "started_by", "verified")
    list_filter = ("state", "is_extraordinary")
    date_hierarchy = "day"
    change_form_template = "admin/ocr/run.html"
    change_list_template = "admin/ocr/runs.html"
    readonly_fields = ("said",)
    fields = (
        ("day", "is_extraordinary", "state"), "said", ("started_at", "until", "ended_at"),
        ("started_by", "verified_at"), "stream_url",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[AutobotRun]:
        return super().get_queryset(request).prefetch_related("wheels", "steps")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("day"), ordering="day")
    def date(self, run: AutobotRun) -> str:
        return date_format(run.day, "d/m/Y")

    @admin.display(description=gettext_lazy("wheels"))
    def wheels_read(self, run: AutobotRun) -> str:
        return f"{len(selectors.published(run))}/{len(WHEELS)}"

    @admin.display(description=gettext_lazy("message"))
    def said(self, run: AutobotRun) -> str:
        """What it does, or its outcome; who stopped it as the API has it."""
        if not run.is_over:
            return str(run.get_state_display())
        return run.message if run.state == RunState.IDLE else services.summary(run)

    @admin.display(description=gettext_lazy("started"), ordering="started_at")
    def started(self, run: AutobotRun) -> str:
        return date_format(localtime(run.started_at), "d/m/Y H:i")

    @admin.display(description=gettext_lazy("verified"), boolean=True)
    def verified(self, run: AutobotRun) -> bool | None:
        return True if run.verified_at else None  # not yet is not no

    # --- Pages ---------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = {
            **(extra_context or {}),
            "may_change": request.user.has_perm(CHANGE),
            "at_work": selectors.unfinished(),
        }
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        run = self.get_object(request, object_id)
        shown = _page(run) if run else {}
        context = {
            **(extra_context or {}),
            **shown,
            "may_change": request.user.has_perm(CHANGE) and run is not None and run.is_over,
            "may_stop": request.user.has_perm(CHANGE) and run is not None and not run.is_over,
        }
        return super().change_view(request, object_id, form_url, context)

    def get_urls(self) -> Any:
        def address(route: str, view: Callable[..., HttpResponse], name: str) -> Any:
            return path(route, self.admin_site.admin_view(view), name=name)

        run = "<int:run_id>"
        return [
            address("start/", require_POST(self.start), "ocr_autobot_start"),
            address("stop/", require_POST(self.stop), "ocr_autobot_stop"),
            address("finish/", require_POST(self.finish), "ocr_autobot_finish"),
            address(f"{run}/steps/<str:name>/", require_POST(self.step), "ocr_autobot_step"),
            address(f"{run}/read/", require_POST(self.read), "ocr_autobot_read"),
            address(f"{run}/confirm/", require_POST(self.confirm), "ocr_autobot_confirm"),
            address(f"{run}/wheels/<str:wheel>/", require_POST(self.wheel), "ocr_autobot_wheel"),
            address(f"{run}/pictures/<str:wheel>.jpg", _picture, "ocr_evidence"),
            *super().get_urls(),
        ]

    # --- What staff do -------------------------------------------------------------------------

    def start(self, request: HttpRequest) -> HttpResponse:
        def do() -> str:
            is_extraordinary = "extraordinary" in request.POST
            services.start(by=str(request.user), extraordinary=is_extraordinary)
            return _("AutoBOT is started.")

        return self._done(request, None, do)

    def stop(self, request: HttpRequest) -> HttpResponse:
        def do() -> str:
            _before, run = services.stop(by=str(request.user))
            return _("AutoBOT is stopped.") if run else _("AutoBOT was not at work.")

        return self._done(request, None, do)

    def finish(self, request: HttpRequest) -> HttpResponse:
        def do() -> str:
            is_watching = services.finish(by=str(request.user))
            return _("It goes on with what it has.") if is_watching else _("Nothing is watched.")

        return self._done(request, None, do)

    def step(self, request: HttpRequest, run_id: int, name: str) -> HttpResponse:
        """Let a step be done again, or with `all` those that are offered."""

        def do() -> str:
            if name == "all":
                offered = self._run(run_id).steps.filter(state=StepState.OFFERED)
                names = [StepName(step.name) for step in offered]
                services.resume(run_id, names)
            elif name in STEPS_AGAIN:
                names = [StepName(name)]
                services.resume(run_id, names, afresh=True)
            else:
                raise Http404
            labels = ", ".join(label_of(STEPS, one) for one in names)
            return _("It is being done: %(steps)s.") % {"steps": labels}

        return self._done(request, run_id, do)

    def read(self, request: HttpRequest, run_id: int) -> HttpResponse:
        def do() -> str:
            changed = capture.read_again(run_id, reader(), by=str(request.user))
            if not changed:
                return _("Read again: nothing changes.")
            return _("Read again: changed %(wheels)s.") % {"wheels": ", ".join(changed)}

        return self._done(request, run_id, do)

    def confirm(self, request: HttpRequest, run_id: int) -> HttpResponse:
        def do() -> str:
            count = services.confirm(run_id, by=str(request.user))
            return _("Taken for today's draw: %(count)s wheels.") % {"count": count}

        return self._done(request, run_id, do)

    def wheel(self, request: HttpRequest, run_id: int, wheel: str) -> HttpResponse:
        """A person's numbers for a wheel."""

        def do() -> str:
            if wheel not in WHEELS:
                raise Http404
            typed = [request.POST.get(f"n{place}", "").strip() for place in range(1, DRAWN + 1)]
            numbers = numbers_of([int(n) if n.isascii() and n.isdigit() else n for n in typed])
            services.correct(run_id, wheel, numbers, by=str(request.user))
            text = " ".join(map(str, numbers))
            return _("%(wheel)s is now %(numbers)s.") % {"wheel": WHEELS[wheel], "numbers": text}

        return self._done(request, run_id, do)

    def _done(
        self, request: HttpRequest, run_id: int | None, do: Callable[[], str]
    ) -> HttpResponse:
        """Do it if the user may, log it, and redirect to the page with the message."""
        if not request.user.has_perm(CHANGE):
            return HttpResponse(status=403)
        run = self._run(run_id) if run_id else None
        try:
            message = do()
        except (
            RunBusy, RunRefused, RuleError, ImageRefused, ReaderBusy, ReaderFailed,
        ) as exc:  # fmt: skip
            self.message_user(request, str(exc), messages.ERROR)
        else:
            self.message_user(request, message)
            if changed := run or selectors.latest():
                self.log_change(request, changed, message)
        if run:
            return HttpResponseRedirect(reverse("admin:ocr_autobotrun_change", args=[run.pk]))
        return HttpResponseRedirect(reverse("admin:ocr_autobotrun_changelist"))

    def _run(self, run_id: int) -> AutobotRun:
        run = AutobotRun.objects.filter(pk=run_id).first()
        if run is None:
            raise Http404
        return run


@require_safe
@cache_control(private=True, max_age=10)
def _picture(request: HttpRequest, run_id: int, wheel: str) -> HttpResponse:
    """A wheel's part of the board, or the whole `board`."""
    if not request.user.has_perm("ocr.view_autobotrun"):
        return HttpResponse(status=403)
    file = selectors.picture(run_id, BOARD if wheel == WHOLE else wheel)
    if file is None:
        raise Http404
    return HttpResponse(file, content_type="image/jpeg")


def _page(run: AutobotRun) -> dict[str, Any]:
    """What a run's page shows beside its fields."""
    pictures = set(run.evidence.values_list("wheel", flat=True))
    rows = {row.wheel: row for row in run.wheels.all()}
    steps = list(run.steps.all())
    return {
        "wheels": [_shown(code, rows.get(code), code in pictures) for code in WHEELS],
        "steps": [
            {
                "name": step.name,
                "label": step.get_name_display(),
                "again": STEPS_AGAIN.get(StepName(step.name)),
                "state": step.state,
                "said": step.get_state_display(),
                "tries": step.tries,
                "error": step.error,
                "at": step.at,
                "corrections": len(step.detail.get("corrections", ())),
                "disputed": [
                    f"{wheel} {place}: {before} / {after}"
                    for wheel, place, before, after in step.detail.get("disputed", ())
                ],
            }
            for step in steps
        ],
        "is_offered": any(step.state == StepState.OFFERED for step in steps),
        "is_held": any(
            row.is_taken and row.held not in ("", Held.OLD) for row in rows.values()
        ),
        "has_board": BOARD in pictures,
        "pages": [
            {"kind": label_of(PAGE_KINDS, kind), **seen} for kind, seen in run.pages.items()
        ],
    }  # fmt: skip


def _shown(code: str, row: AutobotWheel | None, has_picture: bool) -> dict[str, Any]:
    cells = row.cells if row else [[None, 0.0, []]] * DRAWN
    if row is None:
        state, label = "missing", _("not seen")
    elif row.held and row.is_taken:
        state, label = "held", _("held back: %(why)s") % {"why": row.get_held_display()}
    elif row.is_taken:
        who = ", ".join([str(row.get_origin_display()), *row.witnesses])
        state, label = "sure", _("sure (%(who)s)") % {"who": who}
    elif row.held:
        state, label = "doubt", _("in doubt: %(why)s") % {"why": row.get_held_display()}
    else:
        state, label = "doubt", _("in doubt")
    return {
        "code": code,
        "name": WHEELS[code].title(),
        "state": state,
        "label": label,
        "has_picture": has_picture,
        "cells": [
            {
                "number": "" if number is None else number,
                "confidence": round(confidence),
                "is_sure": number is not None and confidence >= SURE,
                "others": ", ".join(f"{n} ({round(c)} %)" for n, c in candidates[1:]),
            }
            for number, confidence, candidates in cells
        ],
    }


class ConfigForm(forms.ModelForm):
    """AutoBOT's configuration, whose stream is checked as the API checks it."""

    class Meta:
        model = AutobotConfig
        fields = ("stream_url", *services.OPTIONS)

    def clean_stream_url(self) -> str:
        url = str(self.cleaned_data["stream_url"])
        try:
            return checked_url(url, settings.OCR_STREAM_NETWORKS) if url else ""
        except StreamRefused as exc:
            raise forms.ValidationError(str(exc)) from None


@admin.register(AutobotConfig)
class AutobotConfigAdmin(BaseAdmin):
    form = ConfigForm
    list_display = ("__str__", "stream_url", *services.OPTIONS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not AutobotConfig.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: AutobotConfig, form: Any, change: bool) -> None:
        obj.pk = services.configure(
            {n: getattr(obj, n) for n in ("stream_url", *services.OPTIONS)}
        ).pk


@admin.register(AiUse)
class AiUseAdmin(ReadOnlyExportAdmin):
    list_display = ("asked_at", "purpose", "model", "state", "cost_usd", "duration_s", "detail")
    list_filter = ("state", "purpose", "model")
    search_fields = ("model", "detail")
    date_hierarchy = "asked_at"
