from django.apps import AppConfig, apps
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class GatewayConfig(AppConfig):
    name = "gateway_arq"
    verbose_name = "Gateway ARQ"

    def ready(self) -> None:
        from core.api import security_schemes  # noqa: F401  (registers them with the OpenAPI schema)
        from core.lib.sqlite_files import keep_private
        from gateway_arq import checks, schedule  # noqa: F401  (registers the system checks)
        from gateway_arq.celery import app

        connection_created.connect(keep_private)
        post_migrate.connect(schedule.apply, sender=apps.get_app_config("django_celery_beat"))

        app.set_default()
        app.autodiscover_tasks(force=True)  # so that a task's name is known wherever Django is
