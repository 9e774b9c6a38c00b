from django.db import migrations


def write(apps, schema_editor):
    """Keys of the scope `admin`, which opened nothing that `write` does not, go on as such."""
    keys = apps.get_model("api_keys", "ApiKey").objects.using(schema_editor.connection.alias)
    keys.filter(scope="admin").update(scope="write")


class Migration(migrations.Migration):
    dependencies = [("api_keys", "0001_initial")]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
