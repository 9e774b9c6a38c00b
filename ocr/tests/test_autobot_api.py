"""`/api/ocr/autobot/*` to the letter of the references; the command, the schedule, the event."""

from __future__ import annotations

import io
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django_celery_beat.models import PeriodicTask

from core.tests.published import PublishedEvents
from gateway_arq import schedule
from lotto.types import WHEELS
from ocr import selectors, tasks
from ocr.autobot import services
from ocr.models import AutobotConfig, AutobotRun
from ocr.tests.evenings import DAY, LEADER, STREAM, begun, drawn, read
from ocr.types import RunState

pytestmark = pytest.mark.django_db
BASE = "/api/ocr/autobot"
EVENING = "2026-11-24T20:30:00+01:00"
STATUS_KEYS = {"status", "wheels_completed", "total_wheels", "last_run"}
ADDED_KEYS = {"run", "date", "message", "wheels", "missing", "confirmed_by", "steps"}
OPTIONS = {"ai_validation", "auto_upload", "telegram_notify", "save_to_db"}
PUBLIC = "https://93.184.215.14/live.m3u8"


@pytest.fixture(autouse=True)
def _stream(settings: Any) -> None:
    settings.OCR_STREAM_URL = STREAM


def post(api: Any, what: str, body: Any = None) -> Any:
    return api.post(f"{BASE}/{what}", {} if body is None else body, format="json")


def put(api: Any, body: Any) -> Any:
    return api.put(f"{BASE}/config", body, format="json")


def test_status_before_the_first_run(api: Any) -> None:
    body = api.get(f"{BASE}/status").json()
    assert body.keys() == STATUS_KEYS | ADDED_KEYS
    assert {name: body[name] for name in STATUS_KEYS} == {
        "status": "idle", "wheels_completed": 0, "total_wheels": 11, "last_run": None,
    }  # fmt: skip


@time_machine.travel(EVENING)
def test_status_of_a_run_at_work(api: Any) -> None:
    read(doubtful=["NA"])
    body = api.get(f"{BASE}/status").json()
    assert body.keys() == STATUS_KEYS | ADDED_KEYS
    assert (body["status"], body["wheels_completed"]) == ("validating", 10)
    assert body["last_run"] == "2026-11-24T19:30:00Z"
    assert body["wheels"]["BARI"] == [f"{number:02}" for number in drawn()["BA"]]
    assert body["missing"] == ["NAPOLI"]
    assert body["steps"]["archive"] == {"state": "waiting", "tries": 0, "error": ""}


def test_run_of_yesterday_is_idle(api: Any) -> None:
    with time_machine.travel(EVENING):
        services.end(read(), LEADER, RunState.COMPLETED, "11 wheels")
        assert api.get(f"{BASE}/status").json()["status"] == "completed"
    with time_machine.travel("2026-11-25T08:00:00+01:00"):
        body = api.get(f"{BASE}/status").json()
    assert (body["status"], body["wheels_completed"]) == ("idle", 0)
    assert body["last_run"] == "2026-11-24T19:30:00Z"


@time_machine.travel(EVENING)
def test_after_a_stop_autobot_is_idle(api: Any) -> None:
    read()
    post(api, "stop")
    body = api.get(f"{BASE}/status").json()
    assert (body["status"], body["wheels_completed"], body["wheels"]) == ("idle", 0, {})


def test_start_answers_with_the_run(api: Any) -> None:
    response = post(
        api, "start", {"ai_validation": True, "telegram_notify": True, "auto_upload": False}
    )
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"success", "timestamp"} | STATUS_KEYS | ADDED_KEYS
    assert (body["success"], body["status"]) == (True, "capturing")
    assert body["message"] == "AutoBOT started"
    run = AutobotRun.objects.get()
    assert (run.ai_validation, run.auto_upload, run.save_to_db) == (True, False, True)


def test_a_second_start_is_a_409_with_the_runs_state(api: Any) -> None:
    post(api, "start")
    response = post(api, "start")
    assert response.status_code == 409
    body = response.json()
    assert body.keys() == {"detail", "success"} | STATUS_KEYS | ADDED_KEYS
    assert (body["success"], body["status"]) == (False, "capturing")
    assert AutobotRun.objects.count() == 1


def test_start_without_a_stream_says_so(api: Any, settings: Any) -> None:
    settings.OCR_STREAM_URL = ""
    response = post(api, "start")
    assert (response.status_code, response.json()["detail"]) == (503, "No stream is configured.")


@pytest.mark.parametrize("body", [[], "x", {"ai_validation": "yes"}, {"extraordinary": 1}])
def test_what_is_no_start_is_a_400(api: Any, body: Any) -> None:
    response = post(api, "start", body)
    assert (response.status_code, "detail" in response.json()) == (400, True)
    assert not AutobotRun.objects.exists()


def test_stop_is_answered_as_the_reference_shows(api: Any) -> None:
    begun()
    body = post(api, "stop").json()
    assert body.keys() == {"success", "status", "previous_status", "message", "timestamp"}
    assert (body["success"], body["status"], body["previous_status"], body["message"]) == (
        True, "idle", "capturing", "AutoBOT stopped",
    )  # fmt: skip
    assert selectors.unfinished() is None
    again = post(api, "stop")
    assert (again.status_code, again.json()["previous_status"]) == (200, "idle")


@pytest.fixture
def task() -> PeriodicTask:
    """As migrating makes it."""
    PeriodicTask.objects.filter(task="ocr.autobot").delete()
    schedule.apply()
    return PeriodicTask.objects.get(task="ocr.autobot")


@pytest.mark.usefixtures("task")
def test_config_is_answered_as_the_reference_shows(api: Any) -> None:
    body = api.get(f"{BASE}/config").json()
    assert body.keys() == {"stream_url", "default_stream_url", "schedule", "config", "timestamp"}
    assert body["stream_url"] == body["default_stream_url"] == STREAM
    assert body["schedule"] == "20:01 daily"
    assert body["config"] == dict.fromkeys(OPTIONS, True)


def test_the_schedule_is_what_staff_made_of_it(api: Any, task: PeriodicTask) -> None:
    task.crontab.hour, task.crontab.minute = "19", "58"
    task.crontab.save()
    assert api.get(f"{BASE}/config").json()["schedule"] == "19:58 daily"
    PeriodicTask.objects.filter(pk=task.pk).update(enabled=False)
    assert api.get(f"{BASE}/config").json()["schedule"] == "off"


def test_what_is_configured_stays(api: Any) -> None:
    response = put(api, {"stream_url": PUBLIC, "auto_upload": False})
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"success", "config", "stream_url", "message", "timestamp"}
    assert body["message"] == "Configuration updated"
    assert body["config"] == {**dict.fromkeys(OPTIONS, True), "auto_upload": False}
    assert put(api, {"ai_validation": False}).json()["stream_url"] == PUBLIC
    now = api.get(f"{BASE}/config").json()
    assert (now["stream_url"], now["default_stream_url"]) == (PUBLIC, STREAM)
    assert (now["config"]["auto_upload"], now["config"]["ai_validation"]) == (False, False)
    assert services.start(by="the test").stream_url == PUBLIC


def test_an_empty_stream_is_the_default_again(api: Any) -> None:
    put(api, {"stream_url": PUBLIC})
    assert put(api, {"stream_url": ""}).json()["stream_url"] == STREAM
    assert AutobotConfig.objects.get().stream_url == ""


@pytest.mark.parametrize(
    "url",
    [
        "rtmp://93.184.215.14/live", "file:///etc/passwd", "live.m3u8", "http://", "x" * 2001,
        "http://127.0.0.1/live.m3u8", "http://[::1]/", "http://10.1.2.3/", "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data", "http://localhost/", "http://0x7f.1/",
        "http://[::ffff:10.0.0.1]/", "http://user:secret@93.184.215.14/",
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_fetched_is_a_400(api: Any, url: str) -> None:
    response = put(api, {"stream_url": url, "auto_upload": False})
    assert response.status_code == 400
    assert "stream_url" in response.json()["errors"]
    assert not AutobotConfig.objects.exists()


@pytest.mark.parametrize("body", [[], {"stream_url": 5}, {"save_to_db": "no"}])
def test_what_is_no_configuration_is_a_400(api: Any, body: Any) -> None:
    assert put(api, body).status_code == 400


def test_the_schedule_starts_a_run_and_leaves_one_that_is_at_work(task: PeriodicTask) -> None:
    assert (task.task, str(task.crontab.timezone)) == (tasks.autobot.name, "Europe/Rome")
    assert (task.crontab.hour, task.crontab.minute) == ("20", "1")
    with time_machine.travel(EVENING):
        tasks.autobot()
        tasks.autobot()
    assert AutobotRun.objects.get().started_by == "schedule"


@pytest.mark.django_db(transaction=True)
def test_every_change_is_published_on_the_socket(published_events: PublishedEvents) -> None:
    with time_machine.travel(EVENING):
        run = read()
        services.end(run, LEADER, RunState.COMPLETED, "done")
    payloads = published_events.of("autobot_status")
    assert payloads == published_events
    assert [payloads[0]["status"], payloads[-1]["status"]] == ["capturing", "completed"]
    assert payloads[-1]["wheels_completed"] == len(WHEELS)
    assert payloads[0].keys() == STATUS_KEYS | ADDED_KEYS | {"type"}


# --- manage.py autobot ----------------------------------------------------------------------------


def command(*arguments: str) -> str:
    said = io.StringIO()
    call_command("autobot", *arguments, stdout=said)
    return said.getvalue()


def test_command_starts_reports_and_stops() -> None:
    assert "started" in command("start", "--no-auto-upload", "--extraordinary")
    run = AutobotRun.objects.get()
    assert (run.auto_upload, run.save_to_db, run.is_extraordinary) == (False, True, True)
    with pytest.raises(CommandError, match="capturing"):
        command("start")
    assert "capturing: 0/11" in command("status")
    assert "stopped" in command("stop")
    assert "idle" in command("stop")
    assert run.day != DAY
