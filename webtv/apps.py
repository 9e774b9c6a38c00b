from django.apps import AppConfig


class WebtvConfig(AppConfig):
    name = "webtv"
    verbose_name = "Web TV"

    def ready(self) -> None:
        from webtv import checks  # noqa: F401  (registers the system checks)
