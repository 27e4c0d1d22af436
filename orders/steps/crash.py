"""Named points where the test suite kills the worker, to see that nothing is lost or doubled (RELIABILITY F1)."""

from __future__ import annotations

import os
import signal

from django.conf import settings

POINTS = (
    "after_claim_commit",
    "after_sending_commit",
    "before_call",
    "after_call",
    "before_created_commit",
    "after_created_commit",
    "after_unknown_commit",
    "after_lookup",
    "after_page_commit",
    "before_page_commit",
)


def crash_here(point: str) -> None:
    """Kill this process, as `kill -9` would, when SALESTIO_CRASH_AT names the point; never in production."""
    if settings.MODE != "production" and os.environ.get("SALESTIO_CRASH_AT") == point:
        flag = os.environ.get("SALESTIO_CRASH_ONCE", "")
        if flag:
            try:
                os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
        os.kill(os.getpid(), signal.SIGKILL)
