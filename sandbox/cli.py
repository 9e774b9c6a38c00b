"""The sandbox as a process: `python -m sandbox`."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aiohttp import web

from sandbox import legacy, traffic
from sandbox.ami import AmiServer
from sandbox.app import CONTROL, build_app
from sandbox.ari import AriServer
from sandbox.cdn import CdnServer
from sandbox.faults import Faults
from sandbox.ledger import Ledger
from sandbox.lotto_site import LottoSiteServer
from sandbox.openrouter import OpenRouterServer
from sandbox.operator import LottoOperatorServer
from sandbox.push import PushStream, WebhookSender
from sandbox.switchboard import Switchboard, live_traffic
from sandbox.telegram import TelegramServer
from sandbox.televideo import TelevideoServer
from sandbox.television import TelevisionServer
from sandbox.webcom import PREFIX, WebcomServer

logger = logging.getLogger("sandbox")

HOST: Final = "127.0.0.1"  # never reachable from outside: anyone who reaches it may control it
PR_SET_PDEATHSIG: Final = 1
PBX_CALLS_PER_MINUTE: Final = 6


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Exit status 2 for a wrong argument, 1 for a port in use."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        webhook = _webhook(options.webhook_url)
    except ValueError as exc:
        parser.error(f"--webhook-url needs WEBCOM_WEBHOOK_SECRET: {exc}")
    try:
        asyncio.run(_serve(options, webhook))
    except OSError as exc:
        logger.error("sandbox.not_started port=%s error=%s", options.port, exc)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sandbox",
        description="The outside world of Gateway ARQ on 127.0.0.1, with invented data. "
        "Reads WEBCOM_TOKEN (empty: any token is accepted) "
        "and WEBCOM_WEBHOOK_SECRET from the environment.",
    )
    parser.add_argument("--port", type=int, default=8100, help="default: 8100; 0: a free one")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another world")
    parser.add_argument(
        "--calls-per-day", type=float, default=traffic.CALLS_PER_DAY, help="default: %(default)s"
    )
    parser.add_argument(
        "--ami-port",
        type=int,
        help="an Asterisk manager here, too; ASTERISK_1_AMI_USER and "
        "ASTERISK_1_AMI_SECRET may log in",
    )
    parser.add_argument(
        "--legacy-file", type=Path, help="keep the old database with the predictions in this file"
    )
    parser.add_argument("--webhook-url", default="", help="push to this address as well, signed")
    parser.add_argument(
        "--die-with-parent",
        type=int,
        nargs="?",
        const=os.getppid(),
        metavar="PID",
        help="stop when the starting process ends; "
        "with its PID, also when that happens during the start",
    )
    return parser


def _webhook(url: str) -> WebhookSender | None:
    return WebhookSender(url, os.environ.get("WEBCOM_WEBHOOK_SECRET", "")) if url else None


async def _serve(options: argparse.Namespace, webhook: WebhookSender | None) -> None:
    stopping, parent = asyncio.Event(), options.die_with_parent
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    orphaned = asyncio.create_task(_orphaned(stopping, parent)) if parent else None
    switchboard = Switchboard()
    runner = web.AppRunner(
        _app(options, webhook, switchboard),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=0.2,
    )
    await runner.setup()
    calls = await _calls(switchboard, options.ami_port) if options.ami_port else None
    predictions = (
        asyncio.create_task(legacy.keep_current(options.legacy_file))
        if options.legacy_file
        else None
    )
    try:
        site = web.TCPSite(runner, HOST, options.port)
        await site.start()
        address = f"{HOST}:{runner.addresses[0][1]}"
        logger.info(
            "sandbox.started data=invented webcom=http://%s push=ws://%s help=http://%s",
            *(address + PREFIX, f"{address}{PREFIX}/stream", address + CONTROL),
        )
        gc.freeze()  # the history stays, so the collector need not scan it again
        await stopping.wait()
    finally:
        if orphaned:
            orphaned.cancel()
        for task in (calls, predictions):
            if task:
                task.cancel()
        await runner.cleanup()


def _app(
    options: argparse.Namespace, webhook: WebhookSender | None, switchboard: Switchboard
) -> web.Application:
    carrier = WebcomServer(
        Ledger(now=time.time(), seed=options.seed, per_day=options.calls_per_day),
        token=os.environ.get("WEBCOM_TOKEN", ""),
        stream=PushStream(),
        webhook=webhook,
    )
    ari = AriServer(
        switchboard,
        user=os.environ.get("ASTERISK_1_ARI_USER", "anti-spam"),
        password=os.environ.get("ASTERISK_1_ARI_PASSWORD", ""),
    )
    others = [
        ari.upstream(),
        CdnServer().upstream(),
        LottoOperatorServer().upstream(),
        TelegramServer(token=os.environ.get("TELEGRAM_BOT_TOKEN", "")).upstream(),
        OpenRouterServer(key=os.environ.get("OPENROUTER_API_KEY", "")).upstream(),
        LottoSiteServer(
            user=os.environ.get("LOTTO_SITE_USER", ""),
            password=os.environ.get("LOTTO_SITE_PASSWORD", ""),
        ).upstream(),
        TelevisionServer().upstream(),
        TelevideoServer().upstream(),
    ]
    return build_app([carrier.upstream(), *others], Faults())


async def _calls(switchboard: Switchboard, port: int) -> asyncio.Task[None]:
    """An Asterisk manager with calls that come and go until the task is cancelled."""
    manager = AmiServer(
        switchboard,
        user=os.environ.get("ASTERISK_1_AMI_USER", "gateway"),
        secret=os.environ.get("ASTERISK_1_AMI_SECRET", ""),
    )
    await asyncio.start_server(manager.serve, HOST, port)
    return asyncio.create_task(
        live_traffic(switchboard, per_minute=PBX_CALLS_PER_MINUTE, clock=time.time)
    )


async def _orphaned(stopping: asyncio.Event, parent: int) -> None:
    """Set `stopping` when our parent has ended; on Linux SIGTERM comes at once as well."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    while os.getppid() == parent:
        await asyncio.sleep(1)
    stopping.set()
