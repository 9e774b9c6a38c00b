from django.urls import path

from webtv.api import views

urlpatterns = [
    path("viewers", views.ViewersView.as_view()),
    path("stats", views.AudienceStatsView.as_view()),
    path("hourly", views.AudienceHourlyView.as_view()),
    path("history", views.HistoryView.as_view()),
]
