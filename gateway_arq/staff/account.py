"""A user's own page: the second factor on, off, and its backup codes."""

from __future__ import annotations

from typing import Any, Final

import django_otp
from django import forms
from django.contrib import admin, auth, messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from unfold.widgets import UnfoldAdminPasswordWidget

from core.auth.staff import is_staff, must_enrol
from gateway_arq.staff import second_factor as factor
from gateway_arq.staff.login import CodeForm, is_locked, locked_out, note_failure

KEY: Final = "second_factor_key"  # in the session: the key that is shown until a code proves it


class PasswordForm(forms.Form):
    """The password once more, for actions that would harm on an unattended screen."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user: Any, *args: Any) -> None:
        super().__init__(*args)
        self._user = user

    def clean_password(self) -> str:
        if not self._user.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError(_("This is not your password."))
        return str(self.cleaned_data["password"])


@sensitive_post_parameters()
@csrf_protect
@never_cache
def second_factor(request: HttpRequest) -> HttpResponse:
    """The page is also open to staff who must enrol before they may see anything else."""
    if not is_staff(request.user):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if factor.is_enrolled(request.user):  # type: ignore[arg-type]
        return _enrolled(request)
    return _enrolment(request)


def _enrolment(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    key = request.session.setdefault(KEY, factor.new_key())
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            device, codes = factor.enrol(user, key, form.cleaned_data["code"])
        except factor.WrongCode:
            form.add_error("code", _("This code is wrong. Is the clock of your phone right?"))
        else:
            del request.session[KEY]
            django_otp.login(request, device)
            factor.end_sessions(user, keep=request.session.session_key)
            return _page(request, "codes", codes=codes)
    return _page(
        request,
        "enrolment",
        form=form,
        key=factor.readable(key),
        qr_code=factor.qr_code(user, key),
        is_required=must_enrol(user, request.session),
    )


def _enrolled(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if request.method == "POST" and is_locked(request, user):
        return locked_out(request)
    form = PasswordForm(user, request.POST or None)
    if form.is_bound and not form.is_valid():
        note_failure(request, user)
    if form.is_valid():
        if "renew" in request.POST:
            return _page(request, "codes", codes=factor.renew_backup_codes(user))
        factor.disable(user)
        auth.logout(request)
        messages.success(request, _("Two-factor login is off. Log in again."))
        return redirect("admin:login")
    return _page(request, "enrolled", form=form, codes_left=factor.backup_codes_left(user))


def _page(request: HttpRequest, state: str, **more: Any) -> HttpResponse:
    context = admin.site.page_context(request, _("Two-factor login"))  # type: ignore[attr-defined]
    return render(request, "admin/second_factor.html", {**context, "state": state, **more})
