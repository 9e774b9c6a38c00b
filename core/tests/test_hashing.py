"""How many passwords are hashed at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.auth.hashing import HashQueue, TooManyHashes


def test_one_is_hashed_while_the_others_wait_and_the_rest_is_refused() -> None:
    queue, running, highest = HashQueue(2), 0, 0
    begun, go_on = threading.Event(), threading.Event()

    def work() -> bool:
        nonlocal running, highest
        try:
            with queue.turn():
                running += 1
                highest = max(highest, running)
                begun.set()
                go_on.wait(10)
                running -= 1
        except TooManyHashes:
            go_on.set()  # the third one: both places are taken
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(work)]
        begun.wait(10)
        done += [pool.submit(work), pool.submit(work)]
    assert sorted(future.result() for future in done) == [False, True, True]
    assert highest == 1


def test_a_place_is_free_again_after_an_error() -> None:
    queue = HashQueue(1)
    with pytest.raises(ValueError, match="no salt"), queue.turn():
        raise ValueError("no salt")
    with queue.turn(), pytest.raises(TooManyHashes), queue.turn():
        pass
