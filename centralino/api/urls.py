from django.urls import path

from centralino.api import views

urlpatterns = [
    path("calls", views.PbxCallsView.as_view()),
    path("blacklist", views.BlacklistView.as_view()),
    path("blacklist/<str:number>", views.BlacklistedView.as_view()),
    path("allowlist", views.AllowListView.as_view()),
    path("allowlist/<str:number>", views.AllowedView.as_view()),
    path("ari/endpoints", views.EndpointsView.as_view()),
    path("status", views.StatusView.as_view()),
]
