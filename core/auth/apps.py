from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save


class AuthConfig(AppConfig):
    name = "core.auth"
    label = "api_keys"
    verbose_name = "API keys"

    def ready(self) -> None:
        from core.auth.models import ApiKey
        from core.auth.signals import key_changed

        post_save.connect(key_changed, sender=ApiKey)
        post_delete.connect(key_changed, sender=ApiKey)
