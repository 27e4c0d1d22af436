"""What lives in every worker beside its tasks: a spare sweeper for when beat or Redis are away, and a watchdog.

Celery with Redis can sit connected and consume nothing (RELIABILITY 1.6); a process that is up proves nothing. The
watchdog ends this process when no heartbeat *task* ran for a while although database and broker answer; something
outside starts it again.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery.signals import beat_init, task_prerun, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from redis import RedisError

log = logging.getLogger(__name__)
_last_heartbeat = time.monotonic()
_stop = threading.Event()


@task_prerun.connect
def note_heartbeat(**_: Any) -> None:
    """Remember that a task began in this process just now."""
    global _last_heartbeat
    _last_heartbeat = time.monotonic()


@worker_ready.connect
def start(**_: Any) -> None:
    """Start the two threads when the worker takes work."""
    _stop.clear()
    note_heartbeat()
    threading.Thread(target=_watch, name="watchdog", daemon=True).start()
    threading.Thread(target=_sweep_when_needed, name="spare-sweeper", daemon=True).start()


@beat_init.connect
def show_beat(**_: Any) -> None:
    """In beat's process: keep a sign in Redis that it is there, for the workers' watchdogs."""

    def keep() -> None:
        from salestio import doorbell

        while True:
            try:
                doorbell.client().set("beat:alive", b"1", px=20000)
            except (RedisError, OSError) as error:
                log.warning("beat could not show that it is alive", extra={"error": type(error).__name__})
            time.sleep(5.0)

    threading.Thread(target=keep, name="beat-sign", daemon=True).start()


@worker_shutting_down.connect
def stop(**_: Any) -> None:
    """Let the threads end with the worker."""
    _stop.set()


def _watch() -> None:
    from salestio import doorbell

    while not _stop.wait(5.0):
        silent = time.monotonic() - _last_heartbeat
        if silent < settings.TIMES.heartbeat:
            continue
        if _database_answers() and doorbell.broker_is_up() and _beat_is_alive():
            log.critical(
                "no heartbeat task ran although database and broker answer; ending this worker",
                extra={"silent": silent},
            )
            os.kill(os.getpid(), signal.SIGKILL)


def _beat_is_alive() -> bool:
    """Say whether beat still rings: without it no heartbeat is sent, and this worker is not to blame."""
    from salestio import doorbell

    try:
        return bool(doorbell.client().exists("beat:alive"))
    except (RedisError, OSError):
        return False


def _database_answers() -> bool:
    from salestio import sweep

    try:
        sweep.silent_for("worker")
    except (DatabaseError, InterfaceError):
        return False
    finally:
        close_old_connections()
    return True


def _sweep_when_needed() -> None:
    """Sweep every five seconds while nobody else does; with the broker away do the work in threads of our own."""
    from salestio import doorbell, sweep

    pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="spare")
    running: set[tuple[str, int, int]] = set()
    while not _stop.wait(min(5.0, 2.5 * settings.TIMES.sweep)):
        try:
            silent = sweep.silent_for("sweep")
            up = doorbell.broker_is_up()
            if up and silent is not None and silent < 5 * settings.TIMES.sweep:
                continue
            if up:
                sweep.sweep()
                continue
            for lane in sweep.due_lanes():
                if lane not in running:
                    running.add(lane)
                    pool.submit(_do, lane, running)
            sweep.beat("sweep", spare=True)
        except (DatabaseError, InterfaceError) as error:
            log.warning("the spare sweeper found no database", extra={"error": type(error).__name__})
        finally:
            close_old_connections()


def _do(lane: tuple[str, int, int], running: set[tuple[str, int, int]]) -> None:
    """Run a lane's task in this thread, without the broker."""
    from salestio.celery import app

    task, merchant, target = lane
    try:
        app.tasks[task].run(merchant, target)
    except Exception:
        log.exception("a lane failed while the broker is away", extra={"doorbell": task})
    finally:
        running.discard(lane)
        close_old_connections()
