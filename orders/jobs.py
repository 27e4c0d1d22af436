"""Nightly and hourly work on a merchant's orders; every function takes (merchant id, now) and returns what it found."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Store
from connectors.contract.errors import ConnectorError
from inventory import ledger, mapping_files
from notifications import alerts
from orders import bulk, counts, inbox, personal, waking
from orders import rates as exchange_rates
from salestio import tenancy
from salestio.inbox.models import InboxRow
from salestio.outbox.models import OutboxRow

log = logging.getLogger(__name__)


def purge(merchant_id: int, at: datetime) -> dict[str, Any]:
    """Erase buyers whose time has come."""
    erased = personal.purge(merchant_id, at=at)
    return {"erased": erased} if erased else {}


def reconcile(merchant_id: int, at: datetime) -> dict[str, Any]:
    """Check that ledger, reservations and stock rows say the same; a difference is an alert."""
    with tenancy.scope(merchant_id):
        wrong = ledger.check()
        if wrong:
            alerts.raise_alert(
                kind="ledger_differs", key="ledger", data={"text": "; ".join(map(str, wrong[:5])), "count": len(wrong)}
            )
        else:
            alerts.close(kind="ledger_differs", key="ledger")
    return {"differences": [str(one) for one in wrong]} if wrong else {}


def recount(merchant_id: int, at: datetime) -> dict[str, Any]:
    """Count orders by state again."""
    return counts.recount(merchant_id)


def fold(merchant_id: int, at: datetime) -> dict[str, Any]:
    """Add up the counts' single changes."""
    counts.fold(merchant_id)
    return {}


def rates(merchant_id: int, at: datetime) -> dict[str, Any]:
    """Read the day's exchange rates, once for all merchants; wake this merchant's orders that were held without one."""
    came = exchange_rates.refresh(at)
    with tenancy.scope(merchant_id):
        woken = waking.on_rates()
    return {name: count for name, count in (("rates", came), ("woken", woken)) if count}


def tidy(merchant_id: int, at: datetime) -> dict[str, Any]:
    """Drop inbox rows of seven days ago, outbox rows done a week ago, mapping files nobody applied, old bulk exports."""
    with tenancy.scope(merchant_id):
        mapping_files.expire(at)
        bulk.forget_old(at)
        InboxRow.objects.filter(done_at__isnull=False, received_at__lt=at - timedelta(days=7)).delete()
        OutboxRow.objects.filter(state="done", done_at__lt=at - timedelta(days=7)).delete()
    return {}


def shipped(merchant_id: int, at: datetime) -> dict[str, Any]:
    """Ask stores that take stock at shipping which orders have left; their messages about it get lost at times."""
    with tenancy.scope(merchant_id):
        stores = list(Store.objects.filter(state=Store.State.ACTIVE, claims_stock="at_shipping"))
    done = 0
    for store in stores:
        try:
            done += inbox.look_what_left(merchant_id, store)
        except ConnectorError as error:
            log.info("what was shipped could not be asked", extra={"store": store.pk, "error": type(error).__name__})
    return {"left": done} if done else {}
