from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "core.workers"
    label = "workers"
    verbose_name = "Workers"
