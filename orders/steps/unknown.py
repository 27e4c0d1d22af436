"""An unanswered create: look it up on a timetable, adopt what is found, send again only when it is surely not there.

MECHANISMS 4: key look-up at once, search look-ups after 15, 60 and 180 s; sent again only after the last is empty *and*
at least 120 s passed *and* the platform answered all of them cleanly; any unclear look-up starts the row of waits again;
after three more sends, or 30 minutes that were not the store's outage, it is held for the merchant.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import connection

from connectors.contract.errors import AuthorizationExpired, ConnectorError, RateLimited
from connectors.contract.storefront import Storefront
from connectors.contract.types import StoreOrderFound
from orders import breaker
from orders.breaker import lost
from orders.models import Order, OrderEvent, StoreOrder
from orders.steps import send
from orders.steps.batch import Batch, Item
from orders.steps.crash import crash_here
from salestio import tenancy

log = logging.getLogger(__name__)
MORE_SENDS = 3


class Next(StrEnum):
    """What to do with an unanswered order now."""

    LOOK = "look"
    SEND_AGAIN = "send again"
    HOLD = "hold"


def decide(
    *,
    now: datetime,
    sent_at: datetime,
    unknown_since: datetime,
    outage: float,
    sends: int,
    clean_looks: int,
    waits: tuple[float, ...],
    resend_after: float,
    give_up: float,
) -> Next:
    """Decide from plain facts: how often we looked cleanly, how long ago we asked, how often we sent. Times in seconds."""
    if clean_looks < len(waits):
        too_long = (now - unknown_since).total_seconds() - outage > give_up
        return Next.HOLD if too_long else Next.LOOK
    if sends > MORE_SENDS:
        return Next.HOLD
    if (now - sent_at).total_seconds() < resend_after:
        return Next.LOOK
    return Next.SEND_AGAIN


def begin(batch: Batch, item: Item) -> None:
    """A worker died after *sending*: nobody knows whether the call left, so it is looked up like any unanswered one."""
    with tenancy.scope(batch.merchant_id), connection.cursor() as cursor:
        cursor.execute(
            """UPDATE orders_storeorder SET state = 'unknown', unknown_since = coalesce(unknown_since, now()),
                      look_base = coalesce(sent_at, now()), lookups = 0
               WHERE order_id = %s AND state = 'sending'""",
            [item.order.pk],
        )
        cursor.execute(
            "UPDATE inventory_reservation SET state = 'unknown' WHERE order_ref = %s AND state IN ('kept', 'sending')",
            [item.order.pk],
        )
        OrderEvent.objects.create(
            merchant_id=batch.merchant_id, order_id=item.order.pk, stage="export", code="WORKER_LOST",
            data=batch.names(item), attempt=item.order.attempts,
        )  # fmt: skip
        Order.objects.filter(pk=item.order.pk).update(export_state="unknown", reason_code="NO_ANSWER")
        item.order.export_state = "unknown"
        item.store_order = StoreOrder.objects.filter(order_id=item.order.pk).order_by("-generation").first()


def look(batch: Batch, item: Item, storefront: Storefront, *, sure_not_there: bool = False) -> bool:
    """Look one unanswered order up and act on it; return True when it should be sent again now.

    `sure_not_there`: a person looked and says so. Call it outside any scope; the order is claimed.
    """
    made = item.store_order
    if made is None or made.sent_at is None:
        # *Unknown* without a call on record: nothing was ever sent.
        return True
    if sure_not_there:
        _say(batch, item, "SAID_NOT_THERE")
        return True
    try:
        found = _find(storefront, made, item, thorough=made.lookups > 0)
    except AuthorizationExpired:
        lost(batch.store)
        _unclear(batch, item, made, "RECONNECT_NEEDED", wait=settings.TIMES.breaker_probe)
        return False
    except RateLimited as error:
        _later(batch, item, made, error.retry_after)
        return False
    except ConnectorError as error:
        breaker.failed(batch.store)
        _unclear(batch, item, made, type(error).__name__)
        return False
    crash_here("after_lookup")
    breaker.succeeded(batch.store)
    if found:
        _adopt(batch, item, made, found)
        return False
    return _empty(batch, item, made)


def _find(storefront: Storefront, made: StoreOrder, item: Item, *, thorough: bool) -> list[StoreOrderFound]:
    """Ask by our key, and from the second look on by the marketplace order id as well."""
    found = {one.id: one for one in storefront.find_by_key(made.key, item.order.marketplace_order_id)}
    if thorough:
        searched = storefront.search_orders([item.order.marketplace_order_id])
        for one in searched.get(item.order.marketplace_order_id, ()):
            # Another generation's order, canceled in the store, is not this one. One without any key may be ours:
            # a store that dropped our key still carries the reference.
            if one.key in ("", made.key):
                found.setdefault(one.id, one)
    return list(found.values())


def _adopt(batch: Batch, item: Item, made: StoreOrder, found: list[StoreOrderFound]) -> None:
    if len(found) > 1:
        send.two_found(batch, item, found)
        return
    send.finish(
        batch, item, found[0], generation=made.generation, money=made.money, adopted=True, code="FOUND_AFTER_ALL"
    )


def _empty(batch: Batch, item: Item, made: StoreOrder) -> bool:
    """A clean empty look-up: go on with the timetable, or send again, or hold for the merchant."""
    times = settings.TIMES
    made.lookups += 1
    assert made.sent_at is not None
    step = decide(
        now=batch.now,
        sent_at=made.sent_at,
        unknown_since=made.unknown_since or made.sent_at,
        outage=made.outage_seconds,
        sends=made.sends,
        clean_looks=made.lookups,
        waits=times.lookup_waits,
        resend_after=times.resend_after,
        give_up=times.unknown_for,
    )
    if step is Next.HOLD:
        hold_for_merchant(batch, item, made)
        return False
    if step is Next.SEND_AGAIN:
        _save(batch, item, made, at=batch.now)
        _say(batch, item, "SENDING_AGAIN", sends=made.sends)
        return True
    base = made.look_base or made.sent_at
    position = min(made.lookups, len(times.lookup_waits) - 1)
    due = base + timedelta(seconds=times.lookup_waits[position])
    if made.lookups >= len(times.lookup_waits):
        due = made.sent_at + timedelta(seconds=times.resend_after)
        made.lookups = len(times.lookup_waits) - 1
    _save(batch, item, made, at=max(due, batch.now + timedelta(seconds=times.sweep / 2)))
    return False


def _unclear(batch: Batch, item: Item, made: StoreOrder, why: str, *, wait: float | None = None) -> None:
    """A look-up that was not answered cleanly: the row of waits begins again, and this time is the store's, not ours."""
    times = settings.TIMES
    pause = wait if wait is not None else times.lookup_waits[min(1, len(times.lookup_waits) - 1)]
    if breaker.is_open(batch.store):
        pause = max(pause, breaker.until_probe(batch.store))
    made.lookups = 0
    made.lookup_failures += 1
    made.look_base = batch.now + timedelta(seconds=pause)
    made.outage_seconds += pause
    unknown_since = made.unknown_since or made.sent_at or batch.now
    if (batch.now - unknown_since).total_seconds() - made.outage_seconds > times.unknown_for:
        hold_for_merchant(batch, item, made)
        return
    log.info("a look-up was not answered", extra={"order": item.order.pk, "why": why})
    _save(batch, item, made, at=made.look_base)


def _later(batch: Batch, item: Item, made: StoreOrder, seconds: float) -> None:
    made.outage_seconds += seconds
    _save(batch, item, made, at=batch.now + timedelta(seconds=max(seconds, 0.05)))


def _save(batch: Batch, item: Item, made: StoreOrder, *, at: datetime) -> None:
    """Save the timetable and give the order back until `at`; the sentence on its page counts along."""
    looks = len(settings.TIMES.lookup_waits)
    facts = batch.names(item) | {
        "asked_at": made.sent_at,
        "again_at": at,
        "look": min(made.lookups + 1, looks),
        "looks": looks,
    }
    with tenancy.scope(batch.merchant_id):
        StoreOrder.objects.filter(pk=made.pk).update(
            lookups=made.lookups,
            lookup_failures=made.lookup_failures,
            look_base=made.look_base,
            outage_seconds=made.outage_seconds,
        )
        Order.objects.filter(pk=item.order.pk, lease_token=batch.token, export_state="unknown").update(
            reason_code="NO_ANSWER",
            reason_data={key: str(value) if isinstance(value, datetime) else value for key, value in facts.items()},
            next_attempt_at=at,
            lease_until=None,
        )


def hold_for_merchant(batch: Batch, item: Item, made: StoreOrder) -> None:
    """The store has not said for too long: only a person can, with *I looked, it is not there: send again*."""
    from orders.steps import settle

    minutes = int((batch.now - (made.unknown_since or made.sent_at or batch.now)).total_seconds() // 60)
    with tenancy.scope(batch.merchant_id):
        settle.hold(batch, item, "UNKNOWN_TOO_LONG", minutes=minutes)
        settle.write(batch, [item])


def _say(batch: Batch, item: Item, code: str, **data: object) -> None:
    with tenancy.scope(batch.merchant_id):
        OrderEvent.objects.create(
            merchant_id=batch.merchant_id, order_id=item.order.pk, stage="export", code=code,
            data=batch.names(item) | data, actor=item.actor, attempt=item.order.attempts,
        )  # fmt: skip
