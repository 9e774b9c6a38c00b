"""Moments in the admin's lists: short enough for a column."""

DATETIME_FORMAT = "d/m/Y H:i"
