"""Trains the recognition network of `ocr/reader/weights` on invented boards: `manage.py train_ocr`.

Needs PyTorch (requirements-easyocr.txt), which nothing else of the gateway does.
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from ocr.synthetic import boards, damages

if TYPE_CHECKING:
    import torch

WEIGHTS: Final = Path(__file__).parents[1] / "reader" / "weights"
HEIGHT, WIDTH = 32, 48  # of what the network is shown
STORED: Final = (64, 96)  # height and width of a sample: room to cut from
STORED_HEIGHTS: Final = 2.6  # of the number's own height
CUT: Final = (1.3, 2.1)  # what is cut from it, in the number's heights
BATCH: Final = 256
_DAMAGES: Final = (*damages.DAMAGES, "tv576", "photo", "photo", "tv576")  # the hard ones more often


class Samples(NamedTuple):
    """Grey pictures of numbers (count, 64, 96), and what they show; 0 is no number."""

    images: NDArray[np.uint8]
    numbers: NDArray[np.uint8]
    padded: NDArray[np.bool_]  # drawn with two digits


def samples(count: int, *, seed: int, processes: int) -> Samples:
    """Cells of `count` boards, each with an appearance and a damage of its own."""
    seeds = range(seed * 1_000_000, seed * 1_000_000 + count)
    with ProcessPoolExecutor(processes) as pool:
        parts = list(pool.map(_cells, seeds, chunksize=8))
    return Samples(*(np.concatenate([part[i] for part in parts]) for i in range(3)))


def _cells(seed: int) -> Samples:
    """The cells of one board, and places beside them where no number is."""
    cv2.setNumThreads(1)
    dice = random.Random(seed)
    appearance = boards.invented_appearance(dice)
    wheels = boards.invented_wheels(dice)
    hidden = {(wheel, place) for wheel in wheels for place in range(5) if dice.random() < 0.06}
    shown = {
        wheel: [None if (wheel, place) in hidden else n for place, n in enumerate(numbers)]
        for wheel, numbers in wheels.items()
    }
    damage = _DAMAGES[seed % len(_DAMAGES)]
    whole = damages.spoil(boards.draw(wheels, appearance), damage, random.Random(seed))
    picture = damages.spoil(boards.draw(shown, appearance), damage, random.Random(seed))
    grey = cv2.cvtColor(picture.image, cv2.COLOR_BGR2GRAY)
    images, numbers = [], []
    for (wheel, place), corners in whole.cells.items():
        images.append(_cut(grey, corners, dice))
        numbers.append(shown[wheel][place] or 0)
    for corners in picture.names.values():
        if dice.random() < 0.4:  # a piece of the name, as high as the name
            shift = np.array([dice.uniform(-0.4, 0.4) * float(np.ptp(corners[:, 0])), 0])
            images.append(_cut(grey, corners + shift, dice))
            numbers.append(0)
    padded = np.full(len(numbers), appearance.two_digits)
    return Samples(np.stack(images), np.array(numbers, np.uint8), padded)


def _cut(grey: Any, corners: Any, dice: random.Random) -> Any:
    """The surroundings of a number, upright as the reader's layout gives them, or a bit askew."""
    centre = corners.mean(0)
    high = (np.hypot(*(corners[3] - corners[0])) + np.hypot(*(corners[2] - corners[1]))) / 2
    across = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
    angle = np.arctan2(across[1], across[0]) + dice.uniform(-0.05, 0.05)
    half_high = high * STORED_HEIGHTS / 2
    along = np.array([np.cos(angle), np.sin(angle)]) * half_high * STORED[1] / STORED[0]
    down = np.array([-np.sin(angle), np.cos(angle)]) * half_high
    source = np.array(
        [centre - along - down, centre + along - down, centre - along + down], np.float32
    )
    target = np.array([[0, 0], [STORED[1], 0], [0, STORED[0]]], np.float32)
    matrix = cv2.getAffineTransform(source, target)
    return cv2.warpAffine(
        grey, matrix, STORED[::-1], flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )


def train(
    known: Samples, unseen: Samples, *, epochs: int, say: Callable[[str], None]
) -> torch.nn.Module:
    """A network that reads `known`; after each epoch `say` gets its score on `unseen`."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    network = _network().to(memory_format=torch.channels_last)  # a sixth faster on CPUs
    steps = epochs * (len(known.numbers) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    loss_of = nn.CTCLoss(zero_infinity=True)
    dice = np.random.default_rng(1)
    for epoch in range(epochs):
        network.train()
        total = 0.0
        for images, labels in _batches(known, dice):
            loss = _loss(loss_of, network(torch.from_numpy(images)), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        right = _right(network, unseen)
        say(f"epoch {epoch + 1}/{epochs}  loss {total * BATCH / len(known.numbers):.4f}  "
            f"unseen cells right {right:.4%}")  # fmt: skip
    return network


def export(network: torch.nn.Module, folder: Path = WEIGHTS) -> None:
    """Write lotto.pth for EasyOCR, and lotto.onnx for the second opinion."""
    import torch

    network.eval()
    # EasyOCR loads a network onto the CPU without, and elsewhere with DataParallel's prefix.
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save(state, folder / "lotto.pth")
    torch.onnx.export(
        network,
        (torch.zeros(2, 1, HEIGHT, WIDTH),),
        folder / "lotto.onnx",
        input_names=["crops"],
        output_names=["columns"],
        dynamic_axes={"crops": {0: "count", 3: "width"}, "columns": {0: "count", 1: "columns"}},
        dynamo=False,
    )


def _network() -> torch.nn.Module:
    spec = importlib.util.spec_from_file_location("lotto_network", WEIGHTS / "lotto.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings = yaml.safe_load((WEIGHTS / "lotto.yaml").read_text())
    network: torch.nn.Module = module.Model(num_class=11, **settings["network_params"])
    return network


def _batches(
    known: Samples, dice: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], list[str]]]:
    order = dice.permutation(len(known.numbers))
    for start in range(0, len(order) - BATCH + 1, BATCH):
        chosen = order[start : start + BATCH]
        images = np.stack([_shown(known.images[i], dice) for i in chosen])
        yield images[:, None], [_text(known, i) for i in chosen]


def _shown(image: NDArray[np.uint8], dice: np.random.Generator) -> NDArray[np.float32]:
    """A sample as it may be met: cut more or less tightly, off centre, of any contrast."""
    high = dice.uniform(*CUT) / STORED_HEIGHTS * STORED[0]
    wide = high * WIDTH / HEIGHT * dice.uniform(0.9, 1.1)
    y = (STORED[0] - high) / 2 + dice.normal(0, 0.035) * high
    x = (STORED[1] - wide) / 2 + dice.normal(0, 0.035) * wide
    matrix = np.array(
        [[WIDTH / wide, 0, -x * WIDTH / wide], [0, HEIGHT / high, -y * HEIGHT / high]]
    )
    cut: Any = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    cut = cut.astype(np.float32)
    if dice.random() < 0.3:
        cut = cv2.GaussianBlur(cut, (0, 0), dice.uniform(0.3, 1.0))
    cut += dice.normal(0, dice.uniform(0, 6), cut.shape)
    if dice.random() < 0.5:
        cut = 255 - cut
    spread = max(np.ptp(cut), 1.0)
    cut = (cut - cut.min()) / spread * dice.uniform(0.5, 1.0)
    cut += dice.uniform(0, 1.0 - cut.max())
    return np.asarray(cut * 2 - 1, np.float32)


def _text(known: Samples, index: int) -> str:
    number = int(known.numbers[index])
    if not number:
        return ""
    return f"{number:02}" if known.padded[index] else str(number)


def _loss(loss_of: Any, columns: torch.Tensor, labels: list[str]) -> torch.Tensor:
    import torch

    likely = columns.log_softmax(2).transpose(0, 1)
    targets = torch.tensor([int(digit) + 1 for label in labels for digit in label])
    lengths = torch.tensor([len(label) for label in labels])
    widths = torch.full((len(labels),), likely.shape[0])
    loss: torch.Tensor = loss_of(likely, targets, widths, lengths)
    return loss


def _right(network: torch.nn.Module, unseen: Samples) -> float:
    """The share of samples whose best path says what they show."""
    import torch

    network.eval()
    right, seen = 0, 0
    with torch.no_grad():
        for images, labels in _batches(unseen, np.random.default_rng(2)):
            paths = network(torch.from_numpy(images)).argmax(2).numpy()
            right += sum(map(_is, paths, labels))
            seen += len(labels)
    return right / max(seen, 1)


def _is(path: Any, label: str) -> bool:
    kept = [int(k) for k, before in zip(path, [0, *path[:-1]], strict=True) if k and k != before]
    return "".join(str(k - 1) for k in kept) == label
