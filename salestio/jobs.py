"""Jobs of the hour and of the night. Each is a function on (merchant id, now); running one twice does no harm."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.timezone import now

from accounts.models import Merchant
from salestio import routes, tenancy
from salestio.models import SystemNote

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One job: the dotted name of its function, called for each merchant, and how often it runs."""

    name: str
    function: str
    every: timedelta
    words: str
    only: str = ""
    """A query for the merchants that have such work, where asking each of many thousand would be waste."""


_ALL = (
    Job("purge", "orders.jobs.purge", timedelta(hours=1), "Erase buyers whose time has come"),
    Job(
        "reconcile",
        "orders.jobs.reconcile",
        timedelta(days=1),
        "Check ledger, reservations and counts against each other",
    ),
    Job("recount", "orders.jobs.recount", timedelta(days=1), "Count orders by state again"),
    Job(
        "fold",
        "orders.jobs.fold",
        timedelta(seconds=30),
        "Add up the counts' single changes",
        "SELECT merchant_id FROM orders_ordertally GROUP BY 1 HAVING count(*) > 500",
    ),
    Job(
        "rates",
        "orders.jobs.rates",
        timedelta(hours=1),
        "Read the day's exchange rates and wake the orders that wait for one",
        """SELECT id FROM (SELECT id FROM accounts_merchant ORDER BY id LIMIT 1) first UNION
           SELECT merchant_id FROM orders_ordertally WHERE reason_code = 'NO_RATE' GROUP BY 1 HAVING sum(change) > 0""",
    ),
    Job(
        "shipped",
        "orders.jobs.shipped",
        timedelta(minutes=15),
        "Ask stores that take stock at shipping which orders have left",
        "SELECT merchant_id FROM accounts_store WHERE claims_stock = 'at_shipping' AND state = 'active' GROUP BY 1",
    ),
    Job("tidy", "orders.jobs.tidy", timedelta(hours=6), "Drop what is done and old"),
    Job("token-warnings", "accounts.jobs.token_warnings", timedelta(days=1), "Warn before a connection ends"),
    Job("check-connections", "accounts.checking.check_all", timedelta(days=1), "Look every connection over"),
    Job("refresh-tokens", "accounts.jobs.refresh_tokens", timedelta(minutes=2), "Refresh tokens ahead of time"),
    Job(
        "erase-uninstalled",
        "accounts.jobs.erase_uninstalled",
        timedelta(days=1),
        "Erase merchants after their grace period",
    ),
)
JOBS: dict[str, Job] = {job.name: job for job in _ALL}


def merchants(only: str = "") -> list[int]:
    """Return every merchant's id, or those a job's own query names."""
    with tenancy.unscoped("jobs"):
        if not only:
            return list(Merchant.objects.order_by("pk").values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(only)
            return [row[0] for row in cursor.fetchall()]


def run(name: str, *, at: datetime | None = None) -> dict[str, Any]:
    """Run one job for every merchant as if at that time (UTC); return its findings, merchant id → what it said.

    Raises KeyError for a name that is no job. A merchant whose run fails is logged and told; the others go on.
    """
    function: Callable[..., Any] = routes.resolve(JOBS[name].function)
    said: dict[str, Any] = {}
    for merchant_id in merchants(JOBS[name].only):
        try:
            result = function(merchant_id, at or now())
        except Exception as error:
            log.exception("a job failed", extra={"job": name, "merchant_id": merchant_id})
            result = {"failed": type(error).__name__}
        if result:
            said[str(merchant_id)] = result
    return said


def run_due() -> list[str]:
    """Run the jobs whose time has come; the note of the last run is claimed first, so two callers do it once."""
    done = []
    for job in _ALL:
        if _claim(job):
            run(job.name)
            done.append(job.name)
    return done


def _claim(job: Job) -> bool:
    SystemNote.objects.get_or_create(name=f"job:{job.name}", defaults={"value": {}})
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE salestio_systemnote SET value = jsonb_build_object('at', now()), updated_at = now()
               WHERE name = %s AND (NOT value ? 'at' OR (value ->> 'at')::timestamptz <= now() - make_interval(secs => %s))""",
            [f"job:{job.name}", job.every.total_seconds()],
        )
        return bool(cursor.rowcount)
