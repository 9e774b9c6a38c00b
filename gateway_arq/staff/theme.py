"""Settings of the admin's theme, with the appearance of the dashboard (tokens.css)."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

# The theme has one scale of greys: its light end is the background of the light theme, its dark end
# that of the dark one. The values are those of tokens.css.
GREYS: Final = {
    "50": "#f2f5f9",  # --ground, light
    "100": "#e8edf4",  # --raised, light
    "200": "#d7dee8",  # --line, light
    "300": "#c3ccd9",
    "400": "#a3afc0",  # --faint, dark
    "500": "#536074",  # --faint, light
    "600": "#3d4959",
    "700": "#2b3645",  # --line, dark
    "800": "#243040",  # --raised, dark
    "900": "#161d27",  # --card, dark
    "950": "#0d1219",  # --ground, dark
}
BLUES: Final = {
    "50": "#eef6fe",
    "100": "#dcebfb",  # --fresh, light
    "200": "#bcdafa",
    "300": "#9bcaff",
    "400": "#86c0ff",
    "500": "#74b7ff",  # --accent, dark
    "600": "#0b5cad",  # --accent, light
    "700": "#094c90",
    "800": "#083e75",
    "900": "#1b324d",  # --fresh, dark
    "950": "#0b1622",
}
FONT: Final = {
    "subtle-light": "var(--color-base-500)",
    "subtle-dark": "var(--color-base-400)",
    "default-light": "#17202c",  # --text
    "default-dark": "#e8ecf2",
    "important-light": "#17202c",
    "important-dark": "#e8ecf2",
}


def files(*names: str) -> list[Any]:
    """Settings of the theme may be functions: a file's address is known once Django runs."""

    def of(name: str) -> Any:
        return lambda request: static(f"gateway_arq/{name}")

    return [of(name) for name in names]


def sandbox_prefix(request: HttpRequest) -> str | None:
    return "[SANDBOX] " if settings.SANDBOX else None


UNFOLD: Final = {
    "SITE_TITLE": "Gateway ARQ",
    "SITE_HEADER": "Gateway ARQ",
    "SITE_URL": reverse_lazy("dashboard"),
    "SITE_ICON": lambda request: static("gateway_arq/favicon.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("gateway_arq/favicon.svg"),
        }
    ],
    "SHOW_LANGUAGES": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "COLORS": {"base": GREYS, "primary": BLUES, "font": FONT},
    "ENVIRONMENT_TITLE_PREFIX": "gateway_arq.staff.theme.sandbox_prefix",
    "SCRIPTS": files("admin.js"),
    "STYLES": files("tokens.css", "admin.css", "draws.css", "charts.css", "runs.css"),
    "ACCOUNT": {"navigation": "gateway_arq.staff.navigation.account"},
    "DASHBOARD_CALLBACK": "gateway_arq.staff.state.show",
    "SIDEBAR": {"show_search": True, "navigation": "gateway_arq.staff.navigation.sidebar"},
}
