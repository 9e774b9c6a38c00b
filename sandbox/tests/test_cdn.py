from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sandbox.cdn import audience
from sandbox.testing import running_cdn
from webtv.clients import HttpPages
from webtv.presets import request_of, viewers_in
from webtv.types import ViewerSource

EVENING = datetime(2026, 11, 10, 19, 3, tzinfo=UTC)  # 20:03 in Rome


def test_the_draw_is_what_most_people_watch() -> None:
    day = [audience((EVENING + timedelta(minutes=n)).timestamp()) for n in range(-720, 600)]
    assert max(day) == max(day[700:740])
    assert min(day) >= 0


def test_people_come_and_go_but_do_not_jump() -> None:
    at = EVENING.timestamp()
    steps = [abs(audience(at + 5 * n + 5) - audience(at + 5 * n)) for n in range(17_280)]
    assert max(steps) < 10


def test_yesterday_was_similar_but_not_the_same() -> None:
    now, yesterday = (audience((EVENING - timedelta(days=n)).timestamp()) for n in (0, 1))
    assert now != yesterday
    assert 0.5 < now / yesterday < 2


def test_both_protocols_report_the_same() -> None:
    with running_cdn() as cdn:
        pages = HttpPages()
        for name in ("main", "second"):
            owncast = ViewerSource(name="s", preset="owncast", url=f"{cdn.url}/{name}")
            rtmp = ViewerSource(
                name="s", preset="nginx-rtmp", url=f"{cdn.url}/stat", stream_key=f"live/{name}"
            )
            viewers = {
                viewers_in(source, pages.fetch(request_of(source), timeout_s=5))
                for source in (owncast, rtmp)
            }
            assert viewers == {cdn.server.viewers(name)}
