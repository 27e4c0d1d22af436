"""No HTTP inside a transaction: a row lock held over a network call is what makes everybody wait (RELIABILITY 0.4)."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import connection

log = logging.getLogger(__name__)


class CallInsideTransaction(RuntimeError):
    """A platform call was about to leave while a database transaction was open. A programming error."""


def refuse_inside_transaction(platform: str, operation: str) -> None:
    """Raise when a transaction other than the test's own is open; in production it is logged and let through.

    Better a slow call than an order that cannot be sent: in production the log is the alarm.
    """
    open_blocks = [block for block in connection.atomic_blocks if not getattr(block, "_from_testcase", False)]
    if not open_blocks:
        return
    if settings.MODE == "production":
        log.error("a platform call inside a transaction", extra={"platform": platform, "operation": operation})
        return
    raise CallInsideTransaction(f"{platform} {operation} was called inside a transaction")


def install() -> None:
    """Let every platform call be counted and guarded; called where connectors are opened."""
    from connectors import http
    from salestio import metrics

    if metrics.observe not in http.observers:
        http.observers.append(metrics.observe)
    if refuse_inside_transaction not in http.before_call:
        http.before_call.append(refuse_inside_transaction)
