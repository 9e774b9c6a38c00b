"""The login: the password, then a code where the user has a second factor, and the lock of both.

Nobody is logged in before the last step: until then the session only remembers whose password was
right. Failures of both steps count for the lock (django-axes), per user and address.
"""

from __future__ import annotations

import time
from typing import Any, Final

from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.conf import settings
from django.contrib import admin, auth
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import LoginView
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from core.auth import hashing
from gateway_arq.staff import second_factor
from gateway_arq.staff.login_lock import is_address_locked

PENDING: Final = "second_step"  # in the session: whose password was right, and until when
MAX_PENDING_S: Final = 300


class NameAndPasswordForm(AuthenticationForm):
    """Django's own check leaves the length of a name to the browser; failures store the name."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        username = self.fields["username"]
        username.validators.append(MaxLengthValidator(username.max_length))


class PasswordStep(LoginView):
    """The first step, and the only one of a user without a second factor."""

    template_name = "admin/login.html"
    authentication_form = NameAndPasswordForm

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index")

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if not second_factor.is_enrolled(user):
            return super().form_valid(form)
        self.request.session[PENDING] = {
            "user": user.pk,
            "backend": user.backend,
            "until": time.time() + MAX_PENDING_S,
            "next": self.get_success_url(),
        }
        return redirect("admin:second_step")


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


@sensitive_post_parameters("code")
@csrf_protect
@never_cache
def second_step(request: HttpRequest) -> HttpResponse:
    """The code of the app, or a backup code."""
    user = _pending_user(request)
    if user is None:
        return redirect("admin:login")
    if is_locked(request, user):
        return locked_out(request)
    form = CodeForm(request.POST or None)
    if form.is_valid():
        device = second_factor.verified_device(user, form.cleaned_data["code"])
        if device is not None:
            return _log_in(request, user, device)
        note_failure(request, user)
        form.add_error("code", _("This code is wrong or no longer valid. Wait for the next one."))
    context = admin.site.page_context(request, _("Second step"))  # type: ignore[attr-defined]
    return render(request, "admin/second_step.html", {**context, "form": form})


def is_locked(request: HttpRequest, user: Any) -> bool:
    """Whether the user, or everybody, failed too often at the request's address."""
    return not AxesProxyHandler.is_allowed(request, {"username": user.get_username()})


def note_failure(request: HttpRequest, user: Any) -> None:
    """Count a wrong code or password of the user's as a failed login."""
    user_login_failed.send(__name__, credentials={"username": user.get_username()}, request=request)


def locked_out(request: HttpRequest, *_args: Any) -> HttpResponse:
    """429: too many failures of this user, or at this address; the page says who can help."""
    minutes = settings.LOGIN_LOCK_MINUTES
    return _please_wait(
        request,
        status=429,
        template="locked_out",
        title=_("Locked"),
        wait_s=minutes * 60,
        minutes=minutes,
        is_whole_address=is_address_locked(request),
    )


def busy(request: HttpRequest) -> HttpResponse:
    """503: as many passwords are being checked as may be at once."""
    return _please_wait(
        request, status=503, template="busy", title=_("Busy"), wait_s=hashing.RETRY_S
    )


def _please_wait(
    request: HttpRequest, *, status: int, template: str, title: str, wait_s: int, **more: Any
) -> HttpResponse:
    context = admin.site.page_context(request, title)  # type: ignore[attr-defined]
    response = render(request, f"admin/{template}.html", {**context, **more}, status=status)
    response.headers["Retry-After"] = str(wait_s)
    return response


def _pending_user(request: HttpRequest) -> User | None:
    step = request.session.get(PENDING)
    if step is None or step["until"] < time.time():
        return None
    return User.objects.filter(pk=step["user"], is_active=True).first()


def _log_in(request: HttpRequest, user: User, device: Any) -> HttpResponse:
    step = request.session.pop(PENDING)
    user.otp_device = device  # type: ignore[attr-defined]  # django-otp keeps it in the session
    auth.login(request, user, backend=step["backend"])
    return redirect(step["next"])
