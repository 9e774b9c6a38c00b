"""Second sources: what they say, and what is published before and after."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest

from core.lib.upstream import UpstreamError
from ocr import selectors
from ocr.autobot import services as runs
from ocr.autobot import steps, witnesses
from ocr.checks import witnesses_complete
from ocr.clients.text_page import TextPage
from ocr.models import AutobotRun
from ocr.serializers.autobot import status_document
from ocr.tests.evenings import (
    DAY,
    LEADER,
    STREAM,
    Services,
    day_before_is_archived,
    drawn,
    read,
    step_states,
    stored,
)
from ocr.tests.fakes import ScriptedReader
from ocr.types import Held, RunState
from sandbox.testing import RunningTelevideo, RunningTelevision

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stream")]
OTHERS = [1, 2, 3, 4, 5]
BA, CA = (1, 2, 3, 4, 5), (6, 7, 8, 9, 90)


@pytest.fixture
def stream(settings: Any) -> None:
    settings.OCR_STREAM_URL = STREAM


@pytest.fixture
def page(televideo: RunningTelevideo) -> TextPage:
    televideo.server.day = DAY
    return TextPage(televideo.url, timeout_s=5)


# --- A page of text -------------------------------------------------------------------------------


def test_page_has_the_wheels_of_its_day(page: TextPage) -> None:
    assert page.wheels(DAY) == drawn()
    assert page.wheels(date(2026, 11, 26)) == {}


def test_a_page_that_is_unavailable_is_an_error(
    page: TextPage, televideo: RunningTelevideo
) -> None:
    televideo.faults.arm("down", "televideo.page", times=0)
    with pytest.raises(UpstreamError):
        page.wheels(DAY)


@pytest.mark.parametrize(
    ("text", "wheels"),
    [
        ("Lotto, estrazione del 24/11/2026\nBARI 1 2 3 4 5\nCA: 6-7-8-9-90", {"BA": BA, "CA": CA}),
        ("<h1>Estrazione del 24 novembre 2026</h1><tr><td>Bari<td>1<td>2<td>3<td>4<td>5</tr>",
         {"BA": BA}),
        ("Lotto 24/11/2026\nBARI 1 2 3 4 5\nBARI 5 4 3 2 1", {}),
        ("Lotto 24/11/2026\nBARI 1 2 3 4 91\nCAGLIARI 1 2 3 4 4", {}),
        ("Lotto 24/11/2026\nMILAN 1 2 3 4 5", {}),
        ("24/11/2026 ore 21\nLotto: estrazione del 21/11/2026\nBARI 1 2 3 4 5", {}),
        ("BARI 1 2 3 4 5", {}),
    ],
)  # fmt: skip
def test_what_a_page_says_is_read_and_checked(
    monkeypatch: pytest.MonkeyPatch, text: str, wheels: Any
) -> None:
    page = TextPage("https://televideo.example/{day:%d%m%y}?p=1", timeout_s=1)
    asked = []

    def get_body(target: str, **_: Any) -> bytes:
        asked.append(target)
        return text.encode("cp1252")

    monkeypatch.setattr(page._http, "get_body", get_body)
    assert page.wheels(DAY) == wheels
    assert asked == ["/241126?p=1"]


def test_a_pattern_of_ones_own_has_two_groups() -> None:
    with pytest.raises(ValueError, match="wheel"):
        TextPage("https://televideo.example/", r"(\d+)", timeout_s=1)


def test_another_channel_is_looked_at(
    coded_television: RunningTelevision, scripted: ScriptedReader, settings: Any
) -> None:
    """Until a board of that day's draw is on it; one of another day has nothing to say."""
    settings.OCR_WITNESSES = {"ocr_witness_1": {"URL": coded_television.url}}
    assert witnesses.ask(DAY) == {"ocr_witness_1": drawn()}


# --- Who must agree -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "needed", "verdict"),
    [
        ({}, [], ([], "")),
        ({"a": {"BA": BA}}, ["a"], (["a"], "")),
        ({"a": {}}, ["a"], ([], Held.WITNESS)),
        ({"a": {"BA": BA}}, ["a", "b"], (["a"], Held.WITNESS)),
        ({"a": {"BA": BA}, "b": {"BA": BA[::-1]}}, ["a"], (["a"], Held.DISPUTED)),
        ({"b": {"BA": BA[::-1]}}, [], ([], Held.DISPUTED)),
    ],
)
def test_verdict_of_the_witnesses(answers: Any, needed: list[str], verdict: Any) -> None:
    assert witnesses.verdict("BA", BA, answers, needed=needed) == verdict


def settled(run: AutobotRun) -> AutobotRun:
    steps.settle(run, LEADER, threading.Event())
    return AutobotRun.objects.get(pk=run.pk)


def evening() -> AutobotRun:
    """A run whose wheels were all read for sure, before its steps."""
    day_before_is_archived()
    run = read(options={"ai_validation": False})
    for row in run.wheels.all():
        row.held = runs.why_held(run, row.wheel, [n for n in row.numbers if n])
        row.save()
    return run


def test_what_a_witness_confirms_is_published_and_says_so(
    page: TextPage, services: Services, settings: Any
) -> None:
    settings.OCR_CONFIRMED_BY = ["televideo"]
    run = evening()
    assert selectors.published(run) == {}
    run = settled(run)
    assert stored() == selectors.published(run) == drawn()
    (message,) = services.telegram.server.messages
    assert "televideo (11)" in message["caption"]
    document = status_document(run)
    assert set(map(tuple, document.confirmed_by.values())) <= {("ocr", "televideo")}
    assert step_states(run)["witness"] == "done"


def test_what_a_witness_contradicts_waits_for_a_person(
    page: TextPage, televideo: RunningTelevideo, services: Services
) -> None:
    """Also where nobody need agree."""
    televideo.server.differ = {"BA": OTHERS}
    run = settled(evening())
    assert run.wheels.get(wheel="BA").held == Held.DISPUTED
    assert stored() == {wheel: numbers for wheel, numbers in drawn().items() if wheel != "BA"}


def test_what_nobody_confirms_is_published_nowhere(
    page: TextPage, televideo: RunningTelevideo, services: Services, settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A page of the day before has nothing to say; it is asked again, then a person decides."""
    monkeypatch.setattr(steps, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(steps, "ASLEEP_S", 0.0)
    monkeypatch.setattr(steps, "TRIES", 2)
    televideo.server.day = date(2026, 11, 21)
    settings.OCR_CONFIRMED_BY = ["televideo"]
    run = settled(evening())
    assert (stored(), selectors.published(run)) == ({}, {})
    step = run.steps.get(name="witness")
    assert (step.state, step.tries) == ("failed", 2)
    assert "Not confirmed by televideo yet: BARI" in step.error
    runs.end(run, LEADER, RunState.COMPLETED, runs.summary(run))
    assert runs.confirm(run.pk, by="anna") == 11
    assert selectors.published(AutobotRun.objects.get()) == drawn()


def test_without_a_witness_all_is_as_it_was(services: Services) -> None:
    run = settled(evening())
    assert stored() == drawn()
    assert "witness" not in step_states(run)
    assert services.telegram.server.messages[0]["caption"].count("televideo") == 0


@pytest.mark.parametrize(
    ("sources", "needed", "problems"),
    [
        ({}, [], []),
        ({"ocr_witness_1": {"NAME": "t", "URL": "https://t.example"}}, ["t"], []),
        ({"ocr_witness_1": {"URL": "t.example", "PATTERN": "("}}, [], ["ocr.E008", "ocr.E009"]),
        ({}, ["ai", "t"], ["ocr.E010"]),
    ],
)
def test_settings_are_checked(settings: Any, sources: Any, needed: Any, problems: Any) -> None:
    settings.OCR_WITNESSES, settings.OCR_CONFIRMED_BY = sources, needed
    assert [problem.id for problem in witnesses_complete()] == problems
