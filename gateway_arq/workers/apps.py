from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "gateway_arq.workers"
    label = "workers"
    verbose_name = "Workers"
