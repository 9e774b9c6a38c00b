"""Access to the page and its actions, its Content-Security-Policy, and its JSON responses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from csp.constants import NONCE, NONE, SELF
from csp.decorators import csp
from csp.middleware import CSPMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import decorator_from_middleware
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from core.api.rest import problem, to_json
from core.auth.staff import is_let_in, sees_everything

View = Callable[..., HttpResponseBase]

# Scripts run because the page names them with its nonce, not because they lie on this host;
# nothing is inline, nothing comes from elsewhere.
POLICY: Final[dict[str, Any]] = {
    "default-src": [NONE],
    "script-src": [NONCE],
    "style-src": [SELF],
    "img-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}


def strict_policy(view: View) -> View:
    """Add the Content-Security-Policy, with a nonce for the templates as `request.csp_nonce`.

    Here and not in MIDDLEWARE: API clients do not need it, and their responses are faster without.
    """
    return decorator_from_middleware(CSPMiddleware)(csp(POLICY)(view))


def json_response(data: dict[str, Any]) -> HttpResponse:
    return HttpResponse(to_json(data), content_type="application/json")


def staff_only(view: View) -> View:
    """Redirect to the login and back (scripts get 401); who may not see all of it gets 403."""

    @wraps(view)
    def checked(request: HttpRequest, **address: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            if request.method == "GET" and request.accepts("text/html"):
                return redirect_to_login(request.get_full_path(), reverse("admin:login"))
            return problem(401, _("Log in as staff."))
        if not request.user.is_staff:
            raise PermissionDenied
        if not is_let_in(request.user, request.session):
            if request.method == "GET" and request.accepts("text/html"):
                return redirect("admin:second_factor")
            return problem(401, _("Set up your second factor."))
        if not sees_everything(request.user):
            raise PermissionDenied
        return view(request, **address)

    return never_cache(checked)


def permitted(permission: str) -> Callable[[View], View]:
    """Require staff with this Django permission; others get 403 as JSON."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, **address: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                return problem(403, _("Your account may not do this."))
            return view(request, **address)

        return staff_only(checked)

    return decorate
