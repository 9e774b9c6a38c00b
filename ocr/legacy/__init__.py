"""The old MariaDB or MySQL as Django's second database, `legacy`, which is only ever read.

`docs/upstreams/legacy-db.md` tells what it holds.
"""
