"""The admin's site: who may enter, and the pages that belong to no table."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from core.auth.staff import is_let_in, is_staff, must_enrol


class GatewayAdminSite(UnfoldAdminSite):
    """The gateway's admin, at /admin/."""

    def has_permission(self, request: HttpRequest) -> bool:
        return is_let_in(request.user, request.session)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Empty for users who may see a page of the site but not enter yet."""
        if not self.has_permission(request):
            return []
        found: list[Any] = super().get_app_list(request, app_label)
        return found

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The login's first step; logged-in staff are redirected."""
        from gateway_arq.staff.login import PasswordStep  # Django's forms need all apps

        if request.method == "GET" and self.has_permission(request):
            return redirect(reverse("admin:index"))
        if is_staff(request.user) and must_enrol(request.user, request.session):
            return redirect(reverse("admin:second_factor"))
        return PasswordStep.as_view(
            extra_context={**self.page_context(request, ""), **(extra_context or {})}
        )(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """A wrong old password counts as a failed login: who guesses here is locked as there."""
        from gateway_arq.staff.login import is_locked, locked_out, note_failure

        if request.method != "POST":
            return super().password_change(request, extra_context)
        if is_locked(request, request.user):
            return locked_out(request)
        response = super().password_change(request, extra_context)
        if "old_password" in _errors(response):
            note_failure(request, request.user)
        return response

    def get_urls(self) -> Any:
        return [
            path("second-step/", self._second_step, name="second_step"),
            path("second-factor/", self._second_factor, name="second_factor"),
            *super().get_urls(),
        ]

    def page_context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        """What the theme's layouts need for a page of our own."""
        return {**self.each_context(request), "title": title, "app_path": request.get_full_path()}

    def _second_step(self, request: HttpRequest) -> HttpResponse:
        from gateway_arq.staff.login import second_step

        return second_step(request)

    def _second_factor(self, request: HttpRequest) -> HttpResponse:
        from gateway_arq.staff.account import second_factor

        return second_factor(request)


def _errors(response: Any) -> Any:
    """The errors of the form that a page shows."""
    form = (getattr(response, "context_data", None) or {}).get("form")
    return form.errors if form is not None else ()
