"""System check for TWO_FACTOR_GROUPS: an unknown group is probably a typo."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

from gateway_arq.staff.groups import GROUPS


@register
def check_two_factor_groups(**_kwargs: Any) -> list[CheckMessage]:
    unknown = [name for name in settings.TWO_FACTOR_GROUPS if name not in GROUPS]
    hint = f"The gateway's groups are {', '.join(GROUPS)}; ignore this for one of your own."
    return [
        Warning(f"TWO_FACTOR_GROUPS names {name!r}.", hint=hint, id="gateway.W030")
        for name in unknown
    ]
