"""Members of staff for tests of what they see."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User

from core.auth.staff import seen_by_permission


def may_also(user: User, *permissions: str) -> User:
    """The user, given these permissions, such as `app.codename`."""
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user


def onlooker(name: str = "anna", *permissions: str, password: str | None = None) -> User:
    """A member of staff who sees everything, and may do this besides."""
    user = User.objects.create_user(name, password=password, is_staff=True)
    return may_also(user, *seen_by_permission(), *permissions)
