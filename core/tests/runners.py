"""Client code in other languages: many snippets in one process, as starting one each costs more."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway_arq.tests.gateway import ROOT, Processes

CLIENTS: Final = ROOT / "tests" / "clients"
ANSWER_TIMEOUT_S: Final = 30
END: Final = "--- end of the snippet, exit code"


class Ran(NamedTuple):
    """What a client left; `error` is empty when it ended well."""

    output: str
    error: str


class Runner:
    """Runs a snippet after the other, each of them given as its text."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, source: str) -> Ran:
        guard = threading.Timer(ANSWER_TIMEOUT_S, self._process.kill)
        guard.start()
        try:
            self._process.stdin.write(self._query(source))
            self._process.stdin.flush()
            return self._response()
        except BrokenPipeError:
            return Ran("", "the runner has ended")
        finally:
            guard.cancel()

    def _query(self, source: str) -> str:
        return json.dumps({"source": source}) + "\n"

    def _response(self) -> Ran:
        line = self._process.stdout.readline()
        return Ran(**json.loads(line)) if line else Ran("", "the runner gave no answer")


class Shell(Runner):
    """Runs scripts in subshells of one `sh`."""

    def _query(self, source: str) -> str:
        # eval, as in the shell itself what is no script would be the end of all.
        script = f"(set -e; eval {shlex.quote(source)}) </dev/null 2>&1"
        return f"{script}\nprintf '\\n%s %d\\n' '{END}' $?\n"

    def _response(self) -> Ran:
        output = ""
        for line in self._process.stdout:
            if line.startswith(END):
                code = line.removeprefix(END).strip()
                return Ran(output.strip(), "" if code == "0" else f"exit code {code}: {output}")
            output += line
        return Ran(output, "the shell gave no answer")


@contextmanager
def runner(processes: Processes, command: list[str], **env: str) -> Iterator[Runner]:
    """A runner that `command` starts, with this environment only."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with processes.running(*command, cwd=CLIENTS, env=env, **pipes) as process:
        yield (Shell if command == ["sh"] else Runner)(process)


def quiet_curl(folder: Path, *options: str) -> dict[str, str]:
    """The environment in which curl prints its answers and its errors, and nothing else."""
    (folder / ".curlrc").write_text("\n".join(("silent", "show-error", *options, "")))
    return {"CURL_HOME": str(folder), "HOME": str(folder)}
