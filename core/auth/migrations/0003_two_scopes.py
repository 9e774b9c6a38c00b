from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api_keys", "0002_admin_keys_write")]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="scope",
            field=models.CharField(
                choices=[("read", "read"), ("write", "write")],
                default="read",
                help_text="Write includes read.",
                max_length=5,
                verbose_name="scope",
            ),
        ),
    ]
