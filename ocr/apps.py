from django.apps import AppConfig


class OcrConfig(AppConfig):
    name = "ocr"
    verbose_name = "OCR"
    staff_sees = "ocr.view_autobotrun"

    def ready(self) -> None:
        from ocr import checks  # noqa: F401  (registers the system checks)
