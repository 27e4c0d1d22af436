"""Hear marketplaces: long-poll their queues, store each message with its order in one transaction, ring.

A process of its own, one thread a queue. A message is deleted only after the commit; repeated ones are absorbed by the
inbox's unique key. Push is a hint: the order is read again, and the sweep goes on without it.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections

from accounts import connections
from connectors.contract.errors import ConnectorError
from orders import hearing
from salestio import fingerprint, sweep

log = logging.getLogger(__name__)
LOOKS_ON = 30.0
"""Seconds between looks whether this installation may empty queues again."""


def listen(platform: str, stop: threading.Event) -> None:
    """Long-poll one platform's queue until told to stop; any failure waits a moment and goes on."""
    queue = connections.queue(platform)
    if queue is None:
        log.info("no notification queue is configured; orders come by sweep only", extra={"platform": platform})
        stop.wait()
        return
    read = connections.hint_reader(platform)
    failures = 0
    while not stop.is_set():
        try:
            if _only_looks_on():
                stop.wait(LOOKS_ON)
                continue
            messages = queue.receive()
            if messages:
                take(platform, messages, read)
                queue.delete([message.receipt for message in messages])
            failures = 0
        except (ConnectorError, DatabaseError, InterfaceError) as error:
            failures += 1
            log.warning("the listener could not hear", extra={"platform": platform, "error": type(error).__name__})
            stop.wait(min(0.5 * 2**failures, 15.0))
        finally:
            close_old_connections()


def _only_looks_on() -> bool:
    """Say whether this installation is read-only: emptying a queue would take its messages from the one they are for."""
    return settings.READ_ONLY or fingerprint.elsewhere() is not None


def take(platform: str, messages: list[Any], read: Any) -> int:
    """Store these messages' hints; return how many were new. One that cannot be read is logged and dropped."""
    taken = 0
    for message in messages:
        try:
            hint = read(message.body)
        except (KeyError, TypeError, ValueError) as error:
            log.warning("a message could not be read", extra={"platform": platform, "error": type(error).__name__})
            continue
        if hint is not None:
            taken += hearing.hear(
                platform=platform, seller_key=hint.seller_key, message_id=hint.message_id, order_ids=[hint.order_id],
                at=hint.at,
                hint={"status": hint.status.value if hint.status else "", "lines": [list(line) for line in hint.lines]},
            )  # fmt: skip
    return taken


def run(platforms: list[str], stop: threading.Event) -> None:
    """Listen to all these platforms, one thread each, until told to stop; writes a heartbeat."""
    threads = [
        threading.Thread(target=listen, args=(name, stop), name=f"listen-{name}", daemon=True) for name in platforms
    ]
    for thread in threads:
        thread.start()
    while not stop.wait(10.0):
        try:
            sweep.beat("listener", threads=sum(thread.is_alive() for thread in threads))
        except (DatabaseError, InterfaceError) as error:
            log.warning("the listener's heartbeat found no database", extra={"error": type(error).__name__})
        finally:
            close_old_connections()
    for thread in threads:
        thread.join(timeout=1.0)
