"""Wiring and shared kit of Gateway ARQ."""

__version__ = "1.0.0"
