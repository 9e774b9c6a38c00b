from django.apps import AppConfig


class LottoConfig(AppConfig):
    name = "lotto"
    verbose_name = "Lotto"
    staff_sees = "lotto.view_extraction"
