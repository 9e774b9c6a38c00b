"""PostgreSQL with bounds: no thread waits for it without end, and never all of them (decision 25).

`core.lib.postgres` is Django's ENGINE; `limits` says who may wait for how long.
"""
