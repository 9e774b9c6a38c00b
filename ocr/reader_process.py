"""The reader as a process of its own, started when it is needed and ended when it is not.

The engines take some 500 MB and all cores for a second: in a process of their own they neither
stay in the gateway's memory nor stop its other requests, and a crash of theirs is not its crash.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Final

import msgspec
import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from ocr.reader.dependencies import missing
from ocr.reader.protocol import (
    FrameRequest,
    JpegRequest,
    NumberMessage,
    PictureRequest,
    ReadRequest,
    ReadResponse,
)
from ocr.reader.types import Candidate, NumberReading, PictureReader, Reading, Simbolotto
from ocr.types import ImageRefused, ReaderBusy, ReaderFailed, ReadingHalted

START_S: Final = 60.0  # a cold disk; half a second usually
DECODE_S: Final = 15.0  # 40 megapixels in fifty scans take 5 s
RESPONSE_S: Final = 60.0
IDLE_S: Final = 600.0
NOTICE_S: Final = 0.1  # how soon a halt is seen


class ReadingProcess:
    """One reading process, used by any number of threads, one picture at a time."""

    def __init__(
        self,
        engine: str,
        *options: str,
        waiting: int,
        idle_s: float = IDLE_S,
        response_s: float = RESPONSE_S,
        decode_s: float = DECODE_S,
    ) -> None:
        self._engine, self._options = engine, options
        self._idle_s, self._response_s, self._decode_s = idle_s, response_s, decode_s
        self._room = threading.BoundedSemaphore(
            waiting + 1
        )  # callers that wait, and the one that is served
        self._in_use = threading.Lock()
        self._pipe: Connection | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None
        self._is_stopped = False

    def read(self, file: bytes, halt: threading.Event | None = None) -> Reading:
        """What the picture in this file shows.

        Raises ImageRefused, ReaderBusy when too many wait, ReaderFailed; ReadingHalted when `halt`
        is set meanwhile: then the process is ended, or it would go on reading for nobody.
        """
        return _reading(self._request(PictureRequest(file), halt))

    def jpeg(self, file: bytes, side: int, halt: threading.Event | None = None) -> bytes:
        """The picture upright, as a JPEG of at most `side` px. Raises as `read`."""
        return self._request(JpegRequest(file, side), halt).jpeg

    def watch(self, image: NDArray[np.uint8], halt: threading.Event | None = None) -> Reading:
        """What a stream's next frame (height, width, BGR) shows. Raises as `read`."""
        height, width = image.shape[:2]
        return _reading(self._request(FrameRequest(height, width, image.tobytes()), halt))

    def close(self) -> None:
        """End the process; the next request would start another."""
        with self._in_use:
            self._end()

    def stop(self) -> None:
        """End the process at once, whoever uses it, and start no other: the gateway ends."""
        self._is_stopped = True
        if process := self._process:
            process.kill()

    @property
    def pid(self) -> int | None:
        """The id of the process, while there is one."""
        return self._process.pid if self._process else None

    def _request(self, request: ReadRequest, halt: threading.Event | None) -> ReadResponse:
        halt = halt or threading.Event()
        if not self._room.acquire(blocking=False):
            raise ReaderBusy("Too many images are waiting to be read. Try again.")
        try:
            while not self._in_use.acquire(timeout=NOTICE_S):
                if halt.is_set():
                    raise ReadingHalted
            try:
                response = self._response(request, halt)
            finally:
                self._in_use.release()
        finally:
            self._room.release()
        if response.refused:
            raise ImageRefused(response.refused)
        return response

    def _response(self, request: ReadRequest, halt: threading.Event) -> ReadResponse:
        if self._idle:
            self._idle.cancel()
        try:
            pipe = self._pipe or self._start(halt)
            pipe.send_bytes(msgspec.msgpack.encode(request))
            response = self._decoded(pipe, request, halt)
            if isinstance(request, PictureRequest) and not response.refused:
                response = _received(pipe, self._response_s, halt)
        except ReadingHalted:
            self._end()
            raise
        except (OSError, EOFError, TimeoutError) as exc:
            self._end()
            raise ReaderFailed("The reading process ended or did not respond.") from exc
        self._idle = threading.Timer(self._idle_s, self._end_idle)
        self._idle.daemon = True
        self._idle.start()
        return response

    def _decoded(
        self, pipe: Connection, request: ReadRequest, halt: threading.Event
    ) -> ReadResponse:
        """The first response to a request; the process is ended for a file that takes too long."""
        if isinstance(request, FrameRequest):
            return _received(pipe, self._response_s, halt)
        try:
            return _received(pipe, self._decode_s, halt)
        except TimeoutError:
            self._end()
            return ReadResponse(refused="The image takes too long to decode.")

    def _start(self, halt: threading.Event) -> Connection:
        if self._process:
            self._end()
        if self._is_stopped:
            raise ReaderFailed("The gateway is being stopped.")
        if lacking := missing(self._engine, *self._options):
            raise ReaderFailed(str(lacking))
        ours, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ocr.reader", self._engine, str(theirs.fileno()),
                 *self._options],
                pass_fds=[theirs.fileno()],
                cwd=settings.BASE_DIR,
            )  # fmt: skip
        self._pipe = ours
        if failed := _received(ours, START_S, halt).failed:
            self._end()
            raise ReaderFailed(failed)
        return ours

    def _end_idle(self) -> None:
        """End the idle process, unless it is just being used."""
        if self._in_use.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._in_use.release()

    def _end(self) -> None:
        if self._pipe:
            self._pipe.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = None


def _received(pipe: Connection, within_s: float, halt: threading.Event) -> ReadResponse:
    until = time.monotonic() + within_s
    while not pipe.poll(NOTICE_S):
        if halt.is_set():
            raise ReadingHalted
        if time.monotonic() >= until:
            raise TimeoutError
    return msgspec.msgpack.decode(pipe.recv_bytes(), type=ReadResponse)


def _reading(response: ReadResponse) -> Reading:
    return Reading(
        {wheel: _numbers(numbers) for wheel, numbers in response.wheels.items()},
        response.boxes,
        response.page,
        Simbolotto(response.simbolotto[0], _numbers(response.simbolotto[1]))
        if response.simbolotto
        else None,
    )


def _numbers(messages: Sequence[NumberMessage]) -> tuple[NumberReading, ...]:
    return tuple(
        NumberReading(n.number, n.confidence, tuple(Candidate(*c) for c in n.candidates))
        for n in messages
    )


_reader: PictureReader | None = None
_making = threading.Lock()


def engine_options() -> tuple[str, ...]:
    """The options of the chosen engine, from the settings."""
    if settings.OCR_ENGINE != "easyocr":
        return ()
    return settings.OCR_EASYOCR_MODELS, "download" if settings.OCR_EASYOCR_DOWNLOAD else ""


def reader() -> PictureReader:
    """This process's reader, with the engine of the settings, unless `use` gave another."""
    global _reader
    with _making:
        if _reader is None:
            _reader = ReadingProcess(
                settings.OCR_ENGINE, *engine_options(), waiting=settings.OCR_QUEUE
            )
        return _reader


def stop_reader() -> None:
    """End this process's reading process at once, if there is one: the gateway ends."""
    if isinstance(_reader, ReadingProcess):
        _reader.stop()


def use(reader: PictureReader | None) -> None:
    """Let this process read with that reader from now on; None: with the settings' one again."""
    global _reader
    with _making:
        _reader = reader
