from __future__ import annotations

from django.urls import path

from ocr.api.views import autobot, legacy
from ocr.api.views.ai import AiModelsView, AiValidateView
from ocr.api.views.config import ConfigView
from ocr.api.views.lotto_site import RiscontriView, UploadView
from ocr.api.views.process import ProcessView
from ocr.api.views.telegram import TelegramView

urlpatterns = [
    path("autobot/status", autobot.StatusView.as_view()),
    path("autobot/start", autobot.StartView.as_view()),
    path("autobot/stop", autobot.StopView.as_view()),
    path("autobot/config", autobot.ConfigView.as_view()),
    path("process", ProcessView.as_view()),
    path("telegram/send", TelegramView.as_view()),
    path("ai/validate", AiValidateView.as_view()),
    path("ai/models", AiModelsView.as_view()),
    path("config", ConfigView.as_view()),
    path("lotto/upload", UploadView.as_view()),
    path("riscontri", RiscontriView.as_view()),
    path("riscontri2/dates", legacy.DatesView.as_view()),
    path("riscontri2/extraction", legacy.ExtractionView.as_view()),
    path("riscontri2/riscontri", legacy.RiscontriView.as_view()),
]
