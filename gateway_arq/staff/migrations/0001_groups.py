from __future__ import annotations

from typing import Any

from django.db import migrations

NAMES = ("operator", "supervisor", "admin")


def make(apps: Any, schema_editor: Any) -> None:
    """The groups; `gateway_arq.staff.groups` fills them once all permissions are there."""
    group = apps.get_model("auth", "Group")
    for name in NAMES:
        group.objects.using(schema_editor.connection.alias).get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
