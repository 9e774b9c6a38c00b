"""The sum of all streams, and the schedule's first entries, which staff may change in the admin."""

from django.db import migrations

SCHEDULE = {
    # name: (task, seconds between runs, what it is for)
    "Web TV: alerts": ("webtv.judge_alerts", 5, "Raises and clears the alerts of the streams."),
    "Web TV: prune": ("webtv.prune", 3600, "Deletes what is over its retention time."),
}


def add(apps, schema_editor):
    apps.get_model("webtv", "Stream").objects.get_or_create(name="total")
    interval_model = apps.get_model("django_celery_beat", "IntervalSchedule")
    task_model = apps.get_model("django_celery_beat", "PeriodicTask")
    for name, (task, seconds, description) in SCHEDULE.items():
        interval, _ = interval_model.objects.get_or_create(every=seconds, period="seconds")
        task_model.objects.get_or_create(
            name=name,
            defaults={"task": task, "interval": interval, "expire_seconds": seconds, "description": description},
        )


def remove(apps, schema_editor):
    apps.get_model("webtv", "Stream").objects.filter(name="total").delete()
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=SCHEDULE).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("webtv", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(add, remove)]
