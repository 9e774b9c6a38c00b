"""`/api/lotto/check`: what a ticket won."""

from __future__ import annotations

from datetime import date

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body
from core.lib.days import current_second
from lotto import selectors, ticket
from lotto.api import schema
from lotto.api.queries import CheckTicketBody
from lotto.game_documents import ticket_document
from lotto.rules import format_day


class CheckView(APIView):
    only_asks = True

    @schema.CHECK
    def post(self, request: Request) -> Response:
        body = read_body(request.data, CheckTicketBody)
        numbers, wheels, stakes = body.numbers(), body.wheels(), body.stakes()
        day, drawn = _draw(body)
        missing = [wheel for wheel in wheels if wheel not in drawn]
        if missing:
            raise NotFound(f"There is no draw of {format_day(day)} {', '.join(missing)}.")
        result = ticket.check(numbers, stakes, {wheel: drawn[wheel] for wheel in wheels})
        return Response(ticket_document(day, numbers, result, now=current_second()))


def _draw(body: CheckTicketBody) -> tuple[date, selectors.Wheels]:
    """The day that the ticket was played for, and its draw. Raises NotFound."""
    day = body.day()
    newest = selectors.latest(1) if day is None else [(day, selectors.on(day))]
    if not newest:
        raise NotFound("There is no draw.")
    return newest[0]
