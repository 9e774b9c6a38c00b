"""Worker processes that are killed as `kill -9` does: another one goes on, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ocr import selectors
from ocr.tests.evenings import (
    ALL_DONE,
    DAY,
    STREAM,
    Services,
    again,
    begun,
    completed,
    day_before_is_archived,
    drawn,
    is_over,
    read,
    step_states,
    stored,
    wait_for,
)
from ocr.tests.workers import Workers, leading
from ocr.types import RunState
from sandbox.testing import RunningTelevision

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("postgres_url")]


def test_killed_in_every_state_the_evening_ends_well(
    coded_television: RunningTelevision, services: Services, workers: Workers
) -> None:
    day_before_is_archived()
    tv = coded_television.server
    tv.steer(programme="presenter")
    services.ai.faults.arm("slow", "openrouter.chat", delay_s=20)
    run = begun()
    for _ in range(2):
        workers.start_scripted()

    def killed(when: Callable[[], Any]) -> None:
        """Kill the one at work, and see the other one take over within 10 s."""
        wait_for(when)
        first = leading()
        workers.kill(first)
        took_s = wait_for(
            lambda: leading() not in (first, None) or run.is_over,  # it may be quick
            within_s=10,
        )
        assert took_s < 10

    killed(lambda: again(run).message == "Watching the stream.")
    workers.start_scripted()
    tv.steer(programme="evening", day=DAY, from_s=100, speed=4)  # with two wheels
    killed(lambda: again(run).state == RunState.OCR and completed(run))
    workers.start_scripted()
    assert completed(run)
    tv.steer(programme="board", day=DAY)
    killed(lambda: not services.ai.faults.listed())  # it is being asked
    wait_for(is_over(run))
    assert selectors.published(run) == stored() == drawn()
    assert step_states(run) == ALL_DONE
    (message,) = services.telegram.server.messages
    assert "interr" not in message["caption"].lower()


@pytest.mark.parametrize(
    ("step", "route"), [("upload", "lotto_site.draws"), ("telegram", "telegram.photo")]
)
def test_killed_in_a_step_another_worker_does_it(
    services: Services, workers: Workers, settings: Any, step: str, route: str
) -> None:
    settings.OCR_STREAM_URL = STREAM
    day_before_is_archived()
    upstreams: dict[str, Any] = {"upload": services.site, "telegram": services.telegram}
    faults = upstreams[step].faults
    faults.arm("slow", route, delay_s=60)
    run = read()
    first = workers.start()
    wait_for(lambda: not faults.listed())  # the request is under way
    workers.kill(first)
    workers.start()
    wait_for(is_over(run))
    assert step_states(run) == ALL_DONE
    assert stored() == drawn()
    (message,) = services.telegram.server.messages
    assert ("interr" in message["caption"].lower()) == (step == "telegram")
