"""Values are stored and told in the API's words; people read them in their language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise

Words = Mapping[str, "str | Promise"]  # a value, and what it is called


def choices(words: Words) -> list[tuple[str, str | Promise]]:
    """As the fields of models and the filters of lists take them."""
    return [(str(value), text) for value, text in words.items()]


def called(words: Words, value: str) -> str:
    """What that value is called; one that is not known stays as it came."""
    return str(words.get(value, value))
