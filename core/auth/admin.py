from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin.base import BaseAdmin
from core.auth import services
from core.auth.models import ApiKey
from core.auth.types import Scope


@admin.register(ApiKey)
class ApiKeyAdmin(BaseAdmin):
    list_display = (
        "name",
        "start",
        "scope",
        "created_at",
        "created_by",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    list_filter = ("scope", "revoked_at")
    list_select_related = ("created_by",)
    search_fields = ("name", "prefix")
    fields = ("name", "scope", "expires_at")
    facts = ("start", "created_by", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @admin.display(description=gettext_lazy("key starts with"), ordering="prefix")
    def start(self, key: ApiKey) -> str:
        return f"arq_{key.prefix}_…"

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return (*self.fields, *self.facts) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.facts

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        row, full_key = services.create_key(
            name=obj.name,
            scope=Scope(obj.scope),
            expires_at=obj.expires_at,
            created_by=request.user,
        )
        obj.__dict__.update(row.__dict__)  # the admin goes on with the row that was made
        self.message_user(
            request,
            _("The key is %s — copy it now, it is never shown again.") % full_key,
            messages.WARNING,
        )

    @admin.action(description=gettext_lazy("Revoke selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        self.message_user(
            request, _("Keys revoked: %d.") % services.revoke_keys(queryset), messages.SUCCESS
        )
