"""The admin's site."""

from __future__ import annotations

from unfold.sites import UnfoldAdminSite


class HouseSite(UnfoldAdminSite):
    """The admin of the house, at /admin/."""
