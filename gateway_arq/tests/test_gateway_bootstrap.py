"""The first steps of `make run`, without starting anything."""

from __future__ import annotations

import ast
import os
import re
import socket
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from datetime import time
from pathlib import Path
from unittest import mock

import pytest
from django.core.exceptions import ImproperlyConfigured

from centralino.services.servers import NAMES
from gateway_arq import bootstrap, env
from ocr.clients.stream.fetch import NAMES as STREAM_NAMES
from webtv.streams import NAMES as WEBTV_NAMES

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / ".env.example"
ONLY_COMPOSE = {
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "GATEWAY_TAG",
    "HTTP_PORT",
    "HTTPS_PORT",
    "TLS_DIR",
    "TLS_NAME",
    "ACME_DIR",
    "BACKUP_FOLDER",
    "COMPOSE_FILE",
    "BALANCER_NETWORKS",
    "PYTHON_IMAGE",
    "NGINX_IMAGE",
    "POSTGRES_IMAGE",
    "REDIS_IMAGE",
}


@pytest.fixture
def environment() -> Iterator[MutableMapping[str, str]]:
    with mock.patch.dict(os.environ):
        yield os.environ


def listed_names() -> list[str]:
    return re.findall(r"(?m)^(?:# )?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text())


def read_names() -> set[str]:
    tree = ast.parse((ROOT / "gateway_arq" / "settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        call.args[0].value
        for call in calls
        if ast.unparse(call.func).startswith("env.")
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def test_env_example_lists_every_setting_once_and_nothing_else():
    names = listed_names()
    assert len(names) == len(set(names))
    groups = {"API_KEY_", "ASTERISK_", "OCR_STREAM_", "OCR_WITNESS_", "WEBTV_"}
    single = read_names() - groups - {"DOTENV"}
    numbered = {"API_KEY_1", "API_KEY_2", "API_KEY_3", *(f"ASTERISK_1_{name}" for name in NAMES)}
    numbered |= {f"WEBTV_1_{name}" for name in WEBTV_NAMES}
    numbered |= {f"OCR_STREAM_1_{name}" for name in STREAM_NAMES}
    numbered |= {f"OCR_WITNESS_1_{name}" for name in ("NAME", "URL", "PATTERN")}
    assert set(names) - ONLY_COMPOSE == single | numbered


def test_env_example_shows_the_defaults_that_the_settings_have():
    shown = dict(re.findall(r"(?m)^# ([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE.read_text()))
    text = (ROOT / "gateway_arq" / "settings.py").read_text()
    defaults = re.findall(
        r'env\.(?:integer|number|text|choice|items)\("(\w+)", ("?)([^",)]+)\2[,)]', text
    )
    for name, _, default in defaults:
        if name in shown and "*" not in default and name != "ALLOWED_HOSTS":
            plain = re.sub(r"(?<=\d)_(?=\d)", "", default)
            assert shown[name].replace(",", "") == plain.replace(",", ""), name
    assert len(defaults) > 15


def test_first_start_writes_a_private_env_with_fresh_secrets(tmp_path):
    first, second = tmp_path / "a.env", tmp_path / "b.env"
    assert bootstrap.write_dotenv(first, EXAMPLE)
    assert bootstrap.write_dotenv(second, EXAMPLE)
    assert first.stat().st_mode & 0o777 == 0o600
    read = [
        dict(re.findall(r"(?m)^([A-Z]\w*)=(.*)$", path.read_text())) for path in (first, second)
    ]
    assert len(read[0]["SECRET_KEY"]) >= 50
    assert len({read[0][f"API_KEY_{n}"] for n in (1, 2, 3)}) == 3
    for name in ("SECRET_KEY", "API_KEY_1", "WEBCOM_TOKEN", "WEBCOM_WEBHOOK_SECRET"):
        assert read[0][name] != read[1][name]
    assert "" not in read[0].values()


def test_an_existing_env_is_never_touched(tmp_path):
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=mine\n")
    assert not bootstrap.write_dotenv(path, EXAMPLE)
    assert path.read_text() == "SECRET_KEY=mine\n"
    assert [entry.name for entry in tmp_path.iterdir()] == [".env"]


def test_a_read_only_folder_is_reported(tmp_path):
    with pytest.raises(bootstrap.CannotStart, match="cannot be written"):
        bootstrap.write_dotenv(tmp_path / "missing" / ".env", EXAMPLE)


def test_filling_in_a_setting_that_the_example_lacks_is_an_error():
    with pytest.raises(KeyError, match="NEW_NAME"):
        bootstrap.filled("# PORT=8000\n", {"NEW_NAME": "1"})


def test_process_environment_beats_the_env_file(tmp_path, environment):
    path = tmp_path / ".env"
    path.write_text("PORT=9001\nHEARTBEAT_S=7\n")
    environment["PORT"] = "9002"
    env.load_dotenv(path)
    assert (env.integer("PORT", 8000), env.number("HEARTBEAT_S", 30)) == (9002, 7)


def test_a_time_of_day_is_read_or_refused(environment):
    environment.pop("LOTTO_DRAW_TIME", None)
    assert env.time_of_day("LOTTO_DRAW_TIME", "20:00") == time(20)
    environment["LOTTO_DRAW_TIME"] = "18:30"
    assert env.time_of_day("LOTTO_DRAW_TIME", "20:00") == time(18, 30)
    for odd in ("24:00", "8pm", "20:00:00", "20:60", "\u0662\u0660:00"):
        environment["LOTTO_DRAW_TIME"] = odd
        with pytest.raises(ImproperlyConfigured, match="a time as 20:00"):
            env.time_of_day("LOTTO_DRAW_TIME", "20:00")


def test_second_gateway_on_one_data_dir_is_refused(tmp_path):
    bootstrap.hold_data_dir(tmp_path / "var")
    with pytest.raises(
        bootstrap.CannotStart, match=rf"(?s)process {os.getpid()}\b.*DATA_DIR=./var2 make run"
    ):
        bootstrap.hold_data_dir(tmp_path / "var")


def test_a_data_dir_that_is_a_file_is_reported(tmp_path):
    (tmp_path / "var").write_text("")
    with pytest.raises(bootstrap.CannotStart, match="cannot be used"):
        bootstrap.hold_data_dir(tmp_path / "var")


def test_busy_port_is_found_and_the_next_free_one_chosen():
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert not bootstrap.is_free("127.0.0.1", taken)
        assert bootstrap.next_free_port("127.0.0.1", taken) > taken


def test_the_gateways_own_port_is_not_given_to_the_sandbox():
    free = bootstrap.next_free_port("127.0.0.1", 20_000)
    assert bootstrap.next_free_port("127.0.0.1", free, exclude=free) > free


@pytest.fixture
def stranger() -> Iterator[int]:
    """The port of a server that speaks neither PostgreSQL's language nor Redis's."""

    def answer(server: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = server.accept()
                with client:
                    client.recv(100)
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
@pytest.mark.parametrize(
    "place",
    ["://127.0.0.1:1/0", "://u:sekret@127.0.0.1:{stranger}/0", "://127.0.0.1:many/0"],
    ids=["nobody", "stranger", "no port"],
)
def test_a_store_that_is_not_there_ends_the_start_with_a_sentence(
    environment, stranger, name, place
):
    scheme = {"DATABASE_URL": "postgres", "REDIS_URL": "redis"}[name]
    environment[name] = scheme + place.format(stranger=stranger)
    with pytest.raises(bootstrap.CannotStart) as refusal:
        bootstrap.check_stores()
    text = str(refusal.value)
    assert re.fullmatch(rf"{name}: \S.*\. Start .*, or leave it empty: .* needs \w+\w.*\.", text)
    assert "sekret" not in text


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "mysql://u:sekret@127.0.0.1/x"),
        ("DATABASE_URL", "sqlite:///var/x"),
        ("DATABASE_URL", "sekret"),
        ("REDIS_URL", "http://127.0.0.1/"),
        ("REDIS_URL", "sekret"),
    ],
)
def test_a_store_of_another_kind_is_refused(environment, name, url):
    environment[name] = url
    with pytest.raises(bootstrap.CannotStart, match=f"^{name} is no address") as refusal:
        bootstrap.check_stores()
    assert "sekret" not in str(refusal.value)


def test_no_store_is_fine(environment):
    environment.update(DATABASE_URL="", REDIS_URL="")
    bootstrap.check_stores()


def test_the_stores_of_the_full_profile_are_let_through(environment, postgres_url, redis_url):
    environment.update(DATABASE_URL=postgres_url, REDIS_URL=redis_url)
    bootstrap.check_stores()


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [("127.0.0.1", 70_000, "no port 70000"), ("no such host", 8000, "is no address")],
)
def test_impossible_address_is_reported(host, port, message):
    with pytest.raises(bootstrap.CannotStart, match=message):
        bootstrap.is_free(host, port)


def test_sandbox_urls_follow_its_port_but_what_the_environment_gave_stays(environment):
    environment["WEBCOM_URL"] = "http://127.0.0.1:8100/webcom/v1"
    environment["WEBCOM_PUSH_URL"] = "ws://127.0.0.1:8100/webcom/v1/stream"
    environment["OCR_STREAM_URL"] = "http://127.0.0.1:8100/tv/live.m3u8"
    bootstrap.move_sandbox(8107, 8108, frozenset({"WEBCOM_PUSH_URL"}))
    assert environment["SANDBOX_PORT"] == "8107"
    assert environment["WEBCOM_URL"] == "http://127.0.0.1:8107/webcom/v1"
    assert environment["WEBCOM_PUSH_URL"] == "ws://127.0.0.1:8100/webcom/v1/stream"
    assert environment["OCR_STREAM_URL"] == "http://127.0.0.1:8107/tv/live.m3u8"


def test_a_real_carrier_in_env_is_not_replaced_by_the_sandbox(environment):
    environment["WEBCOM_URL"] = "https://carrier.example/webcom/v1"
    bootstrap.move_sandbox(8107, 8108, frozenset())
    assert environment["WEBCOM_URL"] == "https://carrier.example/webcom/v1"


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", "8108"), ("pbx.example", "5038")])
def test_only_the_sandboxs_switchboard_follows_its_port(environment, host, port):
    environment.update(ASTERISK_1_HOST=host, ASTERISK_1_AMI_PORT="5038")
    bootstrap.move_sandbox(8107, 8108, frozenset())
    assert environment["ASTERISK_1_AMI_PORT"] == port


def test_busy_gateway_port_ends_the_start_with_advice(tmp_path, processes):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = str(server.getsockname()[1])
        place = {"PORT": taken, "DATA_DIR": str(tmp_path), "DOTENV": str(tmp_path / ".env")}
        code = "from gateway_arq import bootstrap; bootstrap.prepare()"
        result = processes.run(sys.executable, "-c", code, env=os.environ | place)
    assert result.returncode == 1
    assert re.search(
        rf"Port {taken} is taken\. Choose another one:  PORT=\d+ make run", result.stderr
    )
    assert "Traceback" not in result.stderr
