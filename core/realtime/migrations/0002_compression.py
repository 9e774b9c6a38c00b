from django.db import migrations

HAS_LZ4 = """
SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)
"""


def compress_quickly(apps, schema_editor):
    """PostgreSQL's own compression takes longer than all the rest of a row's short life."""
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(HAS_LZ4)
        how = "COMPRESSION lz4" if cursor.fetchone() else "STORAGE EXTERNAL"
    schema_editor.execute(f"ALTER TABLE realtime_pendingevents ALTER COLUMN events SET {how}")


class Migration(migrations.Migration):
    dependencies = [("realtime", "0001_outbox")]

    operations = [migrations.RunPython(compress_quickly, migrations.RunPython.noop)]
