"""The full profile really runs on the services that it names."""

from __future__ import annotations

import environ
import pymysql
import pytest
from django.core.cache import cache
from django.db import connection
from redis import Redis


@pytest.mark.django_db
def test_full_profile_runs_on_a_postgresql_database_of_its_own(postgres_url):
    with connection.cursor() as cursor:
        cursor.execute("SELECT version(), current_database()")
        version, name = cursor.fetchone()
    assert version.startswith("PostgreSQL")
    assert name.startswith("test_gateway_")


def test_full_profile_counts_in_redis(redis_url):
    cache.set("seen", 1, timeout=5)
    with Redis.from_url(redis_url) as redis:
        assert any(b"seen" in key for key in redis.scan_iter())


def test_legacy_database_answers(legacy_database_url):
    place = environ.Env.db_url_config(legacy_database_url)
    legacy = pymysql.connect(
        host=place["HOST"],
        port=place["PORT"] or 3306,
        user=place["USER"],
        password=place["PASSWORD"],
    )
    with legacy, legacy.cursor() as cursor:
        cursor.execute("SELECT 1 + 1")
        assert cursor.fetchone() == (2,)
