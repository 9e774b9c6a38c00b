from __future__ import annotations

from django.urls import path

from ocr.api.views import autobot
from ocr.api.views.process import ProcessView
from ocr.api.views.telegram import TelegramView

urlpatterns = [
    path("autobot/status", autobot.StatusView.as_view()),
    path("autobot/start", autobot.StartView.as_view()),
    path("autobot/stop", autobot.StopView.as_view()),
    path("autobot/config", autobot.ConfigView.as_view()),
    path("process", ProcessView.as_view()),
    path("telegram/send", TelegramView.as_view()),
]
