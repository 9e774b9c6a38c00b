"""The schedule's first entries; staff may change every interval in the admin, and later runs leave it alone."""

from django.db import migrations

SCHEDULE = {
    # name: (task, seconds between runs, what it is for)
    "Centralino: expire": ("centralino.expire", 20, "Strikes off the numbers whose time is over."),
    "Centralino: prune": ("centralino.prune", 3600, "Deletes calls that are over their retention time."),
}


def add_schedule(apps, schema_editor):
    interval_model = apps.get_model("django_celery_beat", "IntervalSchedule")
    task_model = apps.get_model("django_celery_beat", "PeriodicTask")
    for name, (task, seconds, description) in SCHEDULE.items():
        interval, _ = interval_model.objects.get_or_create(every=seconds, period="seconds")
        task_model.objects.get_or_create(
            name=name,
            defaults={"task": task, "interval": interval, "expire_seconds": seconds, "description": description},
        )


def remove_schedule(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=SCHEDULE).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("centralino", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(add_schedule, remove_schedule)]
