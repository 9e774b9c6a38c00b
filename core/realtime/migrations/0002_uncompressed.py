from django.db import migrations


def store_as_it_is(apps, schema_editor):
    """PostgreSQL would compress what is deleted a moment later."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "ALTER TABLE realtime_pendingevents ALTER COLUMN events SET STORAGE EXTERNAL"
        )


class Migration(migrations.Migration):
    dependencies = [("realtime", "0001_outbox")]

    operations = [migrations.RunPython(store_as_it_is, migrations.RunPython.noop)]
