"""The reader as a process of its own, started when it is needed and ended when it is not.

The engines take some 500 MB and all cores for a second: in a process of their own they neither
stay in the gateway's memory nor stop its other requests, and a crash of theirs is not its crash.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Final

import msgspec
import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from ocr.reader.dependencies import missing
from ocr.reader.protocol import Answer, Frame, Picture, Question
from ocr.reader.types import Candidate, NumberReading, PictureReader, Reading
from ocr.types import ImageRefused, ReaderBusy, ReaderFailed, ReadingHalted

START_S: Final = 60.0  # a cold disk; half a second usually
ANSWER_S: Final = 60.0
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
        answer_s: float = ANSWER_S,
    ) -> None:
        self._engine, self._options = engine, options
        self._idle_s, self._answer_s = idle_s, answer_s
        self._room = threading.BoundedSemaphore(waiting + 1)  # who waits, and who is served
        self._asking = threading.Lock()
        self._pipe: Connection | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None

    def read(self, file: bytes, halt: threading.Event | None = None) -> Reading:
        """What the picture in this file shows.

        Raises ImageRefused, ReaderBusy when too many wait, ReaderFailed; ReadingHalted when `halt`
        is set meanwhile, and the process, which would go on reading for nobody, is ended.
        """
        return self._ask(Picture(file), halt)

    def watch(self, image: NDArray[np.uint8], halt: threading.Event | None = None) -> Reading:
        """What a stream's next frame (height, width, BGR) shows. Raises as `read`."""
        height, width = image.shape[:2]
        return self._ask(Frame(height, width, image.tobytes()), halt)

    def close(self) -> None:
        """End the process; the next question would start another."""
        with self._asking:
            self._end()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process else None

    def _ask(self, question: Question, halt: threading.Event | None) -> Reading:
        halt = halt or threading.Event()
        if not self._room.acquire(blocking=False):
            raise ReaderBusy("Too many images are waiting to be read. Try again.")
        try:
            while not self._asking.acquire(timeout=NOTICE_S):
                if halt.is_set():
                    raise ReadingHalted
            try:
                response = self._response(question, halt)
            finally:
                self._asking.release()
        finally:
            self._room.release()
        if response.refused:
            raise ImageRefused(response.refused)
        return Reading(
            {
                wheel: tuple(
                    NumberReading(
                        n.number, n.confidence, tuple(Candidate(*c) for c in n.candidates)
                    )
                    for n in numbers
                )
                for wheel, numbers in response.wheels.items()
            },
            response.boxes,
        )

    def _response(self, question: Question, halt: threading.Event) -> Answer:
        if self._idle:
            self._idle.cancel()
        try:
            pipe = self._pipe or self._start(halt)
            pipe.send_bytes(msgspec.msgpack.encode(question))
            response = _received(pipe, self._answer_s, halt)
        except ReadingHalted:
            self._end()
            raise
        except (OSError, EOFError, TimeoutError) as exc:
            self._end()
            raise ReaderFailed("The reading process ended or did not answer.") from exc
        self._idle = threading.Timer(self._idle_s, self._rest)
        self._idle.daemon = True
        self._idle.start()
        return response

    def _start(self, halt: threading.Event) -> Connection:
        if self._process:
            self._end()
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

    def _rest(self) -> None:
        """After a while without questions, unless somebody is just asking."""
        if self._asking.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._asking.release()

    def _end(self) -> None:
        if self._pipe:
            self._pipe.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = None


def _received(pipe: Connection, within_s: float, halt: threading.Event) -> Answer:
    until = time.monotonic() + within_s
    while not pipe.poll(NOTICE_S):
        if halt.is_set():
            raise ReadingHalted
        if time.monotonic() >= until:
            raise TimeoutError
    return msgspec.msgpack.decode(pipe.recv_bytes(), type=Answer)


_reader: PictureReader | None = None
_making = threading.Lock()


def engine_options() -> tuple[str, ...]:
    """What the settings say to the chosen engine."""
    if settings.OCR_ENGINE != "easyocr":
        return ()
    return settings.OCR_EASYOCR_MODELS, "download" if settings.OCR_EASYOCR_DOWNLOAD else ""


def reader() -> PictureReader:
    """This process's reader: as the settings choose its engine, unless `use` gave another."""
    global _reader
    with _making:
        if _reader is None:
            _reader = ReadingProcess(
                settings.OCR_ENGINE, *engine_options(), waiting=settings.OCR_QUEUE
            )
        return _reader


def use(reader: PictureReader | None) -> None:
    """Let this process read with another reader from now on; None: with the settings' again."""
    global _reader
    with _making:
        _reader = reader
