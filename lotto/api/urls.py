from django.urls import path, register_converter

from lotto.api.views import archive, draws, statistics, tickets


class DayConverter:
    """`2025/12/07` as the reference writes it, or any single segment, which the view validates."""

    regex = "[^/]+/[^/]+/[^/]+|[^/]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(DayConverter, "lotto_day")

urlpatterns = [
    path("stats", draws.StatsView.as_view()),
    path("stats/numbers", statistics.NumbersView.as_view()),
    path("stats/pairs", statistics.PairsView.as_view()),
    path("stats/delays", statistics.DelaysView.as_view()),
    path("search", statistics.SearchView.as_view()),
    path("calendar", draws.CalendarView.as_view()),
    path("latest", draws.LatestView.as_view()),
    path("date/<lotto_day:data>/<ruota>", draws.WheelView.as_view()),
    path("date/<lotto_day:data>", draws.DayView.as_view()),
    path("range", draws.RangeView.as_view()),
    path("check", tickets.CheckView.as_view()),
    path("export", archive.ExportView.as_view()),
    path("save", archive.SaveView.as_view()),
    path("save-full", archive.SaveFullView.as_view()),
    path("import", archive.ImportView.as_view()),
    path("sync", archive.SyncView.as_view()),
]
