"""The real Asterisk of `tests/asterisk`: started once, steered by tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from centralino.models import PbxServer

FOLDER: Final = Path(__file__).resolve().parents[2] / "tests" / "asterisk"
STARTS_WITHIN_S: Final = 180  # the first time it downloads its packages
CALLED: Final = "899748963"


@dataclass
class Bed:
    """A running Asterisk with SIP phones, a trunk and an SSH server in front of it."""

    env: dict[str, str]

    @staticmethod
    def start() -> Bed:
        """Start what is not running. RuntimeError with its output when it does not start."""
        done = _run("./up", timeout_s=STARTS_WITHIN_S)
        if done.returncode:
            raise RuntimeError(f"the Asterisk bed did not start:\n{done.stdout}{done.stderr}")
        return Bed(dict(re.findall(r'(?m)^(\w+)="?([^"\n]*)"?$', done.stdout)))

    @staticmethod
    def runs() -> bool:
        """Whether it is running."""
        return _run("./cli", "core", "show", "uptime", timeout_s=10).returncode == 0

    @staticmethod
    def stop() -> None:
        _run("./down", timeout_s=30)

    def refresh(self) -> None:
        """Restart what a test has killed."""
        self.env = Bed.start().env

    def call(self, *, seconds: int = 1, caller: str = "3478893084", **options: str) -> None:
        """Ring in from outside and wait until the call is over."""
        more = [part for name, value in options.items() for part in (f"--{name}", value) if part]
        _run("./call", "--seconds", str(seconds), "--from", caller, *more, timeout_s=60)

    def start_call(
        self, *, seconds: int = 60, caller: str = "3478893084", post: str = "dial"
    ) -> subprocess.Popen[str]:
        """Ring in from outside; `hang_up` ends it."""
        return subprocess.Popen(
            ["./call", "--seconds", str(seconds), "--from", caller, "--post", post],
            cwd=FOLDER,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def originate(self, channel: str, to: str) -> None:
        """Click-to-dial: a phone, as `PJSIP/105`, rings, picks up, and dials."""
        _run("./call", "--originate", channel, "--to", to, timeout_s=10)

    def channels(self) -> int:
        """What `core show channels` counts."""
        output = self.cli("core", "show", "channels", "count")
        found = re.search(r"(\d+) active channel", output)
        return int(found.group(1)) if found else -1

    def cli(self, *command: str) -> str:
        """The output of Asterisk's command line."""
        return _run("./cli", *command, timeout_s=10).stdout

    def kill(self, what: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to `ASTERISK` or `SSHD`; a killed one is gone when this returns."""
        pid = int(self.env[f"BED_{what}_PID"])
        os.kill(pid, number)
        deadline = time.monotonic() + 5
        while number == signal.SIGKILL and time.monotonic() < deadline and _lives(pid):
            time.sleep(0.01)

    def cut_ssh(self) -> None:
        """Kill every SSH session, but not the server."""
        parent = self.env["BED_SSHD_PID"]
        pids = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", parent], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in pids:
            os.kill(int(pid), signal.SIGKILL)

    def server(self, *, tunnel: bool) -> PbxServer:
        """The bed as an unsaved PbxServer named `asterisk_1`."""
        env = self.env
        server = PbxServer(
            name="asterisk_1",
            host="127.0.0.1",
            ami_port=int(env["BED_AMI_PORT"]),
            ami_user=env["BED_AMI_USER"],
            ari_url=env["BED_ARI_URL"],
            ari_user=env["BED_ARI_USER"],
            ari_app=env["BED_ARI_APP"],
        )
        if tunnel:
            server.ssh_host, server.ssh_user = env["BED_SSH_HOST"], env["BED_SSH_USER"]
            server.ssh_port = int(env["BED_SSH_PORT"])
            server.ssh_fingerprint = env["BED_SSH_HOSTKEY_FINGERPRINT"]
        return server

    def secrets(self) -> dict[str, dict[str, str]]:
        """What `settings.ASTERISK_SERVERS` needs for `server`."""
        env = self.env
        return {
            "asterisk_1": {
                "AMI_SECRET": env["BED_AMI_SECRET"],
                "ARI_PASSWORD": env["BED_ARI_SECRET"],
                "SSH_KEY": env["BED_SSH_KEY"],
            }
        }


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False


def hang_up(caller: subprocess.Popen[str]) -> None:
    """End a call of `start_call`, with the SIP client that makes it."""
    os.killpg(caller.pid, signal.SIGKILL)
    caller.wait()


def _run(*command: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=timeout_s
    )
