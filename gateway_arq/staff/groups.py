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

OPERATOR, SUPERVISOR, ADMIN = "operator", "supervisor", "admin"
GROUPS: Final = (OPERATOR, SUPERVISOR, ADMIN)
Given: Final = Group.permissions.through
VIEW: Final = frozenset({"view"})
ALL: Final = frozenset({"view", "add", "change", "delete"})

# By table, or by app for its tables that are not named: what operators and supervisors may do.
# The group `admin` may do all everywhere; pages of facts let nobody change them whatever is here.
RULES: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "webcom": (VIEW, VIEW),
    "webtv": (VIEW, VIEW),
    "webtv.stream": (VIEW, ALL),
    "webtv.alertrule": (VIEW, ALL),
    "centralino": (VIEW, VIEW),
    "centralino.listentry": (ALL, ALL),
    "centralino.linerule": (VIEW, ALL),
    "centralino.pbxserver": (VIEW, VIEW | {"change"}),
    "lotto": (VIEW, VIEW),
    "lotto.extraction": (VIEW, ALL),
    "ocr": (VIEW, VIEW | {"change"}),
    "ocr.autobotrun": (VIEW | {"change"}, VIEW | {"change"}),  # start it, stop it
    "workers": (VIEW, VIEW),
    "django_celery_beat": (frozenset(), VIEW),
    "django_celery_beat.periodictask": (frozenset(), VIEW | {"change"}),
    "axes.accessattempt": (frozenset(), VIEW | {"delete"}),
    "auditlog.logentry": (frozenset(), VIEW),
    "auth.user": (frozenset(), VIEW),
}
NOTHING: Final = (frozenset[str](), frozenset[str]())


def allowed(label: str) -> dict[str, frozenset[str]]:
    """By group, what it may do with the table `label` (`app.model`)."""
    app = label.partition(".")[0]
    operator, supervisor = RULES.get(label) or RULES.get(app) or NOTHING
    return {OPERATOR: operator, SUPERVISOR: supervisor, ADMIN: ALL}


def fill(sender: AppConfig, using: str = "default", **_kwargs: Any) -> None:
    """Receiver of `post_migrate`: the groups with the permissions of this app's new tables."""
    if not router.allow_migrate_model(using, Group):
        return  # a database without users
    app = sender.label
    new = {model._meta.model_name for model in sender.get_models()} - _decided(app, using)
    if not new:
        return
    with disable_auditlog():  # nobody does this
        groups = {name: Group.objects.using(using).get_or_create(name=name)[0] for name in GROUPS}
        permissions = Permission.objects.using(using).filter(content_type__app_label=app)
        Given.objects.using(using).bulk_create(
            [
                Given(group=groups[name], permission=permission)
                for permission in permissions.select_related("content_type")
                if (model := permission.content_type.model) in new
                for name, actions in allowed(f"{app}.{model}").items()
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
