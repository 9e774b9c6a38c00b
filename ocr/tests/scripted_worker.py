"""A worker as `manage.py run_autobot` is one, with a scripted reader and short pauses."""

from __future__ import annotations

from functools import partial

import django


def main() -> None:
    django.setup()
    from core.workers.listening import run_until_stopped
    from ocr.autobot.worker import run_autobot
    from ocr.tests.evenings import QUICK
    from ocr.tests.fakes import ScriptedReader

    run_until_stopped(partial(run_autobot, reader=ScriptedReader(), pace=QUICK))


if __name__ == "__main__":
    main()
