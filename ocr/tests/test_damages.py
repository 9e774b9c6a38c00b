"""What spoils a board for training and tests: a spoilt picture still tells where everything is."""

from __future__ import annotations

import random

import pytest

from ocr.synthetic.boards import Appearance, draw
from ocr.synthetic.damages import DAMAGES, Damage, spoil

WHEELS = {"BA": [1, 2, 3, 4, 90], "RM": [11, 22, 33, 44, 55]}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_cell_of_a_spoilt_board_lies_inside_the_picture(damage: Damage) -> None:
    board = draw(WHEELS, Appearance("table"))
    for seed in range(3):  # what is done is partly left to chance
        spoilt = spoil(board, damage, random.Random(seed))
        height, width = spoilt.image.shape[:2]
        assert spoilt.cells.keys() == board.cells.keys()
        for corners in spoilt.cells.values():
            assert (corners >= 0).all()
            assert (corners <= (width, height)).all()
