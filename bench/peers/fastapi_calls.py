"""Peer: the list endpoints in FastAPI with response models over asyncpg.

The key is checked, requests are counted in memory.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from pydantic import BaseModel

KEY = os.environ["API_KEY_1"]
hits: defaultdict[tuple[str, int], int] = defaultdict(int)


class CallRow(BaseModel):
    id: str
    lineID: str
    state: str
    direction: str
    caller: str
    called: str
    callerOperator: str
    cost: float
    duration: int
    lineNumber: str
    timestamp: int


class CallList(BaseModel):
    count: int
    calls: list[CallRow]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=4, max_size=4)
    yield
    await app.state.pool.close()


def known_caller(request: Request, x_api_key: Annotated[str, Header()] = "") -> None:
    if not compare_digest(x_api_key, KEY):
        raise HTTPException(401)
    window = (request.client.host if request.client else "", int(time.time() / 60))
    hits[window] += 1
    if hits[window] > 1_000_000_000:
        raise HTTPException(429)


app = FastAPI(lifespan=lifespan, dependencies=[Depends(known_caller)])


@app.get("/api/webcom/calls", response_model=CallList)
async def calls(request: Request, limit: Annotated[int, Query(ge=1, le=10_000)] = 50) -> Any:
    rows = await request.app.state.pool.fetch(
        'SELECT id, line_id AS "lineID", state, direction, caller, called,'
        ' caller_operator AS "callerOperator", coalesce(cost, 0)::float8 AS cost,'
        ' coalesce(duration_s, 0) AS duration, line_number AS "lineNumber",'
        " extract(epoch FROM started_at)::bigint AS timestamp FROM webcom_call WHERE stage < 80"
        " ORDER BY started_at DESC, id DESC LIMIT $1",
        limit,
    )
    return {"count": len(rows), "calls": [dict(row) for row in rows]}
