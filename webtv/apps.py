from django.apps import AppConfig


class WebtvConfig(AppConfig):
    name = "webtv"
    verbose_name = "Web TV"
    staff_sees = "webtv.view_stream"

    def ready(self) -> None:
        from webtv import checks  # noqa: F401  (registers the system checks)
