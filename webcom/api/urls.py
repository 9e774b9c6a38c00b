from django.urls import path

from webcom.api import views
from webcom.api.webhook import EventsView

urlpatterns = [
    path("calls", views.CallsView.as_view()),
    path("lines", views.LinesView.as_view()),
    path("calls/<str:call_id>", views.CallView.as_view()),
    path("rebates", views.RebatesView.as_view()),
    path("stats/today", views.TodayView.as_view()),
    path("stats/daily", views.DailyView.as_view()),
    path("stats/hourly", views.HourlyView.as_view()),
    path("stats/5min", views.FiveMinutesView.as_view()),
    path("events", EventsView.as_view()),
]
