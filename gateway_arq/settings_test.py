"""Settings of the test suite: the gateway's own, with nothing of the developer's environment.

`GATEWAY_TEST_PROFILE=embedded` (the default) is SQLite and memory; `full` keeps `DATABASE_URL`,
`REDIS_URL` and `LEGACY_DATABASE_URL` as `bin/test` found them.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_SERVICES = ("DATABASE_URL", "REDIS_URL", "LEGACY_DATABASE_URL")
_WORKER = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)

TEST_PROFILE = os.environ.get("GATEWAY_TEST_PROFILE", "embedded")
TEST_API_KEY = "sk_test_arq_a_key_for_tests_only"


def _forget_environment() -> None:
    """Drop every name that .env.example lists; a test holds that list to be complete."""
    listed = re.findall(r"(?m)^#? ?([A-Z][A-Z0-9_]*)=", (_ROOT / ".env.example").read_text())
    for name in {name.removesuffix("_FILE") for name in listed}:
        if TEST_PROFILE != "full" or name not in _SERVICES:
            os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)


def _own_redis_db(url: str) -> str:
    """`url` with a database of this test process: counted down from its own, or from 15."""
    base, _, number = url.partition("://")[2].partition("/")
    return f"redis://{base}/{int(number or 15) - _WORKER}"


_data = tempfile.mkdtemp(prefix="gateway-arq-test-")
(Path(_data) / "static").mkdir()
atexit.register(shutil.rmtree, _data, ignore_errors=True)

_forget_environment()
os.environ.update(
    DOTENV="",
    DATA_DIR=_data,
    SECRET_KEY="only-for-tests-" + "0123456789abcdef" * 4,
    API_KEY_1=TEST_API_KEY,
    RATE_LIMIT_PER_MINUTE="0",
    LOG_LEVEL="WARNING",
    LOTTO_ARCHIVE_URLS="",
    LOTTO_DRAW_TIME="00:00",  # or AutoBOT would wait for the evening
)
if os.environ.get("REDIS_URL"):
    os.environ["REDIS_URL"] = _own_redis_db(os.environ["REDIS_URL"])

from gateway_arq.settings import *  # noqa: E402, F403
from gateway_arq.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Else every test client lists all static files before its first request (40 ms).
WHITENOISE_AUTOREFRESH = True
# SQLite as it runs for real, in a file; on PostgreSQL two checkouts must not drop each other's
# database.
_checkout = hashlib.sha256(str(_ROOT).encode()).hexdigest()[:8]
DATABASES["default"]["TEST"] = {
    "NAME": f"test_gateway_{_checkout}"
    if os.environ.get("DATABASE_URL")
    else f"{_data}/test.sqlite3"
}
