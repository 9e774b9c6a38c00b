"""Benchmarks, each beside a named peer in one run.

`make bench` runs all, `make bench ARGS=ingest` one.
"""
