"""Exit 0 while this container works: its web server serves /livez, or its worker goes round.

With ALIVE_FILE, which a worker touches, its age decides; otherwise /livez, under a host name that
it accepts.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from pathlib import Path

MAX_AGE_S = 60.0


def check_worker(path: str) -> None:
    try:
        age_s = time.time() - Path(path).stat().st_mtime
    except FileNotFoundError:
        sys.exit("no sign of life yet")
    if abs(age_s) > MAX_AGE_S:  # touched in the future: its clock was ahead then
        sys.exit(f"no sign of life for {age_s:.0f} s")


def check_web_server() -> None:
    allowed = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
    host = allowed.replace("*", "localhost").lstrip(".")
    port = int(os.environ.get("PORT", "8000"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/livez", headers={"Host": host})
        sys.exit(connection.getresponse().status != 200)
    except OSError as exc:
        sys.exit(f"no response: {exc}")


if alive_file := os.environ.get("ALIVE_FILE"):
    check_worker(alive_file)
else:
    check_web_server()
