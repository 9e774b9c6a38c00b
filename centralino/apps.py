from django.apps import AppConfig


class CentralinoConfig(AppConfig):
    name = "centralino"
    verbose_name = "Centralino"
    staff_sees = "centralino.view_listentry"

    def ready(self) -> None:
        from centralino import checks  # noqa: F401  (registers the system checks)
