"""Which database a model is in. The old one is read, by its own models, and never written."""

from __future__ import annotations

from typing import Any

from django.db import NotSupportedError

from ocr.legacy.place import ALIAS


class LegacyRouter:
    """`app_label = "legacy"` is what marks a model of the old database."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return ALIAS if model._meta.app_label == ALIAS else None

    def db_for_write(self, model: Any, **hints: Any) -> None:
        """Raises NotSupportedError for a model of the old database."""
        if model._meta.app_label == ALIAS:
            raise NotSupportedError("The legacy database is only read.")

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if ALIAS in (db, app_label) else None
