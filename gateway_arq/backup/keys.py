"""Keys of backups, as age makes and reads them: the gateway has the public half only."""

from __future__ import annotations

from pathlib import Path

import pyrage

from gateway_arq.backup.archive import BackupError, new_private_file


def make_key(path: Path) -> str:
    """Write a new secret key to `path` (mode 600, a new file); returns the address of it."""
    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    with new_private_file(path) as file:
        file.write(f"# public key: {recipient}\n{identity}\n".encode())
    return recipient


def read_key(path: Path) -> str:
    """The secret key in a file as age-keygen writes it. BackupError when it has none, OSError."""
    for line in path.read_text().splitlines():
        if line.startswith("AGE-SECRET-KEY-1"):
            return line.strip()
    raise BackupError(f"{path} has no AGE-SECRET-KEY-1... line.")
