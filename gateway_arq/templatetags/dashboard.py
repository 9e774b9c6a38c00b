"""Values on the dashboard that the scripts keep up to date."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from gateway_arq.dashboard.formats import format_value

register = template.Library()


@register.simple_tag(takes_context=True)
def bound(context: template.Context, path: str, how: str = "text", *, css: str = "") -> SafeString:
    """The value at `path` of the page's `state`, formatted as `how`, for `bind.js` to find."""
    return _bound(context, "state", path, how, css)


@register.simple_tag(takes_context=True)
def item(context: template.Context, path: str, how: str = "text", *, css: str = "") -> SafeString:
    """The value at `path` of the list's `item`; empty in the pattern of an item."""
    return _bound(context, "item", path, how, css)


@register.simple_tag(takes_context=True)
def items(context: template.Context, name: str, found: Iterable[Any]) -> SafeString:
    """The items of a list, each by the template `_name.html`, after their pattern for the scripts.

    An {% include %} for each would double the time.
    """
    engine = template.Engine.get_default()
    nodes = engine.get_template(f"gateway_arq/dashboard/_{name}.html").nodelist
    with context.push(item=None):
        parts = ["<template>", nodes.render(context), "</template>"]
        for context["item"] in found:
            parts.append(nodes.render(context))
    return mark_safe("".join(parts))


def _bound(context: template.Context, root: str, path: str, how: str, css: str) -> SafeString:
    text = "" if context.get(root) is None else format_value(_at(context[root], path), how)
    name = f' class="{css}"' if css else ""
    # Only the value comes from outside; hundreds of these are written for one page.
    return mark_safe(f'<span data-bind="{path}" data-as="{how}"{name}>{escape(text)}</span>')


def _at(whole: Any, path: str) -> Any:
    """What is at `a.0.b`; None when a step of it is missing."""
    for step in path.split("."):
        try:
            whole = whole[int(step)] if isinstance(whole, list) else whole[step]
        except (IndexError, KeyError, TypeError):
            return None
    return whole


@register.filter
def as_format(value: Any, how: str) -> str:
    """The value in one of the dashboard's formats."""
    return format_value(value, how)
