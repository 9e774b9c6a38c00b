"""Who may do what: the groups of the staff and their permissions. docs/admin.md has it as a table.

A group is filled when the tables are made (`post_migrate`), because their permissions do not exist
before. A table whose permissions no group has yet is new; where one has some, staff decide, and
nothing here takes their decision back.
"""

from __future__ import annotations

from typing import Any, Final

from auditlog.context import disable_auditlog
from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.db import router
from django.db.models import Model

from core.admin.tables import ALL
from gateway_arq.staff.tables import table_of

OPERATOR, SUPERVISOR, ADMIN = "operator", "supervisor", "admin"
GROUPS: Final = (OPERATOR, SUPERVISOR, ADMIN)

Given: Final = Group.permissions.through


def allowed(model: type[Model]) -> dict[str, frozenset[str]]:
    """By group, what it may do with the model's table: administrators all, others what it says."""
    table = table_of(model)
    return {OPERATOR: table.operator, SUPERVISOR: table.supervisor, ADMIN: ALL}


def fill(sender: AppConfig, using: str = "default", **_kwargs: Any) -> None:
    """Receiver of `post_migrate`: the groups with the permissions of this app's new tables."""
    if not router.allow_migrate_model(using, Group):
        return  # a database without users
    app = sender.label
    decided = _decided(app, using)
    models = {name: m for m in sender.get_models() if (name := m._meta.model_name) not in decided}
    if not models:
        return
    with disable_auditlog():  # nobody does this
        groups = {name: Group.objects.using(using).get_or_create(name=name)[0] for name in GROUPS}
        permissions = Permission.objects.using(using).filter(content_type__app_label=app)
        Given.objects.using(using).bulk_create(
            [
                Given(group=groups[name], permission=permission)
                for permission in permissions.select_related("content_type")
                if (model := permission.content_type.model) in models
                for name, actions in allowed(models[model]).items()
                if permission.codename in {f"{action}_{model}" for action in actions}
            ],
            ignore_conflicts=True,  # of two that migrate at once
        )


def _decided(app: str, using: str) -> set[str]:
    """The tables of the app that some group has a permission for."""
    given = Permission.objects.using(using).filter(
        content_type__app_label=app, group__name__in=GROUPS
    )
    return set(given.values_list("content_type__model", flat=True).distinct())
