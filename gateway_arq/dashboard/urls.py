from django.urls import path

from gateway_arq.dashboard import actions, views

urlpatterns = [
    path("", views.page, name="dashboard"),
    path("figures", views.figures_document, name="dashboard-figures"),
    path("state", views.state_document, name="dashboard-state"),
    path("blacklist", actions.block, name="dashboard-block"),
    path("blacklist/release", actions.release, name="dashboard-release"),
    path("blacklist/undo", actions.undo, name="dashboard-undo"),
    path("autobot/start", actions.start_autobot, name="dashboard-autobot-start"),
    path("autobot/stop", actions.stop_autobot, name="dashboard-autobot-stop"),
    path("autobot/<int:run>/<str:wheel>.jpg", views.picture, name="dashboard-picture"),
]
