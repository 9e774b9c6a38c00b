"""Model fields that Django does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


class KeyField(models.CharField[Any, Any]):
    """An identifier that other systems make: compared byte by byte.

    On PostgreSQL Django would give a unique `varchar` a second index for LIKE, which nobody asks of
    an id and every insert pays for; spelled out as `character varying` it does not.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if connection.vendor == "postgresql":
            return f'character varying({self.max_length}) COLLATE "C"'
        return super().db_type(connection)
