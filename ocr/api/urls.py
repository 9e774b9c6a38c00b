from __future__ import annotations

from django.urls import path

from ocr.api.views.legacy import DatesView, ExtractionView, RiscontriView
from ocr.api.views.process import ProcessView
from ocr.api.views.telegram import TelegramView

urlpatterns = [
    path("process", ProcessView.as_view()),
    path("telegram/send", TelegramView.as_view()),
    path("riscontri2/dates", DatesView.as_view()),
    path("riscontri2/extraction", ExtractionView.as_view()),
    path("riscontri2/riscontri", RiscontriView.as_view()),
]
