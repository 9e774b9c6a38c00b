"""Preparation of `manage.py up` before settings: `.env`, one gateway per DATA_DIR, free ports."""

from __future__ import annotations

import base64
import fcntl
import os
import re
import secrets
import socket
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import IO, Final

from gateway_arq import env, stores

BASE_DIR: Final = Path(__file__).resolve().parent.parent
MAX_PORTS: Final = 100
SANDBOX_HOST: Final = "127.0.0.1"
_locks: list[IO[str]] = []  # an open file is the lock: it must live as long as the process


class CannotStart(Exception):
    """The gateway cannot start here; the message says what to do."""


def prepare() -> None:
    """Complete the environment for settings; ends with a message when it cannot start."""
    try:
        _prepare(Path(env.text("DOTENV", str(BASE_DIR / ".env"))), BASE_DIR / ".env.example")
    except CannotStart as exc:
        sys.exit(f"\n  {exc}\n")


def _prepare(dotenv: Path, example: Path) -> None:
    given = frozenset(os.environ)
    if os.environ.get("GATEWAY_ENV") != "production" and write_dotenv(dotenv, example):
        sys.stdout.write(f"Wrote {dotenv} with fresh secrets and API keys.\n")
    env.load_dotenv(dotenv)
    hold_data_dir(Path(env.text("DATA_DIR", "./var")).resolve())
    host, port = env.text("HOST", "127.0.0.1"), env.integer("PORT", 8000, minimum=1)
    if not is_free(host, port):
        other = next_free_port(host, port + 1)
        raise CannotStart(f"Port {port} is taken. Choose another one:  PORT={other} make run")
    check_stores()
    if env.flag("SANDBOX"):
        wanted = env.integer("SANDBOX_PORT", 8100, minimum=1)
        free = next_free_port("127.0.0.1", wanted, exclude=port)
        move_sandbox(free, next_free_port("127.0.0.1", free + 1, exclude=port), given)


def check_stores() -> None:
    """CannotStart when DATABASE_URL or REDIS_URL names a server that is not there."""
    try:
        stores.check_database(env.text("DATABASE_URL"))
        stores.check_redis(env.text("REDIS_URL"))
    except stores.StoreUnusable as exc:
        raise CannotStart(str(exc)) from exc


def write_dotenv(path: Path, example: Path) -> bool:
    """Write `path` (mode 600) from `example` with fresh secrets; False when it exists already.

    Raises CannotStart when the folder cannot be written.
    """
    if path.exists():
        return False
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".env-") as file:  # mode 600
            file.write(filled(example.read_text(), fresh_values()))
            file.flush()
            os.link(file.name, path)  # whole or not at all, and never over another one's file
    except FileExistsError:
        return False
    except OSError as exc:
        raise CannotStart(f"{path} cannot be written: {exc.strerror}") from exc
    return True


def filled(example: str, values: dict[str, str]) -> str:
    """`example` with these settings filled in, commented out or not. KeyError if it lacks one."""
    for name, value in values.items():
        line = re.search(rf"(?m)^(# )?{name}=.*$", example)
        if line is None:
            raise KeyError(name)
        example = f"{example[: line.start()]}{name}={value}{example[line.end() :]}"
    return example


def fresh_values() -> dict[str, str]:
    """Random secrets, and the sandbox as the carrier."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        **{f"API_KEY_{n}": f"sk_live_arq_{secrets.token_hex(20)}" for n in (1, 2, 3)},
        "WEBCOM_TOKEN": secrets.token_hex(20),
        "WEBCOM_WEBHOOK_SECRET": f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "WEBCOM_URL": "http://127.0.0.1:8100/webcom/v1",
        "WEBCOM_PUSH_URL": "ws://127.0.0.1:8100/webcom/v1/stream",
        "ASTERISK_1_HOST": SANDBOX_HOST,
        "ASTERISK_1_AMI_PORT": "8101",
        "ASTERISK_1_AMI_USER": "gateway",
        "ASTERISK_1_AMI_SECRET": secrets.token_hex(20),
        "ASTERISK_1_ARI_URL": "http://127.0.0.1:8100/ari",
        "ASTERISK_1_ARI_PASSWORD": secrets.token_hex(20),
        "WEBTV_1_NAME": "main",
        "WEBTV_1_TITLE": "Web TV",
        "WEBTV_1_PRESET": "owncast",
        "WEBTV_1_URL": "http://127.0.0.1:8100/cdn/main",
        "LOTTO_ARCHIVE_URLS": "http://127.0.0.1:8100/lotto/storico.zip",
        "TELEGRAM_URL": "http://127.0.0.1:8100/telegram",
        "TELEGRAM_BOT_TOKEN": f"1:{secrets.token_hex(20)}",
        "TELEGRAM_CHAT_ID": "-1001",
        "OPENROUTER_URL": "http://127.0.0.1:8100/openrouter/v1",
        "OPENROUTER_API_KEY": f"sk-or-v1-{secrets.token_hex(32)}",
        "LOTTO_SITE_URL": "http://127.0.0.1:8100/lotto-site",
        "LOTTO_SITE_USER": "gateway",
        "LOTTO_SITE_PASSWORD": secrets.token_hex(20),
        "OCR_STREAM_URL": "http://127.0.0.1:8100/tv/live.m3u8",
        "OCR_STREAM_NETWORKS": "127.0.0.0/8",
        "SANDBOX": "true",
    }


def hold_data_dir(path: Path) -> None:
    """Create `path` and lock it until the process ends. CannotStart when a gateway has it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / "gateway.lock").open("a+")
    except OSError as exc:
        raise CannotStart(f"DATA_DIR {path} cannot be used: {exc.strerror}") from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise CannotStart(
            f"Another gateway (process {holder}) runs on {path}. Stop it, or choose other ones:\n"
            "  PORT=8001 DATA_DIR=./var2 make run"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    _locks.append(lock)


def is_free(host: str, port: int) -> bool:
    """True when a server could listen there now. CannotStart for an impossible `host` or `port`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except OSError as exc:
        raise CannotStart(f"HOST {host!r} is no address: {exc.strerror}") from exc
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError as exc:
            raise CannotStart(f"There is no port {port}: the last one is 65535") from exc
        except PermissionError as exc:
            raise CannotStart(
                f"Port {port} needs root. Choose one over 1023:  PORT=8000 make run"
            ) from exc
        except OSError:
            return False
    return True


def next_free_port(host: str, first: int, *, exclude: int = 0) -> int:
    """The first free port from `first` on, never `exclude`. CannotStart when there is none near."""
    for port in range(first, first + MAX_PORTS):
        if port != exclude and is_free(host, port):
            return port
    raise CannotStart(f"No free port from {first} to {first + MAX_PORTS - 1}")


def move_sandbox(port: int, ami_port: int, given: frozenset[str]) -> None:
    """Point the settings at the sandbox's real ports.

    Next to a sandbox, what is on 127.0.0.1 is the sandbox. Settings of the process environment
    (the names in `given`) stay as they are.
    """
    os.environ["SANDBOX_PORT"] = str(port)
    names = {
        "WEBCOM_URL", "WEBCOM_PUSH_URL", "ASTERISK_1_ARI_URL", "WEBTV_1_URL", "LOTTO_ARCHIVE_URLS",
        "TELEGRAM_URL", "OPENROUTER_URL", "LOTTO_SITE_URL", "OCR_STREAM_URL",
    }  # fmt: skip
    for name in names - given:
        os.environ[name] = re.sub(r"(?<=://127\.0\.0\.1):\d+", f":{port}", env.text(name))
    if env.text("ASTERISK_1_HOST") == SANDBOX_HOST and "ASTERISK_1_AMI_PORT" not in given:
        os.environ["ASTERISK_1_AMI_PORT"] = str(ami_port)
