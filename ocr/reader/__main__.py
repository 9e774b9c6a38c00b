"""The reading process: pictures come in through a pipe, readings go out.

`python -m ocr.reader ENGINE FD [OPTION ...]`; it ends when the other end of the pipe is closed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from math import ceil
from multiprocessing.connection import Connection
from typing import Final

import msgspec
import numpy as np

from ocr.images import jpeg, size, upright
from ocr.reader.engines import ENGINES
from ocr.reader.protocol import (
    FrameRequest,
    JpegRequest,
    NumberMessage,
    ReadRequest,
    ReadResponse,
)
from ocr.reader.reader import Reader
from ocr.reader.types import NumberReading, Reading
from ocr.types import ImageRefused, ReaderFailed

NICER: Final = 5  # than the gateway, whose other requests must not wait
LOOK_S: Final = 0.5  # whether the gateway is there


def main(engine: str, fd: int, *options: str) -> None:
    """Respond to requests until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gateway, which closes the pipe
    os.nice(NICER)
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()
    pipe = Connection(fd)
    try:
        reader = ENGINES[engine](*options)
    except ReaderFailed as exc:
        pipe.send_bytes(msgspec.msgpack.encode(ReadResponse(failed=str(exc))))
        return
    decoder: msgspec.msgpack.Decoder[ReadRequest] = msgspec.msgpack.Decoder(ReadRequest)
    pipe.send_bytes(msgspec.msgpack.encode(ReadResponse()))
    while True:
        try:
            request = decoder.decode(pipe.recv_bytes())
        except EOFError:
            return
        for response in _responses(reader, request):
            pipe.send_bytes(msgspec.msgpack.encode(response))


def _die_with(parent: int) -> None:
    """End this process with its parent: a decoder does not notice that the pipe is closed."""
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(1)


def _responses(reader: Reader, request: ReadRequest) -> Iterator[ReadResponse]:
    try:
        if isinstance(request, FrameRequest):
            pixels = np.frombuffer(request.pixels, np.uint8).reshape(
                request.height, request.width, 3
            )
            reading = reader.watch(pixels)
        elif isinstance(request, JpegRequest):
            yield ReadResponse(jpeg=jpeg(request.file, request.side))
            return
        else:
            pixels = upright(request.file)
            larger = size(request.file)[0] / pixels.shape[1]
            yield ReadResponse()
            reading = _scaled(reader.read(pixels), larger)
    except ImageRefused as exc:
        yield ReadResponse(refused=str(exc))
        return
    yield ReadResponse(
        {wheel: _messages(numbers) for wheel, numbers in reading.wheels.items()},
        reading.boxes,
        reading.page,
        reading.simbolotto and (reading.simbolotto.wheel, _messages(reading.simbolotto.numbers)),
    )


def _scaled(reading: Reading, larger: float) -> Reading:
    """The reading with its boxes on the picture as it was given, so many times as large."""
    boxes = {
        wheel: (int(left * larger), int(top * larger), ceil(right * larger), ceil(bottom * larger))
        for wheel, (left, top, right, bottom) in reading.boxes.items()
    }
    return reading._replace(boxes=boxes)


def _messages(numbers: Sequence[NumberReading]) -> list[NumberMessage]:
    return [
        NumberMessage(
            each.number, float(each.confidence), [(n, float(c)) for n, c in each.candidates]
        )
        for each in numbers
    ]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
