"""Forms of addresses that secrets of the environment are sent to.

A secret belongs to its host: whoever may change an address would otherwise have the secret sent to
a server of their own. So a new host needs the secret again, which only those who know it can enter.
Administrators do not need to: they are trusted with every secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminPasswordWidget

from core.admin.base import BaseAdmin
from core.auth.staff import is_administrator

TITLE: Final = gettext_lazy("Secrets, to send them to another host")


def secret_again(name: str) -> forms.CharField:
    """The field in which the secret called `name` in the environment is entered again."""
    return forms.CharField(
        label=name,
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Only when the host changes. Compared, not stored."),
    )


class BoundSecretsForm(forms.ModelForm[Any]):
    """A form with a `secret_again` field for each secret of `sent_to`."""

    # By secret, the fields that say where it is sent.
    sent_to: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    is_trusted = False  # set for administrators

    def known_secret(self, name: str) -> str:
        """The secret that is sent, '' if there is none."""
        raise NotImplementedError

    def configured(self, field: str) -> Any:
        """What the environment says about an address, None if nothing."""
        return None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.is_trusted:
            for name, fields in self.sent_to.items():
                if any(self._is_new_host(cleaned, field) for field in fields):
                    self._check(name, cleaned)
        return cleaned

    def _is_new_host(self, cleaned: Mapping[str, Any], field: str) -> bool:
        if field not in cleaned:  # wrong anyhow, or not on this page
            return False
        known = {_host(self.configured(field))}
        if self.instance.pk:
            known.add(_host(getattr(self.instance, field)))
        return _host(cleaned[field]) not in known

    def _check(self, name: str, cleaned: Mapping[str, Any]) -> None:
        wanted, given = self.known_secret(name), str(cleaned.get(name, ""))
        if wanted and not compare_digest(wanted.encode(), given.encode()):
            text = _("The host changes: enter its secret again, or ask an administrator.")
            self.add_error(name, text)


class BoundSecretsAdmin(BaseAdmin):
    """A page with a `BoundSecretsForm`, whose secrets are asked of those who need them."""

    form: type[BoundSecretsForm]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        allowed = self.has_change_permission(request, obj) if obj else True
        if is_administrator(request.user) or not allowed:
            return shown
        return (*shown, (TITLE, {"fields": tuple(self.form.sent_to)}))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.is_trusted = is_administrator(request.user)
        return form


def _host(address: Any) -> str:
    """What of an address says who gets what is sent: scheme, host and port; else all of it."""
    text = str(address)
    scheme, separator, _rest = text.partition("://")
    try:
        return f"{scheme}://{urlsplit(text).netloc}".lower() if separator else text
    except ValueError:  # half an IPv6 address: the model's own check says so
        return text
