"""What texts look like that are days, times, numbers, cursors or base64, for the OpenAPI document.

Documents are made by us, and what is sent is read by the rules behind each field, which may accept
more. These are for readers and generators, and for the tests that hold both to them.
"""

from __future__ import annotations

from typing import Final

from msgspec import Meta


def shaped(pattern: str, **more: str) -> Meta:
    """The pattern of a text, for `Annotated`, as JavaScript and Python read it."""
    return Meta(extra_json_schema={"pattern": pattern, **more})


_DAY: Final = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_SLASHED: Final = _DAY.replace("-(", "/(")
_TIME: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_INSTANT: Final = (
    rf"[0-9]{{9,10}}|{_DAY}([T ]{_TIME}(:[0-5][0-9](\.[0-9]{{1,6}})?)?(Z|[+-]{_TIME})?)?"
)

DAY_TEXT: Final = shaped(rf"^{_DAY}$", format="date")
SLASHED_DAY: Final = shaped(rf"^{_SLASHED}$")
ANY_DAY: Final = shaped(rf"^({_DAY}|{_SLASHED})$")  # as lotto's addresses and bodies are read
MONTH: Final = shaped(r"^20[0-9]{2}-(0[1-9]|1[0-2])$")
INSTANT_TEXT: Final = shaped(rf"^({_INSTANT})$")  # as `core.api.params.read_instant` reads it
LOCAL_TIME: Final = shaped(rf"^{_TIME}$")
LOCAL_SECOND: Final = shaped(rf"^{_DAY} {_TIME}:[0-5][0-9]$")
LOCAL_MICROSECOND: Final = shaped(rf"^{_DAY}T{_TIME}:[0-5][0-9]\.[0-9]{{6}}$")
ARI_INSTANT: Final = shaped(rf"^{_DAY}T{_TIME}:[0-5][0-9]\.[0-9]{{3}}[+-][0-9]{{4}}$")
EPOCH_TEXT: Final = shaped(r"^[0-9]{1,10}$")
LOTTO_NUMBER: Final = shaped(r"^(0[1-9]|[1-8][0-9]|90)$")
LOTTO_NUMBER_SENT: Final = shaped(r"^(0?[1-9]|[1-8][0-9]|90)$")
CURSOR: Final = shaped(r"^[A-Za-z0-9_-]*$")
BASE64: Final = shaped(
    r"^(data:image/[a-z]+;base64,)?([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    contentEncoding="base64",
)
