"""What the sync keeps, and its schedule, which staff may change in the admin."""

from django.db import migrations, models


NAME = "Lotto: sync"


def add_schedule(apps, schema_editor):
    # The operator publishes the evening's draw at night, at no certain hour.
    crontab, _ = apps.get_model("django_celery_beat", "CrontabSchedule").objects.get_or_create(
        minute="20", hour="2,7,23", day_of_week="*", day_of_month="*", month_of_year="*", timezone="Europe/Rome"
    )
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "lotto.sync",
            "crontab": crontab,
            "expire_seconds": 3600,
            "description": "Takes in what the operator has published, verifies and corrects.",
        },
    )


def remove_schedule(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('lotto', '0001_initial'),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [
        migrations.CreateModel(
            name='Archive',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=16)),
            ],
        ),
        migrations.CreateModel(
            name='DrawDay',
            fields=[
            ],
            options={
                'verbose_name': 'day of draws',
                'verbose_name_plural': 'draws by day',
                'ordering': ('-day',),
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('lotto.extraction',),
        ),
        migrations.CreateModel(
            name='Intake',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('source', models.CharField(choices=[('import', 'import'), ('sync', 'sync')], max_length=6, verbose_name='source')),
                ('name', models.CharField(max_length=200, verbose_name='file')),
                ('inserted', models.PositiveIntegerField(verbose_name='new')),
                ('skipped', models.PositiveIntegerField(verbose_name='known')),
                ('verified', models.PositiveIntegerField(default=0, verbose_name='confirmed')),
                ('corrected', models.PositiveIntegerField(default=0, verbose_name='corrected')),
                ('rejected', models.PositiveIntegerField(verbose_name='rejected')),
                ('errors', models.JSONField(default=list, verbose_name='rejected lines')),
                ('duration_s', models.FloatField(verbose_name='seconds')),
                ('etag', models.CharField(editable=False, max_length=200)),
                ('version', models.CharField(editable=False, max_length=16)),
            ],
            options={
                'verbose_name': 'import or sync',
                'verbose_name_plural': 'imports and syncs',
                'ordering': ('-at', '-id'),
                'indexes': [models.Index(fields=['-at', '-id'], name='lotto_intake_at')],
            },
        ),
        migrations.RunPython(add_schedule, remove_schedule),
    ]
