"""Values are stored in the API's words; people read labels in their language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise

Labels = Mapping[str, "str | Promise"]  # a value and its label


def choices(labels: Labels) -> list[tuple[str, str | Promise]]:
    """As the fields of models and the filters of lists take them."""
    return [(str(value), text) for value, text in labels.items()]


def label_of(labels: Labels, value: str) -> str:
    """The label of a value; an unknown value is its own label."""
    return str(labels.get(value, value))
