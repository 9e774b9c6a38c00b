"""The log format for granian's first process, which sets no Django up (deploy/*.json)."""

from __future__ import annotations

import logging
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_arq.settings")

from django.conf import settings

from core.lib.logs import build_formatter


def formatter() -> logging.Formatter:
    """The formatter of LOG_FORMAT."""
    return build_formatter(settings.LOG_FORMAT)
