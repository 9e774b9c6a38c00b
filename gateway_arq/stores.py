"""Whether the stores that DATABASE_URL and REDIS_URL name answer, asked before anything starts."""

from __future__ import annotations

from typing import Final

WAIT_S: Final = 3
POSTGRES: Final = ("postgres", "postgresql", "psql", "pgsql")
REDIS: Final = ("redis", "rediss", "unix")


class StoreUnusable(Exception):
    """A sentence that says which store is unusable and why, without its password."""


def check_database(url: str) -> None:
    """Raises StoreUnusable unless a PostgreSQL at `url` lets us in; '' is SQLite, and fine."""
    if not url:
        return
    import environ  # late, as psycopg: seldom needed
    import psycopg

    _check_scheme("DATABASE_URL", url, POSTGRES, "postgres://user:password@host:5432/name")
    try:
        place = environ.Env.db_url_config(url)
        psycopg.connect(
            host=place["HOST"] or None,
            port=place["PORT"] or None,
            user=place["USER"] or None,
            password=place["PASSWORD"] or None,
            dbname=place["NAME"] or None,
            connect_timeout=WAIT_S,
        ).close()
    except (psycopg.Error, ValueError, OSError) as exc:
        raise StoreUnusable(
            f"DATABASE_URL: {_reason(exc)}. Start PostgreSQL, correct the address, or leave it "
            "empty: SQLite needs no server."
        ) from None


def check_redis(url: str) -> None:
    """Raises StoreUnusable unless a Redis at `url` lets us in; '' is none, and fine."""
    if not url:
        return
    import redis

    _check_scheme("REDIS_URL", url, REDIS, "redis://host:6379/0")
    try:
        with redis.Redis.from_url(url, socket_timeout=WAIT_S, socket_connect_timeout=WAIT_S) as it:
            it.ping()
    except (redis.RedisError, ValueError, OSError) as exc:
        raise StoreUnusable(
            f"REDIS_URL: {_reason(exc)}. Start Redis, correct the address, or leave it empty: one "
            "process needs none."
        ) from None


def _check_scheme(name: str, url: str, known: tuple[str, ...], example: str) -> None:
    if url.partition("://")[0].lower() not in known:
        raise StoreUnusable(f"{name} is no address of a kind that is used here. Write {example}.")


def _reason(error: Exception) -> str:
    """The first line of what the client library says; what follows are guesses."""
    line = str(error).strip().partition("\n")[0]
    return (line or type(error).__name__).rstrip(".:")[:200]
