from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.lib.batches import batched


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3])]
)
def test_batches_hold_every_item_in_order(count: int, sizes: list[int]):
    batches = list(batched(range(count), 3))
    assert [len(batch) for batch in batches] == sizes
    assert [item for batch in batches for item in batch] == list(range(count))


def test_the_source_is_read_no_further_than_needed():
    source = iter(range(10))
    assert next(batched(source, 4)) == [0, 1, 2, 3]
    assert next(source) == 4


def test_what_came_before_an_error_is_given_before_it():
    def breaking() -> Iterator[int]:
        yield from range(5)
        raise EOFError

    batches = batched(breaking(), 3)
    assert [next(batches), next(batches)] == [[0, 1, 2], [3, 4]]
    with pytest.raises(EOFError):
        next(batches)
