"""Django's PostgreSQL backend, whose connections end every wait and are checked without a query.

The entry of DATABASES has `TIMEOUTS`: {role: seconds of a statement, 0 for any time}.
"""

from __future__ import annotations

import select
from contextlib import nullcontext
from math import ceil
from typing import Any, Final

from django.db.backends.postgresql import base
from psycopg import IsolationLevel
from psycopg.pq import ConnStatus

from core.lib.postgres.connection import BoundedConnection
from core.lib.postgres.limits import Limits, current_gate, current_role, time_left_s

CONNECT_S: Final = 3
MIN_CONNECT_S: Final = 2  # libpq's
GRACE_S: Final = 2.0  # the server ends a statement itself; after that time it is not there
# A host that is gone, or a network that drops everything, is noticed within some 11 s.
TCP: Final = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # ms
}
# The same for the server, so that it frees what a vanished client has locked.
_SERVER_TCP: Final = {
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
}


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection of one thread, with the limits of the thread's role."""

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        options = f"{_options(self._limits())} {params.get('options', '')}".strip()
        timeout_s = time_left_s(float(params.get("connect_timeout", CONNECT_S)))
        connect = {"connect_timeout": max(MIN_CONNECT_S, ceil(timeout_s or 0))}
        return {**TCP, **params, **connect, "options": options}

    def get_new_connection(self, conn_params: dict[str, Any]) -> BoundedConnection:
        """Raises TooManyWaiting beside psycopg's own errors."""
        gate, statement_s = current_gate(), self._limits().statement_s
        self.isolation_level = IsolationLevel.READ_COMMITTED
        with gate.connecting() if gate else nullcontext():
            connection = BoundedConnection.connect(**conn_params)
        connection.answer_s = statement_s + GRACE_S if statement_s else None
        connection.gate = gate
        return connection

    def is_usable(self) -> bool:
        """Whether the connection stands, as far as the kernel knows: nothing is sent.

        An idle one that can be read was ended by the server.
        """
        pgconn = self.connection.pgconn
        if pgconn.status != ConnStatus.OK:
            return False
        poll = select.poll()
        poll.register(pgconn.socket, select.POLLIN)
        return not poll.poll(0)

    def ask(self, query: str) -> bytes:
        """The one value that a query returns, as text, without a cursor."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            answer: bytes = self.connection.ask(query.encode())
        return answer

    def _limits(self) -> Limits:
        return Limits.of(self.settings_dict["TIMEOUTS"][current_role()])


def _options(limits: Limits) -> str:
    milliseconds = {
        "statement_timeout": limits.statement_s,
        "lock_timeout": limits.lock_s,
        "idle_in_transaction_session_timeout": limits.idle_s,
    }
    values = {name: round(seconds * 1000) for name, seconds in milliseconds.items()} | _SERVER_TCP
    return " ".join(f"-c {name}={value}" for name, value in values.items())
