"""`POST /api/webcom/events`: the carrier's push, signed by Standard Webhooks."""

from __future__ import annotations

import logging
from typing import Annotated, Any, Final, Literal

import msgspec
from django.conf import settings
from msgspec import Meta, Struct
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from core.api.authentication import refuse_slowly
from core.auth.types import Caller, Scope, scopes_up_to
from webcom import ingest
from webcom.api import schema
from webcom.serializers import DeliveredDocument
from webcom.types import PushMessage, RecordError

logger = logging.getLogger(__name__)

MAX_EVENTS: Final = 1_000


class _Message(Struct, frozen=True):
    type: Literal["call", "line", "rebates", "ping"]
    call: Any = None
    line: Any = None
    rebates: Any = None


class _Envelope(Struct, frozen=True):
    events: Annotated[list[_Message], Meta(min_length=1, max_length=MAX_EVENTS)]


class SignedByCarrier(BaseAuthentication):
    """Authentication by a signature over id, time and body, not older than five minutes."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller]:
        if not settings.WEBCOM_WEBHOOK_SECRET:
            raise NotFound("No webhook is configured here (WEBCOM_WEBHOOK_SECRET).")
        raw = request._request
        try:
            Webhook(settings.WEBCOM_WEBHOOK_SECRET).verify(
                raw.body, dict(raw.headers), json_parse=False
            )
        except (WebhookVerificationError, EmptyWebhookSecretError, ValueError) as exc:
            refuse_slowly(raw)
            logger.warning("webcom.webhook_refused reason=%s", exc)
            raise AuthenticationFailed(
                "The webhook's signature is missing, wrong or too old."
            ) from None
        caller = Caller(name="webcom", scopes=scopes_up_to(Scope.WRITE))
        return caller, caller

    def authenticate_header(self, request: Request) -> str:
        return 'Webhook realm="Gateway ARQ"'


class EventsView(APIView):
    authentication_classes = (SignedByCarrier,)
    # The carrier sends as fast as customers ring; only failed signatures are counted.
    is_rate_limited = False

    @schema.EVENTS
    def post(self, request: Request) -> Response:
        delivery_id = request._request.headers["webhook-id"]
        if not (len(delivery_id) <= 128 and delivery_id.isprintable()):
            raise ValidationError({"webhook-id": ["At most 128 printable characters."]})
        try:
            stored = ingest.store_delivery(delivery_id, _messages(request.data))
        except RecordError as exc:
            raise ValidationError({"events": [str(exc)]}) from None
        if stored is None:
            return Response(DeliveredDocument(success=True, duplicate=True))
        counts = msgspec.to_builtins(stored)
        return Response(DeliveredDocument(success=True, duplicate=False, **counts))


def _messages(body: Any) -> list[PushMessage]:
    try:
        envelope = msgspec.convert(body, _Envelope)
    except msgspec.ValidationError as exc:
        raise ValidationError({"events": [str(exc)]}) from None
    return [
        PushMessage(message.type, getattr(message, message.type))
        for message in envelope.events
        if message.type != "ping"
    ]
