"""The sidebar: the house's subjects, each with the tables that the reader may see."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# Title and the apps whose tables stand under it; what is of no app named here is the System's.
SUBJECTS: Final = (
    (gettext_lazy("Calls"), ("webcom",)),
    (gettext_lazy("Web TV"), ("webtv",)),
    (gettext_lazy("Switchboard"), ("centralino",)),
    (gettext_lazy("Lotto"), ("lotto", "ocr")),
)
ICONS: Final = {
    "webcom.call": "call",
    "webcom.line": "phone_forwarded",
    "webcom.rebate": "euro",
    "webcom.unreadable": "report",
    "webcom.cursor": "bookmark",
    "webtv.stream": "live_tv",
    "webtv.viewersample": "visibility",
    "webtv.viewerrollup": "monitoring",
    "webtv.alertrule": "rule",
    "webtv.alert": "notifications",
    "centralino.listentry": "block",
    "centralino.linerule": "rule",
    "centralino.screenedcall": "phone_missed",
    "centralino.pbxserver": "dns",
    "centralino.pbxcall": "phone_in_talk",
    "lotto.drawday": "calendar_month",
    "lotto.extraction": "casino",
    "lotto.intake": "input",
    "lotto.correction": "edit_note",
    "ocr.autobotrun": "smart_display",
    "ocr.autobotconfig": "tune",
    "ocr.aiuse": "psychology",
    "workers.workerstatus": "monitor_heart",
    "api_keys.apikey": "key",
    "auth.user": "person",
    "auth.group": "group",
    "auditlog.logentry": "history",
    "axes.accessattempt": "lock_person",
    "django_celery_beat.periodictask": "schedule",
    "django_celery_beat.intervalschedule": "timer",
    "django_celery_beat.crontabschedule": "event_repeat",
    "django_celery_beat.clockedschedule": "event",
}
TITLES: Final = {  # of tables whose library calls them otherwise
    "auditlog.logentry": gettext_lazy("Audit log"),
    "axes.accessattempt": gettext_lazy("Failed logins"),
    "django_celery_beat.periodictask": gettext_lazy("Scheduled tasks"),
    "django_celery_beat.intervalschedule": gettext_lazy("Schedules: intervals"),
    "django_celery_beat.crontabschedule": gettext_lazy("Schedules: calendar"),
    "django_celery_beat.clockedschedule": gettext_lazy("Schedules: once"),
}
ANY_ICON: Final = "table_rows"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of links, as the theme wants them."""
    by_app = {app["app_label"]: app["models"] for app in admin.site.get_app_list(request)}
    groups = [_pages()]
    for title, apps in SUBJECTS:
        models = [model for app in apps for model in by_app.pop(app, [])]
        groups.append(_group(title, models))
    groups.append(_group(_("System"), [model for models in by_app.values() for model in models]))
    return [group for group in groups if group["items"]]


def account(request: HttpRequest) -> list[dict[str, Any]]:
    """The links under the reader's name."""
    if not request.user.is_authenticated:
        return []
    links = [(_("Two-factor login"), "admin:second_factor")]
    if request.user.has_usable_password():
        links.append((_("Change password"), "admin:password_change"))
    return [{"title": title, "link": reverse(to)} for title, to in links]


def _pages() -> dict[str, Any]:
    links = (
        (_("State of the gateway"), "home", "admin:index"),
        (_("Dashboard"), "dashboard", "dashboard"),
        (_("API documentation"), "api", "docs"),
    )
    items = [{"title": title, "icon": icon, "link": reverse(to)} for title, icon, to in links]
    return {"items": items}


def _group(title: object, models: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": str(title), "items": [_item(one) for one in models if one["admin_url"]]}


def _item(model: dict[str, Any]) -> dict[str, Any]:
    label = model["model"]._meta.label_lower
    return {
        "title": str(TITLES.get(label, capfirst(model["name"]))),
        "icon": ICONS.get(label, ANY_ICON),
        "link": model["admin_url"],
    }
