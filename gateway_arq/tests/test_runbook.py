"""docs/runbook.md: what it names exists, and what can run here is run as it stands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from django.core.management import get_commands, load_command_class
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gateway_arq import schedule
from gateway_arq.backup.models import Backup
from gateway_arq.backup.tests.places import Place
from gateway_arq.tests.gateway import Processes

ROOT: Final = Path(__file__).resolve().parents[2]
RUNBOOK: Final = (ROOT / "docs" / "runbook.md").read_text()
SERVICES: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
    "services"
]
STORES: Final = {"postgres", "redis", "proxy"}
# What runs for good and writes: all of ours, without what only runs once.
WRITERS: Final = {
    name for name, service in SERVICES.items() if name not in STORES and service["restart"] != "no"
}
BLOCKS: Final = re.findall(r"(?m)^((?:    .+\n)+)", RUNBOOK)
COMMANDS: Final = [line.strip() for block in BLOCKS for line in block.splitlines()]
COMMANDS.extend(re.findall(r"`((?:docker compose|manage\.py|\.venv/|bin/)[^`]*)`", RUNBOOK))
EXAMPLE: Final = set(
    re.findall(r"(?m)^(?:# ?)?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text())
)
COMPOSE_FILES: Final = "".join(
    (ROOT / name).read_text() for name in ("docker-compose.yml", "deploy/compose-tls.yml")
)


def section(title: str) -> str:
    return RUNBOOK.split(f"## {title}\n")[1].split("\n## ")[0]


def commands_of(program: str) -> list[list[str]]:
    """The words after `program`, of each command that has it."""
    found = []
    for command in COMMANDS:
        _, has, rest = command.partition(program)
        if has:
            rest = re.split(r"\s[<>|&;#]|\s<", f" {rest}")[0]
            found.append(shlex.split(rest))
    return found


def test_every_management_command_exists_and_knows_its_options() -> None:
    known = get_commands()
    found = [words for words in commands_of("manage.py ") if words]
    assert len(found) > 10
    for name, *arguments in found:
        assert name in known, name
        app = known[name]
        command = load_command_class(app, name) if isinstance(app, str) else app
        options = {text for action in command.create_parser("manage.py", name)._actions
                   for text in action.option_strings}  # fmt: skip
        for argument in arguments:
            if argument.startswith("--"):
                assert argument.partition("=")[0] in options, f"{name} {argument}"


def test_every_service_of_a_compose_command_exists() -> None:
    """`docker compose VERB [options] SERVICE ...`; exec and run have one, then its command."""
    found = commands_of("docker compose ")
    assert len(found) > 10
    for verb, *rest in (words for words in found if words):
        assert verb in {"build", "exec", "logs", "ps", "restart", "run", "start", "stop", "up"}, (
            verb
        )
        names = [word for word in rest if not word.startswith("-") and "=" not in word]
        names = names[:1] if verb in ("exec", "run") else names
        assert set(names) <= SERVICES.keys(), (verb, names)


def test_a_restore_stops_all_that_writes() -> None:
    [stopped] = re.findall(r"docker compose stop (.+)", section("Back up and restore"))
    assert set(stopped.split()) == WRITERS


def test_each_secret_names_the_services_that_know_it() -> None:
    """By the files that bin/split-env fills, and that docker-compose.yml gives out."""
    split = (ROOT / "bin" / "split-env").read_text()
    rules = re.findall(r'if \(\$1 ~ /(\S+)/\) name = "(\w+)"', split)
    rows = re.findall(r"(?m)^\| (`[A-Z].*?) \|.*\| (.+) \|$", section("Rotate keys"))
    assert len(rows) > 8
    for secrets, services in rows:
        for secret in re.findall(r"`([A-Z0-9_]+)`", secrets):
            file = next(
                (name for rule, name in reversed(rules) if re.search(rule, secret)), "common"
            )
            users = {
                name for name in WRITERS
                if f"env/{file}.env" in SERVICES[name]["env_file"]
                or f"${{{secret}:" in str(SERVICES[name]["environment"])
            }  # fmt: skip
            named = WRITERS if services == "all" else set(services.strip("`").split())
            assert named == users, secret


def test_every_setting_exists() -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`", RUNBOOK))
    named |= set(re.findall(r"(?m)^    ([A-Z][A-Z0-9_]*)=", RUNBOOK))
    assert len(named) > 20
    unknown = {
        name for name in named - EXAMPLE
        if name not in COMPOSE_FILES and not re.fullmatch(r"API_KEY_n|NAME_FILE", name)
    }  # fmt: skip
    assert unknown == set()


def test_every_file_and_heading_that_it_names_exists() -> None:
    for path in re.findall(r"`((?:bin|deploy|docs|gateway_arq|tests)/[\w./-]+)`", RUNBOOK):
        assert (ROOT / path).exists(), path
    for command in COMMANDS:
        if found := re.match(r"bin/[\w-]+", command):
            assert os.access(ROOT / found[0], os.X_OK), found[0]
    headings = {
        re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"(?m)^## (.+)$", RUNBOOK)
    }
    for link in re.findall(r"\]\(#([\w-]+)\)", RUNBOOK):
        assert link in headings, link
    for path in re.findall(r"\]\(((?!http|#)[^)#]+)", RUNBOOK):
        assert (ROOT / "docs" / path).exists(), path


def test_every_scheduled_task_exists() -> None:
    names = {job.name for job in schedule.SCHEDULE}
    for name in re.findall(r"\*Periodic\s+tasks\*, \*([^*]+)\*", RUNBOOK):
        assert name in names, name


@pytest.mark.django_db
def test_every_metric_is_one_of_ours(api: Any) -> None:
    Backup.objects.create(
        name="b", taken_at="2026-01-31T00:00:00Z", duration_s=1, size_bytes=1, rows=1,
        is_encrypted=False,
    )  # fmt: skip
    text = api.get("/metrics?format=prometheus").content.decode()
    ours = {sample.name for family in parse_text(text) for sample in family.samples}
    assert set(re.findall(r"gateway_arq_\w+", RUNBOOK)) - {"gateway_arq_backup"} <= ours


@pytest.mark.timeout(300)  # on a machine that is busy
def test_commands_of_an_embedded_backup_run_as_they_stand(
    processes: Processes, tmp_path: Path, migrated_data_dir: Path
) -> None:
    """In the order of the page; what serves (`make run`) is another test's."""
    (tmp_path / "var").mkdir()
    place = Place(tmp_path)
    shutil.rmtree(place.data)
    shutil.copytree(migrated_data_dir, place.data)
    ran: list[str] = []
    for line in re.findall(
        r"(?m)^    (\.venv/bin/python manage\.py .+)$", section("Back up and restore")
    ):
        backups = sorted((place.data / "backups").glob("*.gz")) if ran else []
        command = re.sub(r"var/backups/\S+", str(backups[-1]) if backups else "", line)
        command = command.replace(".venv/bin/python", sys.executable)
        command = command.replace("backup.key", str(tmp_path / "backup.key"))
        done = subprocess.run(
            shlex.split(command),
            cwd=ROOT,
            env=place.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
        ran.append(line)
    assert len(ran) == 4


DOCKER: Final = """#!/bin/sh
# Stands in for Docker: containers of http are files, `new-...` ones come from `up`.
echo "docker $*" >>log
case "$*" in
"compose ps --quiet http") ls containers ;;
"inspect"*) for id; do :; done; cat "containers/$id" ;;
"stop"*) : ;;
"rm"*) rm "containers/$2" ;;
"compose up"*) [ "$(ls containers | wc -l)" = 2 ] || echo "$NEXT" >"containers/new-$(wc -l <log)" ;;
esac
"""


def roll(folder: Path, processes: Processes, *, next_is: str) -> tuple[int, list[str]]:
    """Run bin/roll with two healthy containers; new ones are `next_is`."""
    (folder / "bin").mkdir()
    (folder / "containers").mkdir()
    shutil.copy(ROOT / "bin" / "roll", folder / "bin")
    for name in ("a", "b"):
        (folder / "containers" / name).write_text("healthy\n")
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    (folder / "sleep").write_text("#!/bin/sh\n")
    (folder / "sleep").chmod(0o755)
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "NEXT": next_is, "ROLL_WITHIN_S": "3"}
    done = processes.run("bin/roll", "http", cwd=folder, env=env)
    return done.returncode, (folder / "log").read_text().splitlines()


def test_roll_makes_one_anew_when_the_other_is_healthy(
    tmp_path: Path, processes: Processes
) -> None:
    code, log = roll(tmp_path, processes, next_is="healthy")
    assert code == 0
    assert not {path.name for path in (tmp_path / "containers").iterdir()} & {"a", "b"}
    acts = [line for line in log if re.match(r"docker (stop|rm|compose up)", line)]
    up = "docker compose up --detach --no-deps --no-recreate --scale http=2 http"
    assert acts == ["docker stop a", "docker rm a", up, "docker stop b", "docker rm b", up]


def test_roll_leaves_the_other_alone_when_the_new_one_is_not_healthy(
    tmp_path: Path, processes: Processes
) -> None:
    code, log = roll(tmp_path, processes, next_is="starting")
    assert code == 1
    assert "docker stop b" not in log
    assert (tmp_path / "containers" / "b").exists()
