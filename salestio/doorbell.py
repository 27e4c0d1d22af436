"""Doorbells: tell a worker that a lane has work. Losing one costs seconds; ringing twice costs nothing.

A ring is sent after the commit. A Redis key spares doubles; the drain forgets it when it begins, so work that appears
during a drain rings again. When Redis is away the sweeper of the worker finds the lane by itself.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


@cache
def client() -> redis.Redis:
    """Return the process's Redis client."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, health_check_interval=30
    )


def _key(task: str, args: tuple[int, ...]) -> str:
    return f"ring:{task}:{':'.join(map(str, args))}"


def ring(task: str, *args: int) -> None:
    """Ring after the commit. Takes the task's name and ids only; never raises for a broker that is away."""
    transaction.on_commit(lambda: ring_now(task, *args), robust=True)


def ring_now(task: str, *args: int) -> bool:
    """Ring at once; return False when it was rung a moment ago or the broker is away."""
    from salestio.celery import app

    try:
        life = max(int(settings.TIMES.ring_once * 1000), 50)
        if not client().set(_key(task, args), b"1", nx=True, px=life):
            return False
        app.send_task(task, args=list(args), retry=False)
    except (redis.RedisError, OSError, OperationalError) as error:
        log.warning(
            "doorbell lost, the sweeper will find the work", extra={"doorbell": task, "error": type(error).__name__}
        )
        return False
    return True


def answered(task: str, *args: int) -> None:
    """Forget the ring: from now on a new one is let through. Called by a drain before it looks for work."""
    try:
        client().delete(_key(task, args))
    except (redis.RedisError, OSError) as error:
        log.warning("doorbell could not be reset", extra={"doorbell": task, "error": type(error).__name__})


def broker_is_up() -> bool:
    """Say whether Redis answers."""
    try:
        return bool(client().ping())
    except (redis.RedisError, OSError):
        return False


def forget_client(**_: Any) -> None:
    """Drop the client, for tests that restart the broker."""
    client.cache_clear()
