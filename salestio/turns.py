"""Turns: one lane may hold only a few of a worker's threads, and each only for a moment, so that nobody waits long.

Without this a merchant with a hundred thousand waiting orders takes every thread, because the sweeper rings a lane as
long as it has work. Who finds the lane's places taken goes away: those at work go on until nothing is due.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 2.0
"""After this long a turn ends and the lane rings again, behind everybody who rang meanwhile."""

_running: Counter[tuple[str, int, int]] = Counter()
_lock = threading.Lock()


@contextmanager
def turn(task: str, merchant_id: int, lane: int, *, most: int) -> Iterator[bool]:
    """Take one of the lane's `most` places in this process; yields False when all are taken."""
    key = (task, merchant_id, lane)
    with _lock:
        mine = _running[key] < most
        if mine:
            _running[key] += 1
    try:
        yield mine
    finally:
        if mine:
            with _lock:
                _running[key] -= 1
                if not _running[key]:
                    del _running[key]
