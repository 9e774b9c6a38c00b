"""Exit 0 when the web server of this container serves /livez, under a host name it accepts."""

from __future__ import annotations

import http.client
import os
import sys

allowed = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
host = allowed.replace("*", "localhost").lstrip(".")
connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=4)
try:
    connection.request("GET", "/livez", headers={"Host": host})
    sys.exit(connection.getresponse().status != 200)
except OSError as exc:
    sys.exit(f"no response: {exc}")
