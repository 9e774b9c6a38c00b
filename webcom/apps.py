from django.apps import AppConfig


class WebcomConfig(AppConfig):
    name = "webcom"
    verbose_name = "WebCom"
