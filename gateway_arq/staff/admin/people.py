"""Users and groups, whose logins failed, and who changed what."""

from __future__ import annotations

from typing import Any

from auditlog.models import LogEntry
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from core.admin.base import BaseAdmin
from core.admin.read_only import ReadOnlyAdmin
from gateway_arq.staff import second_factor

admin.site.unregister(
    (User, Group, LogEntry, AccessAttempt, AccessLog, AccessFailureLog, TOTPDevice, StaticDevice)
)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, BaseAdmin):  # type: ignore[misc]  # its get_form has no `change`
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "groups_of", "is_active", "two_factor", "last_login")
    actions = ("forget_second_factor",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        enrolled = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        users = super().get_queryset(request).prefetch_related("groups")
        return users.annotate(enrolled=Exists(enrolled))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only superusers create superusers, and grant permissions outside groups."""
        fields = super().get_readonly_fields(request, obj)
        return (
            fields if request.user.is_superuser else (*fields, "is_superuser", "user_permissions")
        )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_delete_permission(request, obj))

    @admin.display(description=gettext_lazy("groups"))
    def groups_of(self, user: User) -> str:
        names = [group.name for group in user.groups.all()]
        return ", ".join(["superuser", *names] if user.is_superuser else names) or "—"

    @admin.display(description=gettext_lazy("two-factor login"), boolean=True)
    def two_factor(self, user: Any) -> bool:
        return bool(user.enrolled)

    @admin.action(
        description=gettext_lazy("Switch two-factor login off (phone lost)"), permissions=["change"]
    )
    def forget_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> None:
        mine = [user for user in users if self.has_change_permission(request, user)]
        count = sum(second_factor.disable(user) for user in mine)
        text = _("Two-factor login is off for %(count)d of %(all)d users; they were logged out.")
        self.message_user(request, text % {"count": count, "all": len(users)}, messages.SUCCESS)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, BaseAdmin):
    """Groups; a form has no permission that its reader may not grant."""


@admin.register(AccessAttempt)
class FailedLoginsAdmin(ReadOnlyAdmin):
    """Failed logins of a user from an address since the last login; deleting them unlocks."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start", "locked")
    list_filter = ("attempt_time",)
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fields = (*list_display, "user_agent")
    actions = ("unlock",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(BaseAdmin.has_delete_permission(self, request, obj))

    @admin.display(description=gettext_lazy("locked"), boolean=True)
    def locked(self, attempt: AccessAttempt) -> bool:
        return bool(attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT)

    @admin.action(description=gettext_lazy("Unlock"), permissions=["delete"])
    def unlock(self, request: HttpRequest, attempts: QuerySet[AccessAttempt]) -> None:
        self.log_deletions(request, attempts)
        count = attempts.delete()[0]
        self.message_user(request, _("Unlocked: %d.") % count, messages.SUCCESS)


@admin.register(LogEntry)
class AuditTrailAdmin(ReadOnlyAdmin):
    """Who changed what, newest first."""

    list_display = ("timestamp", "who", "action", "table", "object_repr", "what")
    list_filter = ("action", "timestamp")
    list_select_related = ("actor", "content_type")
    search_fields = ("object_repr", "actor__username")
    ordering = ("-timestamp", "-id")
    fields = ("timestamp", "who", "remote_addr", "cid", "action", "table", "object_repr", "what")

    @admin.display(description=gettext_lazy("who"))
    def who(self, entry: LogEntry) -> str:
        if entry.actor:
            return str(entry.actor.get_username())
        key = (entry.additional_data or {}).get("key")
        return _("API key %s") % key if key else "—"

    @admin.display(description=gettext_lazy("table"))
    def table(self, entry: LogEntry) -> str:
        return str(entry.content_type.name)

    @admin.display(description=gettext_lazy("what changed"))
    def what(self, entry: LogEntry) -> SafeString | str:
        message = (entry.additional_data or {}).get("message", "")
        return format_html(
            "{}{}",
            message,
            format_html_join("", "<div>{}</div>", map(_change_line, _changes(entry))),
        )


def _changes(entry: LogEntry) -> list[tuple[str, Any]]:
    return list((entry.changes or {}).items())


def _change_line(change: tuple[str, Any]) -> tuple[str]:
    """`note: old → new`; of many-to-many relations what was added or removed."""
    field, values = change
    if isinstance(values, dict):
        sign = "+" if values["operation"] == "add" else "\N{MINUS SIGN}"
        return (f"{field}: {sign} {', '.join(values['objects'])}",)
    before, after = values
    return (f"{field}: {before} → {after}",)
