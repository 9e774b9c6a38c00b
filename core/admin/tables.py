"""What a model says about its table for staff: who may do what, its icon, what the trail writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model

VIEW: Final = frozenset({"view"})
CHANGE: Final = VIEW | {"change"}
ALL: Final = frozenset({"view", "add", "change", "delete"})
NONE: Final = frozenset[str]()


@dataclass(frozen=True)
class StaffTable:
    """Set as a model's `staff_table`: what the two groups below administrators may do with it.

    Pages of read-only tables let nobody change them, whatever stands here. `audit` holds the
    options of `auditlog.register` (fields left out or masked); without it the trail has only what
    is done in the admin. `title` replaces a library's own name in the sidebar.
    """

    icon: str = "table_rows"
    operator: frozenset[str] = VIEW
    supervisor: frozenset[str] = VIEW
    audit: Mapping[str, Any] | None = None
    title: object = ""


UNDECLARED: Final = StaffTable(operator=NONE, supervisor=NONE)


def staff_table(model: type[Model]) -> StaffTable:
    """What the model itself declares; a proxy does not inherit it."""
    declared: StaffTable = vars(model).get("staff_table", UNDECLARED)
    return declared
