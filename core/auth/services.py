"""Making and revoking API keys."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.utils import timezone

from core.auth.models import ApiKey
from core.auth.types import Scope, digest_of

_LETTERS = string.ascii_lowercase + string.digits


def create_key(
    *,
    name: str,
    scope: Scope = Scope.READ,
    expires_at: datetime | None = None,
    created_by: User | AnonymousUser | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; returns its row and the full `arq_<prefix>_<secret>`, never readable again."""
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(8))
    full_key = f"arq_{prefix}_{secrets.token_urlsafe(24)}"
    row = ApiKey.objects.create(
        name=name,
        prefix=prefix,
        digest=digest_of(full_key),
        scope=scope,
        expires_at=expires_at,
        created_by_id=created_by.pk if created_by else None,
    )
    return row, full_key


@transaction.atomic
def revoke_keys(keys: Iterable[ApiKey]) -> int:
    """Revoke the keys from now on and close their sockets; returns how many that ended."""
    active = [key for key in keys if key.revoked_at is None]
    for key in active:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])  # one by one: saving tells every process
    return len(active)
