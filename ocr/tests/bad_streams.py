"""HLS servers of every kind, the bad ones first: real sockets on loopback, a thread each."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any

import av
import numpy as np

from ocr.synthetic.boards import Pixels

Page = bytes | Callable[[socket.socket], None] | Callable[[socket.socket, bytes], None]
CHUNK = b"x" * 65_536


@dataclass
class Served:
    """A running server: its address, what it serves (may be changed), and what was asked for."""

    base: str
    pages: dict[str, Page]
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/live.m3u8") -> str:
        return self.base + path


@contextmanager
def serving(pages: Mapping[str, Page], host: str = "127.0.0.1") -> Iterator[Served]:
    """A server of these pages: a body, or what is done to the socket. Others are 404."""
    door = socket.create_server((host, 0), backlog=50)
    served = Served(f"http://{host}:{door.getsockname()[1]}", dict(pages))

    def accept() -> None:
        while True:
            try:
                client, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=_serve, args=(client, served), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        thread.join(5)


def _serve(client: socket.socket, served: Served) -> None:
    client.settimeout(20)
    with client:
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (data := client.recv(65_536)):
                    return
                head += data
            path = head.split(b" ")[1].decode()
            served.asked.append(path)
            served.heads.append(head)
            page = served.pages.get(path.partition("?")[0])
            if page is None:
                client.sendall(response(b"no such page", "404 Not Found"))
            elif isinstance(page, bytes):
                client.sendall(response(page))
            elif len(signature(page).parameters) == 1:
                page(client)  # type: ignore[call-arg]
            else:
                page(client, head)  # type: ignore[call-arg]
        except OSError:
            return  # the other side had enough


def response(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return head.encode() + body


def redirect(to: str) -> Page:
    return lambda client: client.sendall(response(b"", "302 Found", f"Location: {to}\r\n"))


def refusing(status: str) -> Page:
    return lambda client: client.sendall(response(b"", status))


def silent(client: socket.socket) -> None:
    """Nothing at all, until the other side goes."""
    client.recv(1)


def cut(client: socket.socket) -> None:
    """Half of an answer."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n#EXTM3U")


def dripping(begin: bytes = b"", every_s: float = 0.05) -> Page:
    """A good answer whose body comes byte by byte, and never ends."""

    def drip(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + begin)
        while True:
            client.sendall(b"#")
            time.sleep(every_s)

    return drip


def slow_head(client: socket.socket) -> None:
    """A head that comes byte by byte, and never ends."""
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        client.sendall(b"X")
        time.sleep(0.05)


def endless(begin: bytes = b"", chunk: bytes = CHUNK, headers: bytes = b"") -> Page:
    """A good answer whose body comes as fast as it can, and never ends."""

    def pour(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + begin)
        while True:
            client.sendall(chunk)

    return pour


def playlist(*names: str, first: int = 0, seconds: float = 1.0, more: str = "") -> bytes:
    """A live playlist of these segments; `more` goes before each."""
    head = (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:{max(round(seconds), 1)}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    )
    return (head + "".join(f"{more}#EXTINF:{seconds:.3f},\n{name}\n" for name in names)).encode()


def picture(shade: int, size: tuple[int, int] = (320, 180)) -> Pixels:
    """A picture (height, width, BGR) all of one grey."""
    return np.full((size[1], size[0], 3), shade, np.uint8)


def texture(size: tuple[int, int] = (640, 360)) -> Pixels:
    """A picture of which no place is like another."""
    noise = np.random.default_rng(1).integers(0, 255, (size[1] // 8, size[0] // 8, 3), np.uint8)
    return np.ascontiguousarray(noise.repeat(8, 0).repeat(8, 1))


def video(shades: list[int], *, rate: int = 5, size: tuple[int, int] = (320, 180),
          kind: str = "mpegts", codec: str = "libx264") -> bytes:  # fmt: skip
    """A video of pictures of these greys."""
    return encoded([picture(shade, size) for shade in shades], rate=rate, kind=kind, codec=codec)


def encoded(images: Sequence[Pixels], *, rate: int = 5, kind: str = "mpegts",
            codec: str = "libx264") -> bytes:  # fmt: skip
    """A video of these pictures, of which only the first stands by itself."""
    file = io.BytesIO()
    flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof"} if kind == "mp4" else {}
    with av.open(file, "w", format=kind, options=flags) as to:
        options = {"preset": "ultrafast", "bf": "0", "g": "1000"} if codec == "libx264" else {}
        stream: Any = to.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            to.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        to.mux(stream.encode())
    return file.getvalue()


def recorded(path: Path, shades: list[int], *, kind: str, codec: str, rate: int = 25) -> None:
    """A stream as FFmpeg's own HLS writer lays it down: a second of each grey, with sound."""
    options = {"hls_time": "2", "hls_list_size": "0", "hls_segment_type": kind}
    with av.open(str(path), "w", format="hls", options=options) as to:
        sound: Any = to.add_stream("aac", rate=48_000, layout="mono")
        shown: Any = to.add_stream(codec, rate=rate, options={"g": str(rate), "bf": "2"})
        shown.width, shown.height, shown.pix_fmt = 320, 180, "yuv420p"
        for second, shade in enumerate(shades):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), "fltp", "mono")
            silence.sample_rate, silence.pts = 48_000, second * 48_000
            to.mux(sound.encode(silence))
            for _ in range(rate):
                image = av.VideoFrame.from_ndarray(picture(shade), format="bgr24")
                to.mux(shown.encode(image))
        to.mux(sound.encode())
        to.mux(shown.encode())


def segmented(
    path: Path, shades: list[int], *, codec_options: str, seconds: int = 2
) -> list[bytes]:
    """A second of each grey, cut every `seconds` whatever stands there; 25 pictures a second.

    `codec_options` are x264's. SPS and PPS come with every key picture, as on television.
    """
    options = {"hls_time": str(seconds), "hls_list_size": "0", "hls_flags": "split_by_time"}
    with av.open(str(path / "x.m3u8"), "w", format="hls", options=options) as to:
        shown: Any = to.add_stream(
            "libx264", rate=25, options={"x264-params": f"repeat-headers=1:{codec_options}"}
        )
        shown.width, shown.height, shown.pix_fmt = 320, 180, "yuv420p"
        for shade in shades:
            for _ in range(25):
                to.mux(shown.encode(av.VideoFrame.from_ndarray(picture(shade), format="bgr24")))
        to.mux(shown.encode())
    return [(path / f"x{n}.ts").read_bytes() for n in range(len(shades) // seconds)]
