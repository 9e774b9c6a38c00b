from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway_arq"
    verbose_name = "Gateway ARQ"

    def ready(self) -> None:
        from core.api import security_schemes  # noqa: F401  (registers them with the OpenAPI schema)
        from gateway_arq import checks  # noqa: F401  (registers the system checks)
        from gateway_arq.celery import app

        app.set_default()
        app.autodiscover_tasks(force=True)  # so that a task's name is known wherever Django is
