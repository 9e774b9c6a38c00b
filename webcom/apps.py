from django.apps import AppConfig


class WebcomConfig(AppConfig):
    name = "webcom"
    verbose_name = "WebCom"
    staff_sees = "webcom.view_call"
