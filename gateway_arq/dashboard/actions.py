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

from centralino.selectors import lists as listed
from centralino.services import lists
from centralino.types import Hours, ListedNumber, Reason
from core.api.params import read_body
from core.api.rest import error_response, problem
from core.lib.numbers import NumberError, canonical, national
from gateway_arq.dashboard.access import json_response, permitted
from ocr.autobot import services
from ocr.types import RunBusy, RunRefused

MAX_UNDO_S: Final = 600
_SALT: Final = "dashboard.undo"
Action = Callable[[Any, str], HttpResponse]  # of the body and the username


class Block(Struct, frozen=True):
    """Block a number for so many hours, or permanently (None)."""

    number: Annotated[str, Meta(max_length=64)]
    hours: Hours | None = None


class Release(Struct, frozen=True):
    """Unblock a number."""

    number: Annotated[str, Meta(max_length=64)]


class Undo(Struct, frozen=True):
    """The `undo` token of the response to the action."""

    undo: Annotated[str, Meta(max_length=2_000)]


class Start(Struct, frozen=True):
    """Start AutoBOT; `extraordinary`: for a draw on a day that has none by rule."""

    extraordinary: bool = False


class Stop(Struct, frozen=True):
    """Stop AutoBOT."""


def _json_action(kind: type[Struct]) -> Callable[[Action], Callable[[HttpRequest], HttpResponse]]:
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
@_json_action(Block)
def block(body: Block, by: str) -> HttpResponse:
    """Blacklist a number; an existing entry is extended, never shortened."""
    number = _number(body.number)
    before = listed.entry(number)
    reason = Reason.MANUAL_PERMANENT if body.hours is None else Reason.MANUAL
    lists.blacklist_number(number, hours=body.hours, reason=reason)
    return _undoable(number, before)


@permitted("centralino.delete_listentry")
@_json_action(Release)
def release(body: Release, by: str) -> HttpResponse:
    """Take a number off the blacklist; 404 if it is not on it."""
    number = _number(body.number)
    before = listed.entry(number)
    if before is None or not lists.release_number(number):
        return problem(404, _("Number not in blacklist"))
    return _undoable(number, before)


@permitted("centralino.change_listentry")
@_json_action(Undo)
def undo(body: Undo, by: str) -> HttpResponse:
    """Restore the entry of before; 400 when that was too long ago."""
    try:
        past = signing.loads(body.undo, salt=_SALT, max_age=MAX_UNDO_S)
    except signing.BadSignature:
        return problem(400, _("This can no longer be undone."))
    lists.restore(past["number"], _entry(past["before"]))
    return json_response({"number": national(past["number"])})


@permitted("ocr.change_autobotrun")
@_json_action(Start)
def start_autobot(body: Start, by: str) -> HttpResponse:
    """Begin a run; 409 while there is one, 503 without a stream to read."""
    try:
        run = services.start(by=by, extraordinary=body.extraordinary)
    except RunBusy as exc:
        return problem(409, str(exc))
    except RunRefused as exc:
        return problem(503, str(exc))
    return json_response({"run": run.pk})


@permitted("ocr.change_autobotrun")
@_json_action(Stop)
def stop_autobot(body: Stop, by: str) -> HttpResponse:
    """End the run that is at work; 409 when there is none."""
    _before, run = services.stop(by=by)
    return json_response({"run": run.pk}) if run else problem(409, _("AutoBOT is not at work."))


def _undoable(number: str, before: ListedNumber | None) -> HttpResponse:
    """The response with the token for `undo`: signed, so that nobody can forge an earlier entry."""
    past = orjson.loads(orjson.dumps(asdict(before))) if before else None
    token = signing.dumps({"number": number, "before": past}, salt=_SALT, compress=True)
    return json_response({"number": national(number), "undo": token})


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
