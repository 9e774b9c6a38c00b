"""The deployment files agree with each other and with the code."""

from __future__ import annotations

import http.server
import json
import logging
import os
import re
import sys
import threading
from fnmatch import fnmatch
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from core.lib.logs import build_formatter
from gateway_arq import settings
from gateway_arq.routing import SOCKETS

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "gateway-arq:" in service["image"])
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def copied() -> list[str]:
    return [
        re.sub(r"--\S+ ", "", line).split()[1]
        for line in DOCKERFILE.splitlines()
        if re.match(r"COPY (?!--from)", line)
    ]


def test_every_role_of_the_full_profile_is_there():
    assert {"proxy", "http", "sockets", "worker", "beat", "listeners", "migrate"} < SERVICES.keys()
    assert {"postgres", "redis"} < SERVICES.keys()


def test_services_depend_only_on_services_and_on_a_health_that_is_checked():
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed] or needed == "proxy", (
                    f"{name} waits for {needed}"
                )
            else:
                assert SERVICES[needed]["restart"] == "no"


@pytest.mark.parametrize("name", OURS)
def test_containers_of_ours_can_write_nothing_and_gain_nothing(name):
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["environment"]["GATEWAY_ENV"] == "production"
    assert service["environment"]["SANDBOX"] == "false"


@pytest.mark.parametrize("name", OURS)
def test_every_container_starts_a_command_that_exists(name):
    program, *rest = SERVICES[name].get("command", ["granian"])
    scripts = {script.name for script in entry_points(group="console_scripts")}
    assert program in scripts | {"python"}
    if program == "python":
        assert rest[0] == "manage.py"
        assert rest[1] in get_commands()


def test_the_image_serves_with_as_many_threads_as_the_settings_think():
    [threads] = re.findall(r'"--blocking-threads", "(\d+)"', DOCKERFILE)
    assert int(threads) == settings.HTTP_THREADS


def test_image_runs_as_nobody_special_and_holds_no_secret():
    app = DOCKERFILE.split("AS app")[1].split("\nFROM ")[0]
    assert re.search(r"(?m)^USER gateway$", app)
    for name in ("SECRET_KEY", "API_KEY", "TOKEN", "PASSWORD"):
        assert not re.search(rf"(?m)^\s*(ENV|ARG)\b.*{name}", DOCKERFILE)


def test_everything_that_the_image_copies_exists_and_is_not_ignored():
    ignore = (ROOT / ".dockerignore").read_text().split("\n")
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    for path in copied():
        assert (ROOT / path).exists()
        assert any(path == entry or path.startswith(f"{entry}/") for entry in allowed), path
    assert not any(fnmatch(".env", entry) for entry in allowed)


def test_every_image_from_elsewhere_is_named_in_env_alone():
    shown = dict(re.findall(r"(?m)^# (\w+_IMAGE)=(.+)$", (ROOT / ".env.example").read_text()))
    text = (ROOT / "docker-compose.yml").read_text()
    assert dict(re.findall(r"\$\{(\w+_IMAGE):-(.+?)\}", text)) == shown
    arguments = dict(re.findall(r"(?m)^ARG (\w+_IMAGE)=(.+)$", DOCKERFILE))
    assert arguments == {name: shown[name] for name in ("PYTHON_IMAGE", "NGINX_IMAGE")}
    bases = set(re.findall(r"(?m)^FROM (\S+)", DOCKERFILE))
    assert bases == {f"${{{name}}}" for name in arguments}
    for name, service in SERVICES.items():
        if "gateway-arq" not in service["image"]:
            assert service["image"].startswith("${"), name
        else:
            assert service["build"]["args"].keys() == arguments.keys(), name


def test_every_app_of_the_settings_is_in_the_image():
    packages = {app.partition(".")[0] for app in settings.INSTALLED_APPS}
    assert {name for name in packages if (ROOT / name).is_dir()} <= set(copied())


def test_proxy_sends_sockets_and_requests_to_services_that_exist():
    servers = set(re.findall(r"set \$\w+ (\w+)\$domain:8000;", NGINX))
    assert servers == {"http", "sockets"} <= SERVICES.keys()
    [proxied] = re.findall(r"location ~ \^/\(([^)]+)\)/\?\$", NGINX)
    assert {f"/{path}" for path in proxied.split("|")} == set(SOCKETS)
    sockets = NGINX.split(proxied)[1].split("}")[0]
    assert "proxy_pass http://$sockets;" in sockets
    assert "$http_upgrade" in sockets


def test_proxy_accepts_bodies_as_large_as_the_gateway_does():
    megabytes = int(re.search(r"client_max_body_size\s+(\d+)m;", NGINX)[1])
    assert megabytes * 1024 * 1024 == 15 * 1024 * 1024
    assert (
        'env.integer("MAX_IMAGE_BODY_BYTES", 15 * 1024 * 1024'
        in (ROOT / "gateway_arq/settings.py").read_text()
    )


def test_proxy_gives_whole_requests_and_takes_whole_responses():
    """What stands behind it has few threads (decision 24)."""
    assert re.search(r"proxy_request_buffering\s+on;", NGINX)
    assert not re.search(r"proxy_request_buffering\s+off;", NGINX)
    http = NGINX.split("proxy_pass http://$web;")[1].split("}")[0]
    assert re.search(r"proxy_buffering\s+on;", http)
    assert int(re.search(r"limit_conn addresses (\d+);", NGINX)[1]) == (
        settings.MAX_CONNECTIONS_PER_ADDRESS
    )
    files = int(re.search(r"worker_rlimit_nofile (\d+);", NGINX)[1])
    assert files > 2 * int(re.search(r"worker_connections (\d+);", NGINX)[1])


def test_pictures_leave_granian_half_of_its_threads():
    threads = int(re.search(r'"--blocking-threads", "(\d+)"', DOCKERFILE)[1])
    queue = int(SERVICES["http"]["environment"]["OCR_QUEUE"])
    assert (queue + 1) * 2 <= threads
    assert SERVICES["http"]["environment"].items() > SERVICES["sockets"]["environment"].items()


def log_formats() -> dict[str, str]:
    found = re.findall(r"(?s)log_format (\w+) (?:escape=json\s+)?('.*?);\n", NGINX)
    return {name: "".join(re.findall(r"'([^']*)'", text)) for name, text in found}


def test_proxy_logs_no_query_because_it_may_carry_a_key():
    assert log_formats().keys() == {"text", "json"}
    for log_format in log_formats().values():
        variables = set(re.findall(r"\$\w+", log_format))
        assert not variables & {
            "$request",
            "$request_uri",
            "$args",
            "$query_string",
            "$http_referer",
        }
        assert "$uri" in variables
    assert re.search(r"error_log \S+ crit;", NGINX)


def test_proxy_logs_as_the_gateway_does():
    record = logging.LogRecord("nginx.access", logging.INFO, "", 1, "", (), None)
    by_kind = log_formats()
    assert by_kind["text"].startswith("$time_iso8601 INFO nginx.access [$sent_http_x_request_id] ")
    ours = json.loads(build_formatter("json").format(record))
    assert list(json.loads(by_kind["json"]))[: len(ours)] == list(ours)


@pytest.mark.parametrize("kind", ["text", "json", ""])
def test_setting_chooses_the_format_of_the_proxy(processes, tmp_path, kind):
    env = {"PATH": os.environ["PATH"], "LOG_FORMAT": kind}
    assert processes.run("deploy/log-format.sh", str(tmp_path), env=env).returncode == 0
    chosen = (tmp_path / "log-format.conf").read_text()
    assert chosen == f"access_log /dev/stdout {kind or 'text'};\n"
    assert SERVICES["proxy"]["environment"]["LOG_FORMAT"] == "${LOG_FORMAT:-text}"


@pytest.mark.parametrize("kind", ["text", "json"])
def test_granians_own_process_logs_in_our_format(processes, kind):
    """It never sets Django up, so it has this file; its workers have both."""
    assert '"--log-config", "deploy/granian-logging.json"' in DOCKERFILE
    script = (
        "import json, logging; from granian.log import LogLevels, configure_logging as configure; "
        "configure(LogLevels.info, json.load(open('deploy/granian-logging.json'))); "
        "logging.getLogger('_granian').info('Starting')"
    )
    ours = {"DJANGO_SETTINGS_MODULE": "gateway_arq.settings", "LOG_FORMAT": kind, "DOTENV": ""}
    env = {**os.environ, **ours}
    line = processes.run(sys.executable, "-c", script, env=env).stderr
    if kind == "json":
        assert json.loads(line)["logger"] == "_granian"
    else:
        assert re.fullmatch(r"\S+[+-]\d\d:\d\d INFO _granian \[-\] Starting\n", line), line


class Livez(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ok = (self.path, self.headers["Host"]) == ("/livez", "gateway.example.com")
        self.send_response(200 if ok else 400)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        return


def test_container_is_healthy_only_when_livez_answers(processes):
    def healthcheck(port: int) -> int:
        env = {**os.environ, "PORT": str(port), "ALLOWED_HOSTS": ".gateway.example.com,other"}
        ended: int = processes.run(sys.executable, "deploy/healthcheck.py", env=env).returncode
        return ended

    with http.server.HTTPServer(("127.0.0.1", 0), Livez) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        assert healthcheck(server.server_port) == 0
        server.shutdown()
    assert healthcheck(server.server_port) == 1
