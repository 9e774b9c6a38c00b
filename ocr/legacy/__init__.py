"""The old MariaDB or MySQL as Django's second database, `legacy`, which is only ever read.

What it holds: `docs/upstreams/legacy-db.md`.
"""
