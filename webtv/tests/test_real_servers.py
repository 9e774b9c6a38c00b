"""Real nginx-rtmp and Icecast, with ffmpeg as publisher and players: n players count as n."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.lib.upstream import UpstreamError
from core.tests.tcp import free_port
from webtv.clients import HttpPages
from webtv.presets import request_of, viewers_in
from webtv.types import ViewerSource

SOON_S = 30.0
RTMP_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
ICECAST_FILES = Path("/usr/share/icecast2")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
PICTURE = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=440"]
NGINX = """
load_module {module};
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
rtmp {{
    server {{
        listen 127.0.0.1:{stream};
        application live {{ live on; }}
        application radio {{ live on; }}
    }}
}}
http {{
    access_log off;
    server {{ listen 127.0.0.1:{http}; location /stat {{ rtmp_stat all; }} }}
}}
"""
ICECAST = """
<icecast>
  <limits><clients>50</clients><sources>4</sources><burst-size>4096</burst-size></limits>
  <authentication><source-password>s3cret</source-password>
    <admin-user>admin</admin-user><admin-password>s3cret</admin-password></authentication>
  <hostname>localhost</hostname>
  <listen-socket><port>{http}</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <paths><logdir>{folder}</logdir><webroot>{files}/web</webroot><adminroot>{files}/admin</adminroot>
    <alias source="/" destination="/status.xsl"/></paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
</icecast>
"""


@dataclass(frozen=True)
class StreamingServer:
    """A running server: its page, and where streams are published and played."""

    preset: str
    page: str
    publish: str
    play: str
    streams: tuple[str, str] = ("", "")  # the first is also counted alone

    def viewers(self, key: str = "") -> int | str:
        """What the gateway reads of it, or why it cannot."""
        source = ViewerSource(name="s", preset=self.preset, url=self.page, stream_key=key)
        try:
            return viewers_in(source, HttpPages().fetch(request_of(source), timeout_s=5))
        except UpstreamError as exc:
            return str(exc)


def program(name: str) -> str:
    """Its path. When it is not installed the test is skipped, or fails where all must run."""
    path = shutil.which(name, path=PATH)
    return path or absent(name)


def absent(what: str) -> str:
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is not installed")
    pytest.skip(f"{what} is not installed")


@contextmanager
def running(command: list[str], *, user: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        user=user,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def served(
    preset: str, configuration: Callable[[str, int, int], str], command: Callable[[str], list[str]]
) -> Iterator[tuple[int, int]]:
    """Its HTTP port and its other one, once it responds."""
    as_nobody = "nobody" if os.geteuid() == 0 and preset == "icecast" else None
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)  # Icecast refuses to be root
        http, stream = free_port(), free_port()
        file = Path(folder) / "server.conf"
        file.write_text(configuration(folder, http, stream))
        with running(command(str(file)), user=as_nobody) as process:
            server = StreamingServer(preset, f"http://127.0.0.1:{http}{PAGES[preset]}", "", "")
            assert soon(lambda: server.viewers() == 0 or process.poll() is not None), (
                server.viewers()
            )
            assert process.poll() is None, [
                log.read_text() for log in Path(folder).glob("error.log")
            ]
            yield http, stream


PAGES = {"nginx-rtmp": "/stat", "icecast": ""}


@pytest.fixture(scope="module", params=["nginx-rtmp", "icecast"])
def streaming_server(request: pytest.FixtureRequest) -> Iterator[StreamingServer]:
    """Each of the servers, running, with nothing on the air."""
    with nginx() if request.param == "nginx-rtmp" else icecast() as server:
        yield server


@contextmanager
def nginx() -> Iterator[StreamingServer]:
    path = program("nginx")
    if not RTMP_MODULE.exists():
        absent("libnginx-mod-rtmp")
    user = "user root;" if os.geteuid() == 0 else ""

    def configuration(folder: str, http: int, stream: int) -> str:
        return NGINX.format(module=RTMP_MODULE, user=user, folder=folder, http=http, stream=stream)

    with served("nginx-rtmp", configuration, lambda file: [path, "-c", file]) as (http, stream):
        address, page = f"rtmp://127.0.0.1:{stream}", f"http://127.0.0.1:{http}/stat"
        yield StreamingServer("nginx-rtmp", page, address, address, ("live/tv", "radio/jazz"))


@contextmanager
def icecast() -> Iterator[StreamingServer]:
    path = program("icecast2")

    def configuration(folder: str, http: int, stream: int) -> str:
        return ICECAST.format(folder=folder, http=http, files=ICECAST_FILES)

    with served("icecast", configuration, lambda file: [path, "-c", file]) as (http, _):
        page, source = f"http://127.0.0.1:{http}", f"icecast://source:s3cret@127.0.0.1:{http}"
        yield StreamingServer("icecast", page, source, page, ("live.ogg", "other.ogg"))


def publishing(server: StreamingServer, stream: str) -> ExitStack:
    """ffmpeg sends a test picture, or a tone, until the block is left."""
    ffmpeg = [program("ffmpeg"), "-v", "error", "-re"]
    if server.preset == "icecast":
        how = [*SOUND, "-c:a", "libvorbis", "-f", "ogg", "-content_type", "application/ogg"]
    else:
        how = [*PICTURE, "-c:v", "flv", "-g", "10", "-f", "flv"]
    stack = ExitStack()
    stack.enter_context(running([*ffmpeg, *how, f"{server.publish}/{stream}"]))
    return stack


def player(server: StreamingServer, stream: str) -> list[str]:
    return [program("ffmpeg"), "-v", "error", "-i", f"{server.play}/{stream}", "-f", "null", "-"]


def soon(true: Callable[[], object]) -> bool:
    deadline = time.monotonic() + SOON_S
    while not (now := bool(true())) and time.monotonic() < deadline:
        time.sleep(0.1)
    return now


def is_on_air(server: StreamingServer, stream: str) -> bool:
    everything = ViewerSource(name="s", preset=server.preset, url=server.page)
    body = HttpPages().fetch(request_of(everything), timeout_s=5)
    return stream.rpartition("/")[2].encode() in body


def reads(server: StreamingServer, key: str, expected: int) -> bool:
    """Whether the number comes, and stays."""
    if not soon(lambda: server.viewers(key) == expected):
        return False
    time.sleep(0.5)
    return server.viewers(key) == expected


def test_n_players_read_as_n(streaming_server: StreamingServer) -> None:
    server, (stream, other) = streaming_server, streaming_server.streams
    key = stream
    assert server.viewers(key) == 0  # nothing is on the air
    with ExitStack() as stack:
        stack.enter_context(publishing(server, stream))
        assert soon(lambda: is_on_air(server, stream))
        assert reads(server, key, 0), server.viewers(key)  # who publishes does not watch
        leaving = stack.enter_context(ExitStack())
        for _ in range(3):
            leaving.enter_context(running(player(server, stream)))
        assert reads(server, key, 3), server.viewers(key)

        stack.enter_context(publishing(server, other))
        assert soon(lambda: is_on_air(server, other))
        stack.enter_context(running(player(server, other)))
        assert soon(lambda: server.viewers() == 4), server.viewers()  # all streams of the server
        assert server.viewers(key) == 3
        leaving.close()
        assert reads(server, key, 0), server.viewers(key)
        assert server.viewers() == 1
    assert reads(server, key, 0), server.viewers(key)
