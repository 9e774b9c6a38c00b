"""`POST /api/webcom/events`: the carrier's push, signed by Standard Webhooks."""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec
from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError, hmac_data

from core.api.authentication import refuse_slowly
from core.api.rest import JsonParser
from core.auth.types import Caller, Scope, scopes_up_to
from core.lib import odd_json
from webcom import ingest
from webcom.api import schema
from webcom.serializers import DeliveredDocument
from webcom.types import PushMessage, push_message

logger = logging.getLogger(__name__)


MAX_ID: Final = 128
# What has another form is no such signature: it must not keep a right one from being tried.
_SIGNATURE: Final = re.compile(r"v1,[A-Za-z0-9+/]{43}=", re.ASCII)


class _Signature(Webhook):
    """The library's rules, over a body of any bytes: each stands for one character of `data`."""

    def sign(self, msg_id: str, timestamp: datetime, data: str) -> str:
        content = f"{msg_id}.{int(timestamp.timestamp())}.{data}".encode("latin-1")
        return f"v1,{b64encode(hmac_data(self._whsecret, content)).decode()}"

    def check(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raises WebhookVerificationError, or ValueError."""
        signatures = _SIGNATURE.findall(headers.get("webhook-signature", ""))
        self.verify(
            body.decode("latin-1"),
            {**headers, "Webhook-Signature": " ".join(signatures)},
            json_parse=False,
        )


class SignedByCarrier(BaseAuthentication):
    """Authentication by a signature over id, time and body, not older than five minutes."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller]:
        if not settings.WEBCOM_WEBHOOK_SECRET:
            raise NotFound("No webhook is configured here (WEBCOM_WEBHOOK_SECRET).")
        raw = request._request
        try:
            _Signature(settings.WEBCOM_WEBHOOK_SECRET).check(raw.body, raw.headers)
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
    parser_classes = (JsonParser,)  # what is documented; any content type is read
    # The carrier sends as fast as customers ring; only failed signatures are counted.
    is_rate_limited = False

    @schema.EVENTS
    def post(self, request: Request) -> Response:
        delivery_id = _delivery_id(request._request.headers["webhook-id"])
        if not request._request.body:
            raise ParseError("The body is empty.")
        stored = ingest.store_delivery(delivery_id, _messages(request._request.body))
        if stored is None:
            return Response(DeliveredDocument(success=True, duplicate=True))
        counts = msgspec.to_builtins(stored)
        return Response(DeliveredDocument(success=True, duplicate=False, **counts))


def _delivery_id(given: str) -> str:
    """The id as it is stored; of one that is too long or odd, its digest."""
    if len(given) <= MAX_ID and given.isprintable():
        return given
    return sha256(given.encode("latin-1")).hexdigest()


def _messages(raw: bytes) -> list[PushMessage]:
    """The messages in a delivery: of any shape, since what is refused comes again and again.

    Raises ParseError when it is not JSON.
    """
    try:
        body = odd_json.loads(raw)
    except odd_json.TooDeep:
        return [PushMessage("message", raw.decode("utf-8", "backslashreplace"))]
    except ValueError as exc:
        raise ParseError(f"The body is not JSON: {exc}") from None
    events = body.get("events") if isinstance(body, dict) else None
    if not isinstance(events, list):
        return [PushMessage("message", body)]
    return [message for event in events if (message := push_message(event)) is not None]
