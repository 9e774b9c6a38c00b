"""The full profile as docker-compose.yml has it, in processes, with the sandbox as what is outside.

Everything is in namespaces of its own (see __main__): ports and addresses are a fresh machine's.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import requests
import yaml

from drills.names import serve_names
from drills.programs import ROOT, Program, Supervisor, wait_until
from drills.stores import DATABASE_URL, REDIS_URL, Postgres, Redis

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
    "services"
]
SANDBOX: Final = "http://127.0.0.1:8100"
PROXY: Final = "http://127.0.0.1:8080"
API_KEY: Final = f"sk_live_arq_{secrets.token_hex(20)}"
WEBHOOK_SECRET: Final = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
WEB: Final = {"http": "127.0.1.{}", "sockets": "127.0.2.{}"}  # the address of a replica
LISTENERS: Final = ("listeners", "ami", "screening")  # whose connection outside shows who is active
STARTS_WITHIN_S: Final = 90.0


def settings(data: Path) -> dict[str, str]:
    """What `.env` and docker-compose.yml would say, with the sandbox as the outside world."""
    secret = secrets.token_hex(20)
    return {
        "DOTENV": "",
        "GATEWAY_ENV": "production",
        "HTTPS": "false",
        "TRUSTED_PROXIES": "127.0.0.1/32",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "API_KEY_1": API_KEY,
        "ALLOWED_HOSTS": "127.0.0.1,127.0.1.1,127.0.1.2",
        "RATE_LIMIT_PER_MINUTE": "0",
        "DATABASE_URL": DATABASE_URL,
        "REDIS_URL": REDIS_URL,
        "DATA_DIR": str(data),
        "WEBCOM_URL": f"{SANDBOX}/webcom/v1",
        "WEBCOM_PUSH_URL": "ws://127.0.0.1:8100/webcom/v1/stream",
        "WEBCOM_TOKEN": secret,
        "WEBCOM_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "ASTERISK_1_HOST": "127.0.0.1",
        "ASTERISK_1_AMI_PORT": "8101",
        "ASTERISK_1_AMI_USER": "gateway",
        "ASTERISK_1_AMI_SECRET": secret,
        "ASTERISK_1_ARI_URL": f"{SANDBOX}/ari",
        "ASTERISK_1_ARI_PASSWORD": secret,
        "WEBTV_1_NAME": "main",
        "WEBTV_1_PRESET": "owncast",
        "WEBTV_1_URL": f"{SANDBOX}/cdn/main",
        "LOTTO_ARCHIVE_URLS": "",
        "OCR_STREAM_URL": f"{SANDBOX}/tv/live.m3u8",
        "OCR_STREAM_NETWORKS": "127.0.0.0/8",
        **_log_format(),
    }


class FullProfile:
    """Everything that runs; `programs` by name, such as `http-1` or `postgres`."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder, self._logs = folder, logs
        self._settings = settings(folder / "data")
        (folder / "data" / "static").mkdir(parents=True)
        self.postgres = Postgres(folder, logs)
        self.redis = Redis(COMPOSE["redis"]["command"], folder, logs)
        self.sandbox = Program(
            "sandbox",
            [sys.executable, "-m", "sandbox", "--calls-per-day", "200", "--ami-port", "8101"],
            env=self._settings,
            folder=logs,
        )
        self.proxy = self._nginx()
        services = [
            name
            for name in COMPOSE
            if "gateway-arq:" in COMPOSE[name]["image"] and name != "migrate"
        ]
        self.ours = [
            self._program(name, replica)
            for name in services
            for replica in range(1, _replicas(name) + 1)
        ]
        self.programs = {
            one.name: one
            for one in (self.postgres, self.redis, self.sandbox, *self.ours, self.proxy)
        }
        self._supervised = [*self.programs.values()]

    @contextmanager
    def running(self) -> Iterator[FullProfile]:
        """Start everything in order; it ends with the block."""
        supervisor: Supervisor | None = None
        serve_names(lambda name: [WEB[name].format(n) for n in (1, 2)] if name in WEB else [])
        try:
            for store in (self.postgres, self.redis, self.sandbox):
                store.start()
            self.postgres.create()
            self.manage("migrate", "--noinput")
            for program in (*self.ours, self.proxy):
                program.start()
            supervisor = Supervisor(self._supervised)
            wait_until(self.is_healthy, within_s=STARTS_WITHIN_S, what="/health through the proxy")
            for service in LISTENERS:
                wait_until(
                    lambda name=service: self.active(name),
                    within_s=STARTS_WITHIN_S,
                    what=f"an active one of {service}",
                )
            yield self
        finally:
            if supervisor is not None:
                supervisor.stop()
            for program in self._supervised:
                program.is_wanted = False
                if program.pid:
                    program.kill()

    def manage(self, *command: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], **self._settings},
        )

    def replicas(self, service: str) -> list[Program]:
        return [program for program in self.ours if program.service == service]

    @contextmanager
    def extra(self, *services: str) -> Iterator[None]:
        """One more replica of each service during the block."""
        more = [self._program(service, 9) for service in services]
        for program in more:
            program.start()
        try:
            yield
        finally:
            for program in more:
                program.stop()

    def move_clock(self, program: Program, ahead_s: int) -> None:
        """Run `program` with a clock of its own, for good; at first start it anew with that."""
        control, library = self._folder / f"clock-{program.name}", self._folder / "clock.so"
        if not control.exists():
            control.write_text("0")
            source = str(ROOT / "drills" / "clock.c")
            subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), source], check=True)
            program.stop()
            program.start(LD_PRELOAD=str(library), CLOCK_AHEAD_S=str(control))
            wait_until(self.all_go_round, within_s=STARTS_WITHIN_S, what=program.name)
        control.write_text(str(ahead_s))

    def is_healthy(self) -> bool:
        try:
            response = requests.get(f"{PROXY}/health", headers={"X-API-Key": API_KEY}, timeout=2)
            return response.status_code == 200
        except requests.RequestException:
            return False

    def web_is_ready(self, program: Program) -> bool:
        """Whether this web server answers."""
        number = program.name.rpartition("-")[2]
        with suppress(requests.RequestException):
            return requests.get(
                f"http://{WEB[program.service].format(number)}:8000/livez", timeout=1
            ).ok
        return False

    def all_go_round(self) -> bool:
        """Whether everything of ours is up: web servers answer, workers have touched their file."""
        return all(
            self.web_is_ready(one) if one.service in WEB else one.has_reported(self._alive(one))
            for one in self.ours
        )

    def _alive(self, program: Program) -> Path:
        return self._folder / f"alive-{program.name}"

    def active(self, service: str) -> list[Program]:
        """The replicas of a listener that have a connection to the outside and can run."""
        ports = {8101} if service == "ami" else {8100}
        inodes = _connections_to(ports)
        return [
            one
            for one in self.replicas(service)
            if not one.is_paused and inodes & _sockets_of(one.pid)
        ]

    def sandboxed(self, path: str, **body: Any) -> Any:
        """POST to the sandbox's controls; DELETE without a body."""
        method = "POST" if body else "DELETE"
        response = requests.request(
            method, f"{SANDBOX}/_sandbox/{path}", json=body or None, timeout=5
        )
        response.raise_for_status()
        return response.json()

    def _program(self, service: str, replica: int) -> Program:
        config, name = COMPOSE[service], f"{service}-{replica}"
        address = WEB.get(service, "127.0.0.1").format(replica)
        command = config.get("command") or _image_command()
        env = {
            key: str(config["environment"][key])
            for key in ("OCR_QUEUE", "ALIVE_FILE")
            if key in config["environment"]
        }
        if "ALIVE_FILE" in env:
            env["ALIVE_FILE"] = str(self._folder / f"alive-{name}")
        words = [address if word == "0.0.0.0" else word for word in command]
        return Program(
            name,
            [_in_venv(words[0]), *words[1:]],
            folder=self._logs,
            env={**self._settings, **env, "HOST": address, "PORT": "8000"},
        )

    def _nginx(self) -> Program:
        """nginx with the configuration that is shipped, as it is."""
        folder = self._folder / "nginx"
        (folder / "gateway.d").mkdir(parents=True)
        for path in (ROOT / "deploy").glob("*.conf"):
            shutil.copy(path, folder)
        shutil.copy("/etc/nginx/mime.types", folder)
        (folder / "gateway.d" / "resolver.conf").write_text(
            "resolver 127.0.0.1 valid=1s ipv6=off;\n"
        )
        subprocess.run(
            [ROOT / "deploy" / "log-format.sh", folder / "gateway.d"], check=True, env=_log_format()
        )
        nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
        command = [
            nginx,
            "-e",
            "stderr",
            "-c",
            str(folder / "nginx.conf"),
            "-g",
            "daemon off; user root;",
        ]
        return Program("proxy", command, env={}, folder=self._logs)


def _log_format() -> dict[str, str]:
    return {"LOG_FORMAT": os.environ.get("LOG_FORMAT", "text"), "PATH": os.environ["PATH"]}


def _replicas(service: str) -> int:
    return int(COMPOSE[service].get("deploy", {}).get("replicas", 1))


def _image_command() -> list[str]:
    found = re.search(r"(?s)\nCMD (\[\"granian.*?\])", (ROOT / "Dockerfile").read_text())
    assert found
    return [str(word) for word in json.loads(found[1].replace("\\\n", ""))]


def _in_venv(program: str) -> str:
    return sys.executable if program == "python" else str(Path(sys.executable).parent / program)


def _connections_to(ports: set[int]) -> set[str]:
    """Inodes of established connections to these ports of this machine."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[3] == "01" and int(row[2].partition(":")[2], 16) in ports}


def _sockets_of(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):  # it has ended
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(str(path.readlink()).removeprefix("socket:[").removesuffix("]"))
    return found
