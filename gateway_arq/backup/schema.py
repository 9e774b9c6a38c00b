"""The tables as the migrations of a database left them, whatever this code's models say."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.models import Field, Model

Migration = tuple[str, str]  # app, name

# Logins end with a restore: one that was ended since would be open again. Events on their way were
# pushed long ago, and who leads is seen anew.
LEFT_OUT: Final = frozenset({"django_session", "realtime_pendingevents", "workers_lease"})


@dataclass(frozen=True)
class StoredTable:
    """One table that is backed up."""

    model: type[Model]

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def fields(self) -> list[Field[Any, Any]]:
        return [field for field in self.model._meta.local_concrete_fields if not field.generated]

    @property
    def columns(self) -> list[str]:
        return [str(field.column) for field in self.fields]


def tables(connection: BaseDatabaseWrapper, migrations: Iterable[Migration]) -> list[StoredTable]:
    """What these migrations make, each table after those that it refers to."""
    loader = MigrationLoader(connection)
    nodes = [node for node in migrations if node in loader.graph.nodes]
    state = loader.project_state(nodes).apps
    by_name = {
        model._meta.db_table: StoredTable(model)
        for model in state.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in sorted(by_name):
        sorter.add(name, *sorted(_referred(by_name[name]) - {name}))
    return [by_name[name] for name in sorter.static_order() if name not in LEFT_OUT]


def _referred(table: StoredTable) -> set[str]:
    related = (field.related_model for field in table.fields if field.is_relation)
    return {model._meta.db_table for model in related if model is not None}


def known() -> Collection[Migration]:
    """Every migration that this code has."""
    return (MigrationLoader(None).disk_migrations or {}).keys()


def leaves(connection: BaseDatabaseWrapper, migrations: Iterable[Migration]) -> list[Migration]:
    """The last migration of each app among these."""
    graph = MigrationLoader(connection).graph
    mine = {node for node in migrations if node in graph.nodes}
    return [
        node
        for node in sorted(mine)
        if not any(
            child.key in mine and child.key[0] == node[0] for child in graph.node_map[node].children
        )
    ]
