"""A run's worker has a lease of its own (`workers.Lease`); the columns stay for one release.

While processes of the release before are replaced they still read and write them. With a default
in the database the new ones need not.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("ocr", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="autobotrun",
            name="lease_owner",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=100),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField(model_name="autobotrun", name="lease_owner"),
                migrations.RemoveField(model_name="autobotrun", name="lease_until"),
            ],
        ),
    ]
