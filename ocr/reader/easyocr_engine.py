"""EasyOCR as a recogniser: with our own network in its custom format, or with its stock weights.

Needs requirements-easyocr.txt. It is shown single cells and asked for what each column of them may
be, since a text and a score would not show a doubt (decision 0013). Its detector is not used.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import string
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ocr.reader.lexicon import Digits, Floats, numbers
from ocr.reader.second_opinion import HEIGHT, WIDTH, SecondOpinion
from ocr.reader.types import Pixels
from ocr.types import ReaderFailed

WEIGHTS: Final = Path(__file__).parent / "weights"
OWN: Final = "lotto"  # what our network's files are called, and the module that EasyOCR imports
_SIGNATURE: Final = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_OPTIONS: Final = {"gpu": False, "detector": False, "quantize": False, "verbose": False}


class EasyOcr:
    """Reads crops of single numbers, `height` by `width` px as its network was trained on.

    Loading takes some seconds, nearly all of them PyTorch's; it is not thread-safe.
    """

    name = "easyocr"

    def __init__(
        self, reader: Any, *, height: int, width: int, sizes: tuple[float, ...], nothing: str = ""
    ) -> None:
        from easyocr.recognition import AlignCollate

        self.sizes = sizes
        self._network = reader.recognizer.eval()
        self._digits = Digits(reader.converter.character, nothing=nothing)
        self._prepared = AlignCollate(height, width, keep_ratio_with_pad=True)

    @classmethod
    def own(cls, folder: Path = WEIGHTS) -> EasyOcr:
        """With our own network. Raises ReaderFailed."""
        with _load_errors(), _importable(folder):
            reader = _easyocr().Reader(
                ["en"],
                recog_network=OWN,
                model_storage_directory=str(folder),
                user_network_directory=str(folder),
                download_enabled=False,
                **_OPTIONS,
            )
            return cls(reader, height=HEIGHT, width=WIDTH, sizes=SecondOpinion.sizes)

    @classmethod
    def stock(cls, models: str, *, may_download: bool = False) -> EasyOcr:
        """With EasyOCR's weights in the folder `models`, or fetched into it. Raises ReaderFailed.

        EasyOCR compares their checksum with the one that it knows.
        """
        with _load_errors():
            reader = _easyocr().Reader(
                ["en"],
                model_storage_directory=models,
                user_network_directory=models,
                download_enabled=may_download,
                **_OPTIONS,
            )
            # It reads best what is cut tightly; on two cuts its columns are not worth their mean.
            return cls(reader, height=64, width=128, sizes=(0.7,), nothing=string.punctuation)

    def numbers(self, crops: Sequence[Pixels]) -> Floats:
        """The probability of each number on each crop: `(count, 91)`, see `lexicon.numbers`."""
        import torch

        batch = self._prepared([Image.fromarray(_normal(crop)) for crop in crops])
        with torch.inference_mode():
            columns = self._network(batch, None).softmax(2).numpy()
        return numbers(self._digits.of(columns))


@contextmanager
def _load_errors() -> Iterator[None]:
    """Raise ReaderFailed for what EasyOCR and PyTorch raise while they load.

    Weights may be broken, of another network or not available, and packages may not fit.
    """
    try:
        yield
    except (
        ImportError, OSError, RuntimeError, ValueError, AssertionError, EOFError,
        pickle.UnpicklingError, zipfile.BadZipFile,
    ) as exc:  # fmt: skip
        first_line = next(iter(str(exc).splitlines()), "")
        raise ReaderFailed(f"EasyOCR cannot read: {type(exc).__name__}: {first_line}") from exc


def _easyocr() -> Any:
    """The package, ready to load weights and to use all our cores."""
    # It loads weights as any pickle, which may run what it likes; PyTorch is made not to.
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    _complete_torchvision()
    import easyocr

    return easyocr


def _complete_torchvision() -> None:
    """Let torchvision be imported beside a PyTorch that it was not compiled for.

    PyPI's is compiled for CUDA and cannot load its operators beside a CPU build of PyTorch; of two
    of them it then says what they are like, which fails. EasyOCR uses neither: named is enough.
    """
    import torch

    found = importlib.util.find_spec("torchvision")
    compiled = PathFinder.find_spec("_C", found.submodule_search_locations) if found else None
    if compiled is None or compiled.origin is None or hasattr(torch.ops.torchvision, "nms"):
        return
    try:
        torch.ops.load_library(compiled.origin)
    except OSError:
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", _SIGNATURE)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Our network's module, for a moment, in place of the app of the same name."""
    spec = importlib.util.spec_from_file_location(OWN, folder / f"{OWN}.py")
    assert spec
    assert spec.loader
    network = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(network)
    app = sys.modules[OWN]
    sys.modules[OWN] = network
    try:
        yield
    finally:
        sys.modules[OWN] = app


def _normal(crop: Pixels) -> NDArray[np.uint8]:
    """Grey, from black to white whatever the picture's contrast."""
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.normalize(grey, grey, 0, 255, cv2.NORM_MINMAX), np.uint8)
