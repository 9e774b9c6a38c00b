"""The faults: each a function that does it and undoes it. docs/architecture.md has the promises."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import requests

from drills.profile import LISTENERS, FullProfile
from drills.programs import Program, wait_until
from drills.stores import POSTGRES_HOST

SHORT_S: Final = 8.0
OUTAGE_S: Final = 20.0
AWAY_S: Final = 60.0
LOCKED_S: Final = 60.0
FROZEN_LISTENER_S: Final = 150.0
START_WITHIN_S: Final = 60.0
TERMINATE: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_addr IS NOT NULL"
)

Fault = Callable[[FullProfile], None]


@dataclass(frozen=True)
class Drill:
    """A fault by its name; a cheap one is repeated."""

    name: str
    inflict: Fault
    is_cheap: bool


DRILLS: Final[dict[str, Drill]] = {}


def drill(name: str, *, cheap: bool = False) -> Callable[[Fault], Fault]:
    def register(fault: Fault) -> Fault:
        DRILLS[name] = Drill(name, fault, cheap)
        return fault

    return register


# --- Processes ------------------------------------------------------------------------------------


def _one(world: FullProfile, service: str) -> Program:
    """The replica that works: of listeners the active one."""
    active = world.active(service) if service in LISTENERS else []
    return (active or world.replicas(service) or [world.programs[service]])[0]


def _kill(world: FullProfile, service: str) -> None:
    _one(world, service).kill()


for _service in (
    "http",
    "sockets",
    "worker",
    "beat",
    "listeners",
    "ami",
    "screening",
    "webtv",
    "autobot",
    "proxy",
):
    drill(f"{_service}-killed", cheap=True)(partial(_kill, service=_service))


@drill("worker-child-killed", cheap=True)
def kill_worker_child(world: FullProfile) -> None:
    _kill_child(_one(world, "worker"))


@drill("http-child-killed", cheap=True)
def kill_http_child(world: FullProfile) -> None:
    _kill_child(_one(world, "http"))


def _kill_child(program: Program) -> None:
    os.kill(max(pid for pid in program.group() if pid != program.pid), signal.SIGKILL)


@drill("listener-frozen")
def freeze_listener(world: FullProfile) -> None:
    frozen = [_one(world, service) for service in LISTENERS]
    for program in frozen:
        program.pause()
    time.sleep(FROZEN_LISTENER_S)
    for program in frozen:
        program.resume()
    time.sleep(SHORT_S)  # for a late one to do harm


@drill("all-stopped", cheap=True)
def stop_all(world: FullProfile) -> None:
    """SIGTERM to each service; then everything starts again."""
    for program in world.ours:
        os.kill(program.pid, signal.SIGTERM)
    wait_until(world.is_healthy, within_s=START_WITHIN_S, what="/health")


@drill("rolling-update")
def update(world: FullProfile) -> None:
    """Each web server is replaced when the one before it answers, then workers and listeners."""
    for service in ("http", "sockets"):
        for program in world.replicas(service):
            program.stop()
            program.start()
            wait_until(
                lambda it=program: world.web_is_ready(it),
                within_s=START_WITHIN_S,
                what=program.name,
            )
            time.sleep(2)
    for service in ("worker", "beat", "webtv", "autobot", *LISTENERS):
        for program in world.replicas(service):
            program.stop()
            program.start()
    time.sleep(SHORT_S)


@drill("two-of-everything")
def run_two(world: FullProfile) -> None:
    with world.extra("worker", "beat", "webtv", "autobot", *LISTENERS):
        time.sleep(OUTAGE_S)


# --- Redis ----------------------------------------------------------------------------------------


@drill("redis-killed", cheap=True)
def kill_redis(world: FullProfile) -> None:
    world.redis.kill()
    wait_until(world.redis.responds, within_s=START_WITHIN_S, what="Redis")


@drill("redis-away")
def stop_redis(world: FullProfile) -> None:
    world.redis.stop()
    time.sleep(AWAY_S)
    world.redis.start()


@drill("redis-emptied", cheap=True)
def empty_redis(world: FullProfile) -> None:
    world.redis.client.flushall()


@drill("redis-frozen", cheap=True)
def freeze_redis(world: FullProfile) -> None:
    world.redis.pause()
    time.sleep(SHORT_S)
    world.redis.resume()


# --- PostgreSQL -----------------------------------------------------------------------------------


@drill("postgres-killed", cheap=True)
def kill_postgres(world: FullProfile) -> None:
    world.postgres.kill()
    wait_until(world.postgres.responds, within_s=START_WITHIN_S, what="PostgreSQL")


@drill("postgres-stopped")
def stop_postgres(world: FullProfile) -> None:
    world.postgres.stop(signal.SIGINT)
    time.sleep(AWAY_S)
    world.postgres.start()
    wait_until(world.postgres.responds, within_s=START_WITHIN_S, what="PostgreSQL")


@drill("postgres-frozen")
def freeze_postgres(world: FullProfile) -> None:
    world.postgres.pause()
    time.sleep(OUTAGE_S)
    world.postgres.resume()


@drill("postgres-blackholed")
def blackhole_postgres(world: FullProfile) -> None:
    """The network drops every packet to and from it."""
    rules = [f"INPUT -{way} {POSTGRES_HOST} -p tcp -j DROP" for way in "ds"]
    for rule in rules:
        _iptables("-A", rule)
    time.sleep(OUTAGE_S)
    for rule in rules:
        _iptables("-D", rule)


def _iptables(action: str, rule: str) -> None:
    if os.system(f"PATH=$PATH:/usr/sbin iptables -w {action} {rule}"):
        raise OSError(f"iptables {action} {rule}")


@drill("postgres-terminated", cheap=True)
def terminate_connections(world: FullProfile) -> None:
    world.postgres.run(TERMINATE)


@drill("postgres-full")
def refuse_connections(world: FullProfile) -> None:
    """Nobody of ours gets a connection: `too many connections` (53300)."""
    world.postgres.run("ALTER ROLE gateway CONNECTION LIMIT 0")
    world.postgres.run(TERMINATE)
    time.sleep(OUTAGE_S)
    world.postgres.run("ALTER ROLE gateway CONNECTION LIMIT -1")


@drill("table-locked")
def lock_table(world: FullProfile) -> None:
    with world.postgres.connected() as connection, connection.transaction():
        connection.execute("LOCK TABLE webcom_call")
        time.sleep(LOCKED_S)


@drill("disk-full")
def fill_disk(world: FullProfile) -> None:
    """PostgreSQL's disk has no room left, for data and for its log."""
    rest = world.postgres.disk / "rest"
    with rest.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(65_536))
            file.flush()
    time.sleep(OUTAGE_S)
    rest.unlink()
    wait_until(world.postgres.responds, within_s=START_WITHIN_S, what="PostgreSQL")


# --- The carrier ----------------------------------------------------------------------------------


@drill("carrier-down")
def drop_carrier(world: FullProfile) -> None:
    _upset(world, OUTAGE_S, kind="down")


@drill("carrier-frozen")
def freeze_carrier(world: FullProfile) -> None:
    world.sandbox.pause()
    time.sleep(OUTAGE_S)
    world.sandbox.resume()


@drill("carrier-slow")
def slow_carrier(world: FullProfile) -> None:
    _upset(world, OUTAGE_S, kind="slow", delay_s=15)


@drill("carrier-lying")
def lie(world: FullProfile) -> None:
    """Errors, pages, rubbish, halves, right JSON of wrong types: on the reads and on the push."""
    wrong = '{"calls": [{"id": 7, "state": []}], "cursor": 3, "more": "no", "lines": {}, "next": 1}'
    for fault in (
        {"kind": "answer", "status": 500},
        {"kind": "html"},
        {"kind": "rubbish"},
        {"kind": "half"},
        {"kind": "answer", "body": wrong},
        {"kind": "answer", "body": "[]"},
    ):
        world.sandboxed("stream", kind="frame", frame=wrong)
        _upset(world, 4, **fault)


def _upset(world: FullProfile, seconds: float, **fault: object) -> None:
    """Every route of the carrier meets the fault, and its push is cut."""
    routes = ("lines", "active", "call", "calls", "rebates", "stream")
    for route in routes:
        world.sandboxed("faults", route=f"webcom.{route}", times=0, **fault)
    with suppress(requests.RequestException):
        world.sandboxed("stream", kind="drop")
    time.sleep(seconds)
    world.sandboxed("faults")


# --- Clocks ---------------------------------------------------------------------------------------


def _shift_clock(world: FullProfile, service: str) -> None:
    """One process is an hour ahead for ten seconds."""
    program = _one(world, service)
    world.move_clock(program, 0)
    time.sleep(SHORT_S)
    world.move_clock(program, 3600)
    time.sleep(10)
    world.move_clock(program, 0)


for _service in ("worker", "listeners", "beat"):  # beat last: what it planned is stored
    drill(f"{_service}-clock-ahead")(partial(_shift_clock, service=_service))
