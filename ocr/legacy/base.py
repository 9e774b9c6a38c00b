"""Django's MySQL backend on PyMySQL, for reading from a server that may be old and slow.

Three things keep it from writing: the user's rights there, a session that is read only, and the
router.
"""

from __future__ import annotations

from typing import Any

import pymysql

pymysql.install_as_MySQLdb()  # before Django's backend looks for it

from django.db.backends.mysql import base  # noqa: E402


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        """As Django's, with the password in UTF-8, as servers hold it; PyMySQL takes Latin-1."""
        params: dict[str, Any] = super().get_connection_params()
        if password := params.get("password"):
            params["password"] = password.encode()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """PyMySQL's connection. Whatever keeps it from being made is an OperationalError."""
        try:
            return super().get_new_connection(conn_params)
        except pymysql.OperationalError:
            raise
        except Exception as exc:  # PyMySQL takes any greeting for a server's, and reads on
            raise pymysql.OperationalError(f"no MySQL answers there: {exc!r}") from exc

    def check_database_version_supported(self) -> None:
        """Django's newest features are not needed for three plain SELECTs: any age will do."""

    def init_connection_state(self) -> None:
        super().init_connection_state()
        with self.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            if limit := self._statement_limit():
                cursor.execute(*limit)

    def _statement_limit(self) -> tuple[str, list[Any]] | None:
        """The statement by which the server itself ends a SELECT that outlives our timeout."""
        limit_s = float(self.settings_dict["OPTIONS"]["read_timeout"])
        if self.mysql_is_mariadb:
            return "SET SESSION max_statement_time = %s", [limit_s]
        if self.mysql_version >= (5, 7, 8):
            return "SET SESSION max_execution_time = %s", [int(limit_s * 1000)]
        return None  # older ones know none; our own read timeout remains
