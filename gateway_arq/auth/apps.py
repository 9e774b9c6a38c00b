from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save


class AuthConfig(AppConfig):
    name = "gateway_arq.auth"
    label = "api_keys"
    verbose_name = "API keys"

    def ready(self) -> None:
        from gateway_arq.auth import openapi  # noqa: F401  (registers the security schemes)
        from gateway_arq.auth.models import ApiKey
        from gateway_arq.auth.signals import key_changed

        post_save.connect(key_changed, sender=ApiKey)
        post_delete.connect(key_changed, sender=ApiKey)
