"""Faults of the full profile, with its real processes and under traffic: `make drills`."""
