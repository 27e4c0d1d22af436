"""What is measured, in Prometheus's text format. Numbers come from the database, so that every process is in them.

Platform calls are counted in memory by each process and added to one row a (platform, operation, status) every ten
seconds; the rest is read when somebody asks.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import defaultdict

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.http import HttpRequest, HttpResponse

from salestio import tenancy

log = logging.getLogger(__name__)
FLUSH_SECONDS = 10.0

_counts: dict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0, 0.0])
_lock = threading.Lock()
_flusher: threading.Thread | None = None


def observe(platform: str, operation: str, status: str, seconds: float) -> None:
    """Count one platform call; `connectors.http.observers` holds this."""
    global _flusher
    with _lock:
        entry = _counts[platform, operation, str(status)]
        entry[0] += 1
        entry[1] += seconds
        # Tests flush by hand: a thread of its own would outlive the test's database.
        if settings.MODE != "test" and (_flusher is None or not _flusher.is_alive()):
            _flusher = threading.Thread(target=_flush_for_ever, name="metrics", daemon=True)
            _flusher.start()


def _flush_for_ever() -> None:
    stop = threading.Event()
    while not stop.wait(FLUSH_SECONDS):
        flush()
        close_old_connections()


def flush() -> None:
    """Add what this process counted to the rows; what could not be saved stays counted for the next time."""
    with _lock:
        taken = dict(_counts)
        _counts.clear()
    if not taken:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO salestio_callcount AS c (platform, operation, status, calls, seconds)
                   SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::float8[])
                   ON CONFLICT (platform, operation, status)
                   DO UPDATE SET calls = c.calls + EXCLUDED.calls, seconds = c.seconds + EXCLUDED.seconds""",
                [
                    *(list(column) for column in zip(*sorted(taken), strict=True)),
                    [int(taken[key][0]) for key in sorted(taken)],
                    [taken[key][1] for key in sorted(taken)],
                ],
            )
    except (DatabaseError, InterfaceError) as error:
        log.warning("call counts could not be saved", extra={"error": type(error).__name__})
        with _lock:
            for key, (calls, seconds) in taken.items():
                _counts[key][0] += calls
                _counts[key][1] += seconds


atexit.register(lambda: _counts.clear())

GAUGES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        "salestio_orders", "Orders by export state and reason", ("state", "reason"),
        "SELECT export_state, reason_code, sum(change) FROM orders_ordertally GROUP BY 1, 2 HAVING sum(change) <> 0",
    ),
    (
        "salestio_orders_oldest_open_seconds", "Age of the oldest order in a state that must move", ("state",),
        """SELECT export_state, extract(epoch FROM now() - min(state_since)) FROM orders_order
           WHERE export_state IN ('waiting', 'sending', 'unknown') GROUP BY 1""",
    ),
    (
        "salestio_orders_due", "Orders due now and not leased", (),
        """SELECT count(*) FROM orders_order WHERE export_state IN ('imported', 'waiting', 'sending', 'unknown')
           AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now())""",
    ),
    (
        "salestio_outbox", "Outbox rows that are not done", ("state",),
        "SELECT state, count(*) FROM outbox_outboxrow WHERE state <> 'done' GROUP BY 1",
    ),
    (
        "salestio_outbox_oldest_seconds", "Age of the oldest pending outbox row", (),
        """SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM outbox_outboxrow
           WHERE state IN ('pending', 'leased')""",
    ),
    (
        "salestio_inbox_waiting", "Messages not acted on yet", (),
        "SELECT count(*) FROM inbox_inboxrow WHERE done_at IS NULL",
    ),
    (
        "salestio_oversold_units", "Units promised beyond the store's figures", (),
        """SELECT coalesce(sum(-free), 0) FROM (
               SELECT sum(s.figure) - sum(s.reserved) AS free FROM inventory_stock s
               JOIN inventory_variant v ON v.id = s.variant_id AND v.tracked AND NOT v.oversell_allowed
               GROUP BY s.variant_id HAVING sum(s.figure) - sum(s.reserved) < 0) AS short""",
    ),
    (
        "salestio_connections", "Stores and accounts by state", ("kind", "state"),
        """SELECT 'store', state, count(*) FROM accounts_store GROUP BY 2
           UNION ALL SELECT 'account', state, count(*) FROM accounts_marketplaceaccount GROUP BY 2""",
    ),
    (
        "salestio_pull_lag_seconds", "Longest time since an active account was last read", (),
        """SELECT coalesce(max(extract(epoch FROM now() - coalesce(last_pull_at, connected_at))), 0)
           FROM accounts_marketplaceaccount WHERE state = 'active'""",
    ),
    (
        "salestio_heartbeat_age_seconds", "Seconds since each part's last sign of work", ("part",),
        "SELECT name, extract(epoch FROM now() - at) FROM salestio_heartbeat",
    ),
)  # fmt: skip
"""(name, help, labels, query): the last column of the query is the value."""


def _escaped(text: object) -> str:
    return str(text).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def text() -> str:
    """Return all metrics; needs no scope."""
    lines: list[str] = []
    with tenancy.unscoped("metrics"), connection.cursor() as cursor:
        for name, help_text, labels, query in GAUGES:
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
            cursor.execute(query)
            for *values, number in cursor.fetchall():
                shown = ",".join(f'{label}="{_escaped(value)}"' for label, value in zip(labels, values, strict=True))
                lines.append(f"{name}{{{shown}}} {float(number):g}" if shown else f"{name} {float(number):g}")
        cursor.execute("SELECT platform, operation, status, calls, seconds FROM salestio_callcount ORDER BY 1, 2, 3")
        rows = cursor.fetchall()
    for name, help_text, column in (
        ("salestio_api_calls_total", "Platform calls by outcome", 3),
        ("salestio_api_seconds_total", "Seconds spent in platform calls", 4),
    ):
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} counter"]
        for row in rows:
            labels_text = ",".join(
                f'{label}="{_escaped(value)}"'
                for label, value in zip(("platform", "operation", "status"), row, strict=False)
            )
            lines.append(f"{name}{{{labels_text}}} {float(row[column]):g}")
    return "\n".join(lines) + "\n"


def view(request: HttpRequest) -> HttpResponse:
    """Answer /metrics; no merchant's data is in it, only sums over all."""
    return HttpResponse(text(), content_type="text/plain; version=0.0.4; charset=utf-8")
