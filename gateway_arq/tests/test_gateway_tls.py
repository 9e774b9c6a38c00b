"""HTTPS at the proxy with certificates as certbot keeps them, and with nginx as it is shipped."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway_arq.bootstrap import next_free_port
from gateway_arq.tests.gateway import Processes

ROOT = Path(__file__).resolve().parents[2]
NAME = "gateway.example.com"


def issue(letsencrypt: Path, number: int) -> None:
    """What certbot does on issuance and renewal: files in archive, then links in live."""
    archive, live = letsencrypt / "archive" / NAME, letsencrypt / "live" / NAME
    archive.mkdir(parents=True, exist_ok=True)
    live.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(tz=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), number)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    contents = {
        "fullchain": certificate.public_bytes(serialization.Encoding.PEM),
        "privkey": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    }
    for kind, content in contents.items():
        (archive / f"{kind}{number}.pem").write_bytes(content)
        (live / f"{kind}.new").symlink_to(f"../../archive/{NAME}/{kind}{number}.pem")
        (live / f"{kind}.new").rename(live / f"{kind}.pem")


class Proxy:
    """nginx with the shipped configuration, and the mounts of deploy/compose-tls.yml."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.letsencrypt = folder, folder / "letsencrypt"
        self.http = next_free_port("127.0.0.1", 20_600)
        self.https = next_free_port("127.0.0.1", self.http + 1)
        self.nginx = [
            "nginx", "-e", str(folder / "log"), "-c", str(folder / "etc/nginx/nginx.conf"),
        ]  # fmt: skip
        (folder / "acme").mkdir()
        (folder / "etc/nginx/gateway.d").mkdir(parents=True)

    def mount(self) -> None:
        """The volumes at their places; links are copied as they are, as a mount has them."""
        file = yaml.safe_load((ROOT / "deploy" / "compose-tls.yml").read_text())
        acme, tls = str(self.folder / "acme"), str(self.letsencrypt)
        given = {"TLS_DIR": tls, "TLS_NAME": NAME, "ACME_DIR": acme}
        for volume in file["services"]["proxy"]["volumes"]:
            filled = re.sub(r"\$\{(\w+)[^}]*\}", lambda found: given[found[1]], volume)
            source, to, mode = filled.rsplit(":", 2)
            assert mode == "ro"
            place = self.folder / to.lstrip("/")
            if source.startswith("./"):
                continue
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(source, place, symlinks=True)

    def configure(self) -> None:
        """The shipped files, with this machine's ports and folders."""
        here = {
            "listen 8080": f"listen 127.0.0.1:{self.http}",
            "listen 8443": f"listen 127.0.0.1:{self.https}",
            "/etc/nginx/tls": f"{self.folder}/etc/nginx/tls",
            "/srv/acme": f"{self.folder}/srv/acme",
            "/tmp/nginx.pid": f"{self.folder}/nginx.pid",
            "/dev/stderr": f"{self.folder}/log",
            "/dev/stdout": f"{self.folder}/log",
            "include       mime.types": "include /etc/nginx/mime.types",
            "http2 on;": "",  # Debian's nginx is older than the image's
        }
        for source, to in (("nginx.conf", "nginx.conf"), ("nginx-tls.conf", "gateway.d/tls.conf")):
            text = (ROOT / "deploy" / source).read_text()
            for theirs, ours in here.items():
                text = text.replace(theirs, ours)
            (self.folder / "etc/nginx" / to).write_text(text)

    def serial(self) -> int:
        """The number of the certificate that is served."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.https), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as secure,
        ):
            secure.sendall(b"GET /proxy-alive HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in secure.recv(1000)
            served = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True))
            return served.serial_number


@pytest.fixture
def proxy(tmp_path: Path, processes: Processes) -> Iterator[Proxy]:
    if shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip("nginx is not here")
    proxy = Proxy(tmp_path)
    issue(proxy.letsencrypt, 1)
    proxy.mount()
    proxy.configure()
    env = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    with processes.running(*proxy.nginx, "-g", "daemon off; user root;", env=env) as running:
        wait_for(proxy)
        yield proxy
        running.terminate()
        running.wait(5)


def wait_for(proxy: Proxy) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            proxy.serial()
            return
        except OSError:
            assert time.monotonic() < deadline, (proxy.folder / "log").read_text()
            time.sleep(0.02)


def test_links_of_certbot_are_followed_and_a_reload_serves_the_renewed_one(
    proxy: Proxy, processes: Processes
) -> None:
    assert proxy.serial() == 1
    issue(proxy.letsencrypt, 2)
    proxy.mount()
    assert proxy.serial() == 1, "nginx reads certificates only on a reload"
    served: list[int] = []
    stopping = threading.Event()

    def ask() -> None:
        while not stopping.is_set():
            served.append(proxy.serial())

    client = threading.Thread(target=ask)
    client.start()
    env = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    reloaded = processes.run(*proxy.nginx, "-s", "reload", env=env)
    assert reloaded.returncode == 0, reloaded.stderr
    deadline = time.monotonic() + 10
    while (not served or served[-1] != 2) and client.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    never_failed = client.is_alive()
    stopping.set()
    client.join()
    assert never_failed
    assert served[-1] == 2


def test_challenges_of_certbot_are_answered_over_plain_http(proxy: Proxy) -> None:
    challenge = proxy.folder / "srv/acme/.well-known/acme-challenge"
    challenge.mkdir(parents=True)
    (challenge / "token").write_text("proof")
    url = f"http://127.0.0.1:{proxy.http}/.well-known/acme-challenge/token"
    with urlopen(url, timeout=5) as response:
        assert response.read() == b"proof"


def test_every_command_with_the_override_finds_it_in_env() -> None:
    """COMPOSE_FILE in .env, so that no command of the runbook has to name both files."""
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    assert "COMPOSE_FILE=docker-compose.yml:deploy/compose-tls.yml" in runbook
    assert "docker compose -f" not in runbook
