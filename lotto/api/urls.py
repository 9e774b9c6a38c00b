from django.urls import path, register_converter

from lotto.api import views


class DayConverter:
    """`2025/12/07` as the reference writes it, or any one segment; the view says what is wrong."""

    regex = "[^/]+/[^/]+/[^/]+|[^/]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(DayConverter, "lotto_day")

urlpatterns = [
    path("stats", views.StatsView.as_view()),
    path("stats/numbers", views.NumbersView.as_view()),
    path("stats/pairs", views.PairsView.as_view()),
    path("stats/delays", views.DelaysView.as_view()),
    path("search", views.SearchView.as_view()),
    path("latest", views.LatestView.as_view()),
    path("date/<lotto_day:data>/<ruota>", views.WheelView.as_view()),
    path("date/<lotto_day:data>", views.DayView.as_view()),
    path("range", views.RangeView.as_view()),
    path("export", views.ExportView.as_view()),
    path("save", views.SaveView.as_view()),
    path("save-full", views.SaveFullView.as_view()),
    path("import", views.ImportView.as_view()),
    path("sync", views.SyncView.as_view()),
]
