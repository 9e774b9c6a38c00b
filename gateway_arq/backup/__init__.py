"""Backups of the whole gateway in one file, and their way back, on either profile and between them.

The file is a compressed tar, perhaps encrypted with age. It holds the rows of every table as
PostgreSQL's COPY writes them, the files that the gateway keeps, and a manifest with the state of
the migrations, counts and checksums (decision 31).
"""
