"""A whole evening as it is: a television over HLS, the real reader, a worker, every upstream."""

from __future__ import annotations

from datetime import datetime
from datetime import time as clock
from typing import Any

import pytest
from django.core.management import call_command

from lotto.rules import ROME
from ocr import selectors
from ocr.autobot import capture, worker
from ocr.reader_process import ReadingProcess
from ocr.tests.evenings import (
    ALL_DONE,
    DAY,
    Services,
    again,
    at_work,
    begun,
    day_before_is_archived,
    drawn,
    grown,
    is_over,
    requested,
    step_states,
    stored,
    wait_for,
)
from ocr.types import RunState
from sandbox import programme
from sandbox.testing import RunningTelevision, running_operator

pytestmark = [
    pytest.mark.exhaustive,  # a running gateway plays one in every run
    pytest.mark.both_profiles,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),  # a reading takes 2 s on a quiet machine, and 20 on a busy one
]
BUSY_S = 240
SPEED = 200  # every picture on which a number has changed costs a reading of two seconds and a half
FIRST_S, WHEEL_S = programme.LEAD_S, programme.WHEEL_S
ADVERTS_S = FIRST_S + programme.BREAK_AFTER * WHEEL_S
WHOLE_S = FIRST_S + 11 * WHEEL_S + programme.BREAK_S
# To which second the evening goes on, how many wheels there are then, and what befalls the stream:
# each trouble for so many requests of the gateway's.
STAGES: tuple[tuple[float, int, tuple[tuple[dict[str, Any], int], ...]], ...] = (
    (FIRST_S + 1.5 * WHEEL_S, 1, (({"blur": True}, 10),)),
    (FIRST_S + 4.5 * WHEEL_S, 4, (({"trouble": "stall"}, 8), ({"trouble": "cut"}, 4))),
)


def test_a_whole_evening(
    television: RunningTelevision,
    services: Services,
    reading_process: ReadingProcess,
    settings: Any,
) -> None:
    """Wheels come by and by, with adverts, blur, a stall and a connection that is cut."""
    day_before_is_archived()
    tv = television.server
    begins_s = FIRST_S - 1
    run = begun()
    with at_work(reading_process, capture.USUAL):
        for to_s, wheels, faults in STAGES:
            tv.steer(programme="evening", day=DAY, from_s=begins_s, to_s=to_s, speed=SPEED)
            assert grown(run, wheels, within_s=BUSY_S) == wheels
            for fault, requests in faults:
                tv.steer(**fault)
                requested(television, requests)
                tv.steer(blur=False, trouble="")
            begins_s = to_s
        tv.steer(from_s=ADVERTS_S, to_s=ADVERTS_S + 5)
        requested(television, 8)
        tv.steer(from_s=ADVERTS_S + programme.BREAK_S, to_s=WHOLE_S)
        wait_for(is_over(run), within_s=BUSY_S)
    assert selectors.published(run) == drawn()
    assert capture.read_again(run.pk, reading_process, by="anna") == []
    assert (again(run).state, step_states(run)) == (RunState.COMPLETED, ALL_DONE)
    assert stored() == drawn()
    on_the_site = services.site.server.draws[DAY.isoformat()]
    assert {w: tuple(map(int, n)) for w, n in on_the_site.items()} == drawn()
    (message,) = services.telegram.server.messages
    assert "BARI" in message["caption"]
    kept = set(run.evidence.values_list("wheel", flat=True))
    assert kept == {"", *drawn()}

    with running_operator(now=datetime.combine(DAY, clock(23, 30), ROME).timestamp()) as operator:
        settings.LOTTO_ARCHIVE_URLS = [operator.url]
        call_command("sync_lotto", verbosity=0)
    worker.compare()
    assert again(run).verified_at is not None
    assert len(services.telegram.server.messages) == 1
