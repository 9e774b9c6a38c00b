"""The shape of our recognition network, where EasyOCR looks for it (`recog_network="lotto"`).

Grey crops of one number, 32 pixels high, become a probability for each digit (or none) in each of
their columns of four pixels, to be read by CTC. Trained by `manage.py train_ocr`.
"""

from __future__ import annotations

import torch
from torch import nn


def _step(ins: int, outs: int, pool: tuple[int, int] | None) -> list[nn.Module]:
    layers = [nn.Conv2d(ins, outs, 3, padding=1, bias=False), nn.BatchNorm2d(outs), nn.ReLU()]
    return [*layers, nn.MaxPool2d(pool)] if pool else layers


class Model(nn.Module):
    """`(count, 1, 32, width)` in -1 to 1 to `(count, width / 4, num_class)` of logits."""

    def __init__(
        self, input_channel: int, output_channel: int, hidden_size: int, num_class: int
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_step(input_channel, 24, (2, 2)),
            *_step(24, 48, (2, 2)),
            *_step(48, output_channel, None),
            *_step(output_channel, output_channel, (2, 1)),
            *_step(output_channel, hidden_size, None),
            nn.Conv2d(hidden_size, hidden_size, (4, 1), bias=False),
            nn.BatchNorm2d(hidden_size),
            nn.ReLU(),
        )
        self.columns = nn.Conv1d(hidden_size, num_class, 3, padding=1)

    def forward(self, image: torch.Tensor, text: torch.Tensor | None = None) -> torch.Tensor:
        """EasyOCR also hands over a `text`, which networks that read by CTC do without."""
        columns: torch.Tensor = self.columns(self.features(image).squeeze(2))
        return columns.transpose(1, 2)
