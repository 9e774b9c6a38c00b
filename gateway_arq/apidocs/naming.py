"""Names and descriptions of operations, where a view does not set them itself."""

from __future__ import annotations

import inspect
import re
from typing import Final

from drf_spectacular.openapi import AutoSchema

_DECORATION: Final = re.compile(r"^api_|_(?:list|retrieve|create)$")


class NamedSchema(AutoSchema):
    """`webcom_calls` for `GET /api/webcom/calls`, unless a view names its operation itself."""

    def get_operation_id(self) -> str:
        return _DECORATION.sub("", str(super().get_operation_id()))

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        """The view's own docstring; those of its base classes are for developers."""
        return inspect.cleandoc(type(self.view).__dict__.get("__doc__") or "")
