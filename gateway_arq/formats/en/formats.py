"""Moments in the admin's lists: short enough for a column, with the month in letters."""

DATETIME_FORMAT = "j M Y, H:i"
