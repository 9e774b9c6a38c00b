"""AutoBOT's schedule, which staff may change in the admin."""

from django.db import migrations

START, PRUNE = "AutoBOT: start", "AutoBOT: prune"


def add_schedule(apps, schema_editor):
    crontab_model = apps.get_model("django_celery_beat", "CrontabSchedule")
    task_model = apps.get_model("django_celery_beat", "PeriodicTask")
    every_day = {"day_of_week": "*", "day_of_month": "*", "month_of_year": "*", "timezone": "Europe/Rome"}
    # At 20:00 the draw begins. On days without one the run says so.
    for name, task, hour, minute, description in (
        (START, "ocr.autobot", "20", "1", "Reads the draw off the live stream."),
        (PRUNE, "ocr.prune", "4", "40", "Deletes pictures that are over their retention time."),
    ):
        crontab, _ = crontab_model.objects.get_or_create(minute=minute, hour=hour, **every_day)
        task_model.objects.get_or_create(
            name=name,
            defaults={"task": task, "crontab": crontab, "expire_seconds": 1800, "description": description},
        )


def remove_schedule(apps, schema_editor):
    names = [START, PRUNE]
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("ocr", "0002_autobot"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(add_schedule, remove_schedule)]
