"""Peer: the archive's endpoints in FastAPI with response models over asyncpg, the same queries.

The key is checked; requests are counted in memory, or with PEER_REDIS there, as ours are.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from typing import Annotated, Any

import redis.asyncio
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel

from bench.peers.fastapi_calls import known_caller, lifespan

SHARED = redis.asyncio.Redis.from_url(url) if (url := os.environ.get("PEER_REDIS")) else None
NUMBERS = "n1, n2, n3, n4, n5"
Wheels = dict[str, list[int]]


class ArchiveStats(BaseModel):
    total_records: int
    unique_dates: int
    first_date: str
    last_date: str
    by_wheel: dict[str, int]


class DayWheels(BaseModel):
    date: str
    wheels: Wheels


class Latest(BaseModel):
    dates: list[DayWheels]


class DayFound(DayWheels):
    success: bool
    timestamp: datetime


class DrawRow(BaseModel):
    data: str
    ruota: str
    numeri: list[int]


class Range(BaseModel):
    success: bool
    count: int
    total: int
    results: list[DrawRow]
    timestamp: datetime


async def counted(request: Request) -> None:
    if SHARED is None:
        return
    key = f"peer:{request.client.host if request.client else ''}:{int(time.time() / 60)}"
    async with SHARED.pipeline(transaction=False) as pipe:
        hits, _ = await pipe.incr(key).expire(key, 120).execute()
    if hits > 1_000_000_000:
        raise HTTPException(429)


app = FastAPI(lifespan=lifespan, dependencies=[Depends(known_caller), Depends(counted)])


def format_day(day: date) -> str:
    return f"{day:%Y/%m/%d}"


@app.get("/api/lotto/stats", response_model=ArchiveStats)
async def stats(request: Request) -> Any:
    async with request.app.state.pool.acquire() as connection:
        whole = await connection.fetchrow(
            "SELECT count(*) AS draws, count(DISTINCT day) AS days, min(day), max(day)"
            " FROM lotto_extraction"
        )
        counts = await connection.fetch(
            "SELECT wheel, count(*) FROM lotto_extraction GROUP BY wheel ORDER BY wheel"
        )
    return {
        "total_records": whole["draws"],
        "unique_dates": whole["days"],
        "first_date": format_day(whole["min"]),
        "last_date": format_day(whole["max"]),
        "by_wheel": dict(counts),
    }


@app.get("/api/lotto/latest", response_model=Latest)
async def latest(request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 10) -> Any:
    rows = await request.app.state.pool.fetch(
        f"SELECT day, wheel, {NUMBERS} FROM lotto_extraction WHERE day >= ("
        " SELECT min(day) FROM (SELECT DISTINCT day FROM lotto_extraction"
        " ORDER BY day DESC LIMIT $1) AS newest) ORDER BY day DESC, wheel",
        limit,
    )
    days: dict[date, Wheels] = {}
    for day, wheel, *numbers in rows:
        days.setdefault(day, {})[wheel] = numbers
    return {"dates": [{"date": format_day(day), "wheels": wheels} for day, wheels in days.items()]}


@app.get("/api/lotto/date/{year}/{month}/{day}", response_model=DayFound)
async def on(request: Request, year: int, month: int, day: int) -> Any:
    drawn_on = date(year, month, day)
    rows = await request.app.state.pool.fetch(
        f"SELECT wheel, {NUMBERS} FROM lotto_extraction WHERE day = $1 ORDER BY wheel", drawn_on
    )
    wheels = {wheel: numbers for wheel, *numbers in rows}
    return {
        "success": True, "date": format_day(drawn_on), "wheels": wheels,
        "timestamp": datetime.now(UTC),
    }  # fmt: skip


@app.get("/api/lotto/range", response_model=Range)
async def between(
    request: Request,
    from_date: str,
    to_date: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Any:
    first, last = (date.fromisoformat(text.replace("/", "-")) for text in (from_date, to_date))
    async with request.app.state.pool.acquire() as connection:
        total = await connection.fetchval(
            "SELECT count(*) FROM lotto_extraction WHERE day BETWEEN $1 AND $2", first, last
        )
        rows = await connection.fetch(
            f"SELECT day, wheel, {NUMBERS} FROM lotto_extraction WHERE day BETWEEN $1 AND $2"
            " ORDER BY day, wheel LIMIT $3 OFFSET $4",
            first, last, limit, offset,
        )  # fmt: skip
    results = [
        {"data": format_day(day), "ruota": wheel, "numeri": numbers}
        for day, wheel, *numbers in rows
    ]
    return {
        "success": True, "count": len(results), "total": total, "results": results,
        "timestamp": datetime.now(UTC),
    }  # fmt: skip
