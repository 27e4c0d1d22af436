"""Events that cure: stock came in, a SKU appeared, a store or account is back. They make just the right orders due.

All run in the transaction of the event and ring the lane after its commit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from accounts import read_only
from accounts.models import MarketplaceAccount
from inventory.domain.stock import Turn
from orders.models import Order
from salestio import doorbell, tenancy
from salestio.lib.backoff import stock_recheck

DRAIN = "orders.tasks.drain"

DUE = """export_state = 'imported', reason_code = 'QUEUED', reason_data = '{}', state_since = now(),
         next_attempt_at = coalesce(o.paid_at, o.purchased_at), attempts = 0, retrying_since = NULL,
         lease_until = NULL, lease_token = NULL"""

PLACE = "CASE WHEN o.routed_by <> '' THEN o.location_ref END"
"""Where an order waits by a rule; without one all wait together, at the default warehouse or for any location."""

WAKE_FOR_STOCK = f"""
WITH free AS (
    SELECT v.id AS variant_id,
           CASE WHEN NOT v.tracked OR v.oversell_allowed THEN 1000000000
                ELSE coalesce(sum(s.figure), 0) - coalesce(sum(s.reserved), 0) END AS units
    FROM inventory_variant v LEFT JOIN inventory_stock s ON s.variant_id = v.id
    WHERE v.merchant_id = %(merchant)s AND v.id = ANY(%(ids)s) GROUP BY v.id),
turn AS (
    SELECT w.order_id, w.variant_id, w.since,
           sum(w.quantity) OVER (PARTITION BY w.variant_id, o.shipped_when_seen, {PLACE}
                                 ORDER BY w.paid_at, w.order_id) AS upto
    FROM orders_stockwait w JOIN orders_order o ON o.id = w.order_id
    WHERE w.merchant_id = %(merchant)s AND w.variant_id = ANY(%(ids)s)),
fits AS (
    SELECT o.id FROM orders_order o
    WHERE o.id IN (SELECT turn.order_id FROM turn JOIN free USING (variant_id)
                   WHERE turn.upto <= free.units
                     AND turn.since <= clock_timestamp() - make_interval(secs => %(asleep)s))
      AND o.merchant_id = %(merchant)s AND o.export_state = 'held' AND o.reason_code = 'OUT_OF_STOCK'
    ORDER BY o.id FOR UPDATE SKIP LOCKED)
UPDATE orders_order o SET {DUE} FROM fits WHERE o.id = fits.id
"""  # noqa: S608
"""The oldest paid of each place that fit the free units, one statement (MECHANISMS 3); the drain decides exactly, by
location: a rule may send an order elsewhere than where it waits now.

An order somebody is exporting by hand right now is skipped: it holds its row and waits for the stock rows we hold, and it
will see the new figure by itself."""


def on_stock_changed(*, store_id: int, variant_ids: Sequence[int]) -> None:
    """Wake the oldest-paid orders that wait for these variants and fit what is free now."""
    _wake_for_stock(store_id, variant_ids, asleep=0.0)


def on_stock_read(*, store_id: int, variant_ids: Sequence[int]) -> None:
    """A figure was read and did not change: wake those that fit all the same and have slept for a while.

    Such an order was refused by the store although its figure said there were units; it is tried again by the clock of
    held orders (MECHANISMS 3), not at once, or we would ask the same question for ever.
    """
    pause = (stock_recheck(0.0) or 0.0) * settings.TIMES.retry_unit
    _wake_for_stock(store_id, variant_ids, asleep=pause * 0.9)
    with connection.cursor() as cursor:
        # The page tells when these variants are looked at next.
        cursor.execute(
            """UPDATE orders_order o SET next_attempt_at = look.at
               FROM (SELECT w.order_id, min(v.reread_at) AS at
                     FROM orders_stockwait w JOIN inventory_variant v ON v.id = w.variant_id
                     WHERE w.merchant_id = %s AND w.variant_id = ANY(%s) GROUP BY w.order_id) look
               WHERE o.id = look.order_id AND o.export_state = 'held' AND o.reason_code = 'OUT_OF_STOCK'""",
            [tenancy.current_merchant_id(), list(variant_ids)],
        )


def _wake_for_stock(store_id: int, variant_ids: Sequence[int], *, asleep: float) -> None:
    merchant_id = tenancy.current_merchant_id()
    with connection.cursor() as cursor:
        cursor.execute(WAKE_FOR_STOCK, {"merchant": merchant_id, "ids": sorted(set(variant_ids)), "asleep": asleep})
        if cursor.rowcount:
            doorbell.ring(DRAIN, merchant_id, store_id)


def turns(
    *, variant_ids: Sequence[int], besides: Sequence[int] = (), default: int | None = None
) -> dict[int, tuple[Turn, ...]]:
    """Return, a variant, the oldest-paid order of each place outside `besides` that waits for it: nobody passes it.

    One that was shipped before it was imported left long ago; it only waits for its units to be counted.
    `default` is the location of orders that no rule placed, None for any.
    """
    if not variant_ids:
        return {}
    found: dict[int, list[Turn]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT DISTINCT ON (w.variant_id, o.routed_by <> '', {PLACE}) w.variant_id, w.paid_at, w.order_id,
                      o.marketplace_order_id, w.quantity, CASE WHEN o.routed_by <> '' THEN o.location_ref ELSE %s END
               FROM orders_stockwait w JOIN orders_order o ON o.id = w.order_id
               WHERE w.merchant_id = %s AND w.variant_id = ANY(%s) AND NOT w.order_id = ANY(%s)
                 AND o.export_state IN ('held', 'imported', 'waiting') AND NOT o.shipped_when_seen
               ORDER BY w.variant_id, o.routed_by <> '', {PLACE}, w.paid_at, w.order_id""",  # noqa: S608
            [default, tenancy.current_merchant_id(), list(variant_ids), list(besides)],
        )
        for variant_id, paid_at, order_id, label, quantity, place in cursor.fetchall():
            found[variant_id].append(Turn(paid_at, order_id, label, quantity, place))
    return {variant_id: tuple(waiting) for variant_id, waiting in found.items()}


def stock_waits(*, variant_ids: Sequence[int]) -> dict[int, datetime]:
    """Return, for each of these variants that orders wait for, when the newest of them began to wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT w.variant_id, max(w.since) FROM orders_stockwait w JOIN orders_order o ON o.id = w.order_id
               WHERE w.merchant_id = %s AND w.variant_id = ANY(%s) AND o.export_state IN ('held', 'imported', 'waiting')
               GROUP BY w.variant_id""",
            [tenancy.current_merchant_id(), list(variant_ids)],
        )
        return dict(cursor.fetchall())


def _wake(store_id: int, where: str, params: Sequence[Any]) -> int:
    merchant_id = tenancy.current_merchant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE orders_order o SET {DUE} WHERE o.merchant_id = %s AND o.store_id = %s AND {where}",  # noqa: S608
            [merchant_id, store_id, *params],
        )
        woken = cursor.rowcount
    if woken:
        doorbell.ring(DRAIN, merchant_id, store_id)
    return woken


def on_catalog_changed(*, store_id: int, skus: Sequence[str] = (), title_keys: Sequence[str] = ()) -> None:
    """Re-match the orders that wait for one of these SKUs or titles (F42)."""
    wanted = [sku for sku in skus if sku]
    _wake(
        store_id,
        """o.export_state = 'held' AND o.reason_code IN ('NO_MATCH', 'AMBIGUOUS_SKU', 'SKU_CHANGED') AND EXISTS (
               SELECT 1 FROM orders_skuwait w WHERE w.order_id = o.id AND w.merchant_id = o.merchant_id
                 AND (lower(trim(w.seller_sku)) = ANY(%s) OR (w.title_key <> '' AND w.title_key = ANY(%s))
                      OR w.seller_sku IN (SELECT seller_sku FROM inventory_skumapping m
                                          WHERE m.merchant_id = o.merchant_id AND m.store_id = o.store_id
                                            AND (m.sku = ANY(%s) OR EXISTS (
                                                SELECT 1 FROM jsonb_array_elements(m.more) part
                                                WHERE part ->> 0 = ANY(%s))))))""",
        [[sku.strip().lower() for sku in wanted], list(title_keys), wanted, wanted],
    )


def on_mapping_changed(*, store_id: int, seller_skus: Sequence[str]) -> None:
    """Re-match the orders that wait for one of these seller SKUs: the merchant just said what they mean (F35)."""
    _wake(
        store_id,
        """o.export_state = 'held' AND o.reason_code IN ('NO_MATCH', 'AMBIGUOUS_SKU', 'SKU_CHANGED') AND EXISTS (
               SELECT 1 FROM orders_skuwait w
               WHERE w.order_id = o.id AND w.merchant_id = o.merchant_id AND w.seller_sku = ANY(%s))""",
        [list(seller_skus)],
    )


def on_store_restored(*, store_id: int) -> None:
    """The store answers again, or is connected again: what waited for it goes on."""
    _wake(
        store_id,
        """o.export_state = 'waiting'
           AND o.reason_code IN ('STORE_DOWN', 'RECONNECT_NEEDED', 'STORE_UNINSTALLED', 'THROTTLED')""",
        [],
    )
    merchant_id = tenancy.current_merchant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE orders_order SET next_attempt_at = now()
               WHERE merchant_id = %s AND store_id = %s AND export_state = 'unknown' AND next_attempt_at > now()""",
            [merchant_id, store_id],
        )
    doorbell.ring(DRAIN, merchant_id, store_id)


def on_account_restored(*, account_id: int) -> None:
    """An account is connected again: its orders that wait for an address are read again at once."""
    account = MarketplaceAccount.objects.get(pk=account_id)
    _wake(
        account.store_id,
        "o.account_id = %s AND o.export_state = 'waiting' AND o.reason_code = 'RECONNECT_NEEDED'",
        [account_id],
    )


def on_settings_changed(*, store_id: int) -> None:
    """A setting changed: orders stopped by facts that settings decide are looked at again. Skipped ones stay skipped:
    switching import on concerns orders from now on, and Export makes the others."""
    _wake(
        store_id,
        """o.export_state = 'held' AND o.reason_code IN ('NO_MATCH', 'AMBIGUOUS_SKU', 'OUT_OF_STOCK', 'CONFLICT',
                                                         'OPTIONS_MISSING', 'ADDRESS_WITHHELD', 'NO_RATE',
                                                         'CURRENCY_NOT_IN_STORE')""",
        [],
    )
    accounts = read_only.going(store_id)
    if accounts:
        _wake(
            store_id,
            "o.export_state = 'waiting' AND o.reason_code = 'READ_ONLY' AND o.account_id = ANY(%s)",
            [accounts],
        )


def on_rates() -> int:
    """Exchange rates were read: the active merchant's orders held without one are looked at again; how many."""
    merchant_id = tenancy.current_merchant_id()
    held = Order.objects.filter(merchant_id=merchant_id, export_state="held", reason_code="NO_RATE")
    stores = list(held.values_list("store_id", flat=True).distinct())
    return sum(_wake(store_id, "o.export_state = 'held' AND o.reason_code = 'NO_RATE'", []) for store_id in stores)
