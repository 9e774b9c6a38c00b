"""Lotto: every draw since 1939. Not built yet."""
