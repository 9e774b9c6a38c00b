"""Every process hears of a changed key at once, however it was changed."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core.auth.keyring import keyring
from core.realtime.control import KEYS_CHANGED, announce


def key_changed(**_kwargs: Any) -> None:
    """Receiver of ApiKey's `post_save` and `post_delete`: tells all once it is committed."""
    transaction.on_commit(_tell)


def _tell() -> None:
    keyring.reload()
    announce(KEYS_CHANGED)
