"""What staff do from the page: session, CSRF token and a Django permission each, JSON both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, Final

import orjson
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from msgspec import Meta, Struct
from rest_framework.exceptions import ParseError, ValidationError

from centralino.numbers import NumberError, canonical, national
from centralino.selectors import lists as listed
from centralino.services import lists
from centralino.types import ListedNumber, Reason
from core.api.params import read_body
from core.api.rest import error_response, problem, to_json
from gateway_arq.dashboard.access import permitted
from ocr.autobot import services
from ocr.types import RunBusy, RunRefused

UNDO_WITHIN_S: Final = 600
_SALT: Final = "dashboard.undo"
Action = Callable[[Any, str], HttpResponse]  # what is wished, and who wishes it


class Block(Struct, frozen=True):
    """Keep a number out for so many hours, or for ever (None)."""

    number: Annotated[str, Meta(max_length=64)]
    hours: Annotated[int, Meta(ge=1, le=87_600)] | None = None


class Release(Struct, frozen=True):
    """Let a number in again."""

    number: Annotated[str, Meta(max_length=64)]


class Undo(Struct, frozen=True):
    """What the answer to be undone gave as `undo`."""

    undo: Annotated[str, Meta(max_length=2_000)]


class Start(Struct, frozen=True):
    """Start AutoBOT; `extraordinary`: for a draw on a day that has none by rule."""

    extraordinary: bool = False


class Stop(Struct, frozen=True):
    """Stop AutoBOT."""


def _reads(kind: type[Struct]) -> Callable[[Action], Callable[[HttpRequest], HttpResponse]]:
    """A POST view whose JSON body is a `kind`; what cannot be read is a 400."""

    def decorate(action: Action) -> Callable[[HttpRequest], HttpResponse]:
        @require_POST
        @wraps(action)
        def view(request: HttpRequest) -> HttpResponse:
            try:
                return action(read_body(_json(request), kind), request.user.get_username())
            except Exception as exc:
                response = error_response(exc, {})
                if response is None:
                    raise
                return response

        return view

    return decorate


@permitted("centralino.add_listentry")
@_reads(Block)
def block(wish: Block, by: str) -> HttpResponse:
    """List a number; an entry that is there already is prolonged, never shortened."""
    number = _number(wish.number)
    before = listed.entry(number)
    reason = Reason.MANUAL_PERMANENT if wish.hours is None else Reason.MANUAL
    lists.blacklist_number(number, hours=wish.hours, reason=reason)
    return _done(number, before)


@permitted("centralino.delete_listentry")
@_reads(Release)
def release(wish: Release, by: str) -> HttpResponse:
    """Take a number off the blacklist; 404 if it is not on it."""
    number = _number(wish.number)
    before = listed.entry(number)
    if before is None or not lists.release_number(number):
        return problem(404, _("Number not in blacklist"))
    return _done(number, before)


@permitted("centralino.change_listentry")
@_reads(Undo)
def undo(wish: Undo, by: str) -> HttpResponse:
    """Make the entry what it was before; 400 when that was too long ago."""
    try:
        told = signing.loads(wish.undo, salt=_SALT, max_age=UNDO_WITHIN_S)
    except signing.BadSignature:
        return problem(400, _("This can no longer be undone."))
    lists.restore(told["number"], _entry(told["before"]))
    return _response({"number": national(told["number"])})


@permitted("ocr.change_autobotrun")
@_reads(Start)
def start_autobot(wish: Start, by: str) -> HttpResponse:
    """Begin a run; 409 while there is one, 503 without a stream to look at."""
    try:
        run = services.start(by=by, extraordinary=wish.extraordinary)
    except RunBusy as exc:
        return problem(409, str(exc))
    except RunRefused as exc:
        return problem(503, str(exc))
    return _response({"run": run.pk})


@permitted("ocr.change_autobotrun")
@_reads(Stop)
def stop_autobot(wish: Stop, by: str) -> HttpResponse:
    """End the run that is at work; 409 when there is none."""
    _before, run = services.stop(by=by)
    return _response({"run": run.pk}) if run else problem(409, _("AutoBOT is not at work."))


def _done(number: str, before: ListedNumber | None) -> HttpResponse:
    """The answer, with what `undo` needs: signed, so that nobody makes up another past."""
    past = orjson.loads(orjson.dumps(asdict(before))) if before else None
    token = signing.dumps({"number": number, "before": past}, salt=_SALT, compress=True)
    return _response({"number": national(number), "undo": token})


def _entry(past: dict[str, Any] | None) -> ListedNumber | None:
    if past is None:
        return None
    times = {name: past[name] and datetime.fromisoformat(past[name]) for name in _TIMES}
    return ListedNumber(**{**past, **times})


_TIMES: Final = ("created_at", "expires_at")


def _number(text: str) -> str:
    try:
        return canonical(text)
    except NumberError as exc:
        raise ValidationError({"number": [str(exc)]}) from None


def _json(request: HttpRequest) -> Any:
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as exc:
        raise ParseError(f"The body is not JSON: {exc}") from None


def _response(data: dict[str, Any]) -> HttpResponse:
    return HttpResponse(to_json(data), content_type="application/json")
