"""Pictures from outside: what is accepted, what is refused and how."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ocr import images
from ocr.images import decoded, upright
from ocr.tests.files import base64_of
from ocr.types import ImageRefused, ImageTooLarge


def file_of(kind: str = "PNG", size: tuple[int, int] = (80, 40), **options: Any) -> bytes:
    image = Image.new("RGB", size, (10, 20, 200))
    image.paste((200, 20, 10), (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """The head of a PNG that claims to be so large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\1IDAT\0"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("head", ["", "data:image/png;base64,", "data:image/jpeg;x=y;base64,"])
def test_each_kind_is_accepted_with_and_without_a_data_uri(kind: str, head: str) -> None:
    file = file_of(kind)
    assert decoded(head + base64_of(file)) == file
    assert upright(file).shape == (40, 80, 3)


def test_line_ends_in_base64_do_not_matter() -> None:
    file = file_of()
    assert decoded(base64.encodebytes(file).decode()) == file


@pytest.mark.parametrize(
    "text",
    [
        "", "rubbish!", base64_of(b"not a picture"), base64_of(file_of("GIF")),
        base64_of(file_of("BMP")), "data:image/png;base64,", base64_of(file_of(size=(80, 10))), "è",
    ],
    ids=["empty", "no base64", "text", "gif", "bmp", "nothing", "too flat", "not ascii"],
)  # fmt: skip
def test_what_is_no_picture_is_refused(text: str) -> None:
    with pytest.raises(ImageRefused) as refused:
        decoded(text)
    assert not isinstance(refused.value, ImageTooLarge)


@pytest.mark.parametrize(
    "file", [png_of_size(60_000, 60_000), png_of_size(8_000, 5_001)], ids=["bomb", "a bit over"]
)
def test_too_many_pixels_are_refused_by_the_head_alone(file: bytes) -> None:
    with pytest.raises(ImageTooLarge):
        decoded(base64_of(file))


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(ImageTooLarge):
        decoded(base64_of(file_of() + bytes(images.MAX_BYTES)))
    with pytest.raises(ImageTooLarge):
        decoded("A" * images.MAX_BYTES * 2)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_ends_in_the_middle_is_refused(kind: str) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, kind)
    with pytest.raises(ImageRefused):
        upright(file.getvalue()[: len(file.getvalue()) // 2])


def test_a_picture_that_was_held_upright_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    file = file_of("JPEG", exif=exif)
    turned = upright(file)
    assert images.size(file) == (40, 80)
    assert turned.shape == (80, 40, 3)
    assert turned[5, 20, 2] > 150  # what was at the left is at the top
    assert turned[75, 20, 0] > 150


def test_large_pictures_are_made_smaller() -> None:
    file = file_of("JPEG", size=(6_000, 4_000))
    assert max(upright(file).shape) == images.READ_SIDE
    assert images.size(file) == (6_000, 4_000)


def test_transparency_is_black() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (40, 40), (255, 255, 255, 0)).save(file, "PNG")
    assert upright(file.getvalue()).max() == 0


def test_grey_and_palette_pictures_have_three_channels() -> None:
    for mode in ("L", "P", "1", "I;16"):
        file = io.BytesIO()
        Image.new(mode, (40, 40)).save(file, "PNG")
        assert upright(file.getvalue()).shape == (40, 40, 3)


def test_picture_to_send_is_upright_small_and_without_metadata() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    sent = Image.open(io.BytesIO(images.jpeg(file_of("JPEG", size=(800, 400), exif=exif), 500)))
    assert (sent.format, sent.size) == ("JPEG", (250, 500))
    assert not sent.getexif()
    assert "exif" not in sent.info


def test_a_small_picture_is_not_made_larger() -> None:
    assert Image.open(io.BytesIO(images.jpeg(file_of(size=(80, 40)), 500))).size == (80, 40)


def with_scans(count: int) -> bytes:
    """A progressive JPEG with `count` scans, of which most are the same."""
    file = file_of("JPEG", progressive=True)
    at = file.rindex(b"\xff\xda")
    more = count - file.count(b"\xff\xda")
    return file[:-2] + file[at:-2] * more + file[-2:]


def png_with_chunks(count: int) -> bytes:
    file = file_of()
    return file[:33] + struct.pack(">I4sI", 0, b"prVt", zlib.crc32(b"prVt")) * count + file[33:]


def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded() -> None:
    assert upright(with_scans(images.MAX_SCANS)).shape == (40, 80, 3)
    for refuse in (upright, images.size, lambda file: decoded(base64_of(file))):
        with pytest.raises(ImageRefused, match="too many parts"):
            refuse(with_scans(images.MAX_SCANS + 1))


@pytest.mark.parametrize(
    "file",
    [
        file_of("JPEG")[:2] + b"\xff\xfe\0\2" * 1_001 + file_of("JPEG")[2:],
        file_of("JPEG")[:2] + b"\xff\x01" * 1_001 + file_of("JPEG")[2:],
        png_with_chunks(1_000),
    ],
    ids=["comments", "bare markers", "chunks"],
)
def test_a_file_of_many_parts_is_refused(file: bytes) -> None:
    with pytest.raises(ImageRefused, match="too many parts"):
        decoded(base64_of(file))


@pytest.mark.parametrize(
    "file",
    [
        file_of("JPEG") + b"\xff\xda\0\2" * 100,  # a film after the picture, as phones append
        file_of("JPEG", comment=b"\xff\xda\0\2" * 100),
        file_of("JPEG", progressive=True, quality=95),
        png_with_chunks(50),
    ],
    ids=["after its end", "in a comment", "progressive", "a few chunks"],
)
def test_what_only_looks_like_many_parts_is_read(file: bytes) -> None:
    assert decoded(base64_of(file)) == file
    assert upright(file).shape == (40, 80, 3)
