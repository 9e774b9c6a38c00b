from __future__ import annotations

from django.urls import path

from ocr.api.views import ai, autobot, config, legacy, lotto_site, process, telegram

urlpatterns = [
    path("autobot/status", autobot.AutobotStatusView.as_view()),
    path("autobot/start", autobot.AutobotStartView.as_view()),
    path("autobot/stop", autobot.AutobotStopView.as_view()),
    path("autobot/config", autobot.AutobotConfigView.as_view()),
    path("process", process.ProcessView.as_view()),
    path("telegram/send", telegram.TelegramView.as_view()),
    path("ai/validate", ai.AiValidateView.as_view()),
    path("ai/models", ai.AiModelsView.as_view()),
    path("config", config.ConfigView.as_view()),
    path("lotto/upload", lotto_site.UploadView.as_view()),
    path("riscontri", lotto_site.RiscontriView.as_view()),
    path("riscontri2/dates", legacy.LegacyDatesView.as_view()),
    path("riscontri2/extraction", legacy.LegacyExtractionView.as_view()),
    path("riscontri2/riscontri", legacy.LegacyRiscontriView.as_view()),
]
