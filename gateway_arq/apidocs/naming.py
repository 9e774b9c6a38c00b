"""Operations are named after their address: generated clients then read well."""

from __future__ import annotations

import re
from typing import Final

from drf_spectacular.openapi import AutoSchema

_DECORATION: Final = re.compile(r"^api_|_(?:list|retrieve|create)$")


class NamedSchema(AutoSchema):
    """`webcom_calls` for `GET /api/webcom/calls`, unless a view names its operation itself."""

    def get_operation_id(self) -> str:
        return _DECORATION.sub("", str(super().get_operation_id()))
