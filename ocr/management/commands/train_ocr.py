from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ocr.synthetic import training

SEED, UNSEEN_SEED = 1, 7


class Command(BaseCommand):
    help = (
        "Train our recognition network on invented boards, and write it as weights/lotto.pth (for "
        "EasyOCR) and weights/lotto.onnx (the second opinion). Needs PyTorch, from "
        "requirements-easyocr.txt; on two cores about 12 minutes for the boards and 5 for an epoch."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--boards", type=int, default=2_400, help="default: %(default)s")
        parser.add_argument("--epochs", type=int, default=6, help="default: %(default)s")
        parser.add_argument(
            "--processes", type=int, default=os.cpu_count(), help="that draw boards; default: all"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            import torch  # noqa: F401  (here, so that its absence has a plain message)
        except ImportError:
            raise CommandError(
                "PyTorch is not installed: pip install -r requirements-easyocr.txt"
            ) from None
        boards, processes = options["boards"], options["processes"]
        self.stdout.write(f"Drawing {boards} boards ...")
        known = training.samples(boards, seed=SEED, processes=processes)
        unseen = training.samples(max(boards // 8, 8), seed=UNSEEN_SEED, processes=processes)
        self.stdout.write(f"Training on {len(known.numbers)} cells ...")
        network = training.train(
            known, unseen, epochs=options["epochs"], say=lambda line: self.stdout.write(line)
        )
        training.export(network)
        self.stdout.write(f"Wrote {training.WEIGHTS / 'lotto.pth'} and lotto.onnx.")
