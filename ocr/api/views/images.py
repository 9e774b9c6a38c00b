"""Images in a request's body."""

from __future__ import annotations

import threading
from typing import Final

from rest_framework.exceptions import APIException, ValidationError

from ocr import images
from ocr.types import ImageRefused, ImageTooLarge

# Megabytes of base64 keep the interpreter: several at once would make the event loop wait for all.
_one_at_a_time: Final = threading.Lock()


class TooLarge(APIException):
    status_code = 413


def image_file(text: str) -> bytes:
    """The image's file. Raises ValidationError (400) or TooLarge (413)."""
    try:
        with _one_at_a_time:
            return images.decoded(text)
    except ImageTooLarge as exc:
        raise TooLarge(str(exc)) from None
    except ImageRefused as exc:
        raise ValidationError({"image_base64": [str(exc)]}) from None
