"""Reading figures: settling reads, what webhooks hint at, the poll, and what orders wait for (MECHANISMS 3 and 6).

The work is a column: `Variant.reread_at`. Claiming puts it one lease ahead, which is also the lease: whoever asks for a
read meanwhile brings it forward again, and a worker that dies is followed by another when the lease ends.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError
from psycopg2 import errors as pg

from accounts import connections, credentials
from accounts.models import Store
from connectors.contract.errors import AuthorizationExpired, ConnectorError, RateLimited
from connectors.contract.types import StockReading
from inventory import catalog, claims, placing, reservations, settling, sql, stock, watching
from salestio import routes, tenancy
from salestio.lib.backoff import stock_recheck

log = logging.getLogger(__name__)

BATCH = 250
"""Stock items a read of the store may name."""
DEADLOCK_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one read is about."""

    store: Store
    items: dict[str, list[int]]
    """Stock item → our variants."""
    orders: dict[str, int]
    """The store's order id → ours, of orders whose place is not known."""
    rows: dict[int, int]
    """Our order → the row of its store order."""
    as_of: datetime

    @property
    def variant_ids(self) -> list[int]:
        return sorted(variant_id for some in self.items.values() for variant_id in some)


def run(merchant_id: int, store_id: int) -> int:
    """Work off one batch of a store's due reads; return how many stock items were read.

    Called outside any scope. A platform that fails puts the batch off; nothing is raised for it.
    """
    claim = _claim(merchant_id, store_id)
    if claim is None:
        return 0
    try:
        reading = connections.storefront(claim.store).read_stock(sorted(claim.items), order_ids=sorted(claim.orders))
    except ConnectorError as error:
        _put_off(merchant_id, claim, error)
        return 0
    _store(merchant_id, claim, reading)
    if reading.missing_items:
        _look_for(merchant_id, claim, reading.missing_items)
    return len(claim.items)


def _look_for(merchant_id: int, claim: _Claim, missing: Sequence[str]) -> None:
    """The store does not know these stock items any more: read their products, which removes what is gone."""
    variant_ids = [variant_id for item in missing for variant_id in claim.items.get(item, ())]
    with tenancy.scope(merchant_id):
        found = sql.rows("SELECT DISTINCT product_id FROM inventory_variant WHERE id = ANY(%s)", [variant_ids])
    try:
        catalog.read_products(merchant_id, claim.store.pk, [row[0] for row in found])
    except ConnectorError as error:
        # The daily whole sync finds them too.
        log.warning("products could not be read", extra={"store": claim.store.pk, "error": type(error).__name__})


def read_now(merchant_id: int, store_id: int, *, variant_ids: Sequence[int]) -> int:
    """Read the figures of these variants at once, for a person who waits; return how many stock items were read.

    Called outside any scope. Raises `ConnectorError` when the store does not answer.
    """
    with tenancy.scope(merchant_id):
        claim = _claim_of(store_id, sql.rows(
            "SELECT id, item_id FROM inventory_variant WHERE store_id = %s AND id = ANY(%s) AND deleted_at IS NULL",
            [store_id, list(variant_ids)[:BATCH]],
        ), orders={}, rows={})  # fmt: skip
    if claim is None:
        return 0
    reading = connections.storefront(claim.store).read_stock(sorted(claim.items))
    _store(merchant_id, claim, reading)
    return len(claim.items)


# ── claim ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_DUE = """
WITH due AS (
    SELECT id FROM inventory_variant
    WHERE merchant_id = %(merchant)s AND store_id = %(store)s AND reread_at <= clock_timestamp()
    ORDER BY reread_at LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED)
UPDATE inventory_variant v
SET reread_at = now() + make_interval(secs => %(lease)s), reread_lease_until = now() + make_interval(secs => %(lease)s)
FROM due WHERE v.id = due.id RETURNING v.id, v.item_id
"""


def _claim(merchant_id: int, store_id: int) -> _Claim | None:
    with tenancy.scope(merchant_id):
        due = sql.rows(
            _DUE,
            {"merchant": merchant_id, "store": store_id, "batch": BATCH, "lease": settings.TIMES.lease},
        )
        if not due:
            return None
        orders, rows = _to_place(store_id)
        return _claim_of(store_id, due, orders=orders, rows=rows)


def _claim_of(
    store_id: int, due: Sequence[tuple[Any, ...]], *, orders: dict[str, int], rows: dict[int, int]
) -> _Claim | None:
    """Name the read, its time taken last of all: before the call leaves, by the database's clock."""
    store = Store.objects.filter(pk=store_id, state=Store.State.ACTIVE).first()
    if store is None or not due:
        return None
    items: dict[str, list[int]] = {}
    for variant_id, item_id in due:
        items.setdefault(item_id, []).append(variant_id)
    ((as_of,),) = sql.rows("SELECT clock_timestamp()", [])
    return _Claim(store, items, orders, rows, as_of)


def _to_place(store_id: int) -> tuple[dict[str, int], dict[int, int]]:
    """Return the store orders to ask a place of; those that hold nothing to place are told so at once."""
    while True:
        waiting = routes.ask("orders.to_place", store_id=store_id)
        open_orders = placing.unplaced_orders(store_id, [order_id for _row, _remote, order_id in waiting])
        nothing = [row for row, _remote, order_id in waiting if order_id not in open_orders]
        if nothing:
            routes.ask("orders.placed", store_order_ids=nothing)
        if open_orders or not nothing:
            asked = [one for one in waiting if one[2] in open_orders]
            return (
                {remote: order_id for _row, remote, order_id in asked},
                {order_id: row for row, _remote, order_id in asked},
            )


# ── store what was read ──────────────────────────────────────────────────────────────────────────────────────────────


def _store(merchant_id: int, claim: _Claim, reading: StockReading) -> None:
    """Save a reading in one transaction; a deadlock with somebody else's is tried again, the reading is still good."""
    for attempt in range(1, DEADLOCK_TRIES + 1):
        try:
            with tenancy.scope(merchant_id):
                _save(claim, reading)
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, pg.DeadlockDetected) or attempt == DEADLOCK_TRIES:
                raise
            log.info("a deadlock while storing figures; once more", extra={"store": claim.store.pk})


def _save(claim: _Claim, reading: StockReading) -> None:
    store_id = claim.store.pk
    if claim.orders:
        _place(claim, reading)
    stored = stock.set_from_store(
        store_id=store_id,
        readings=[(one.item_id, one.location_id, one.available) for one in reading.figures],
        as_of=claim.as_of,
        items=sorted(claim.items),
    )
    _finish(store_id, claim.variant_ids, claim.as_of)
    if stored.unknown_locations:
        catalog.sync_soon(store_id, whole=True)


def _place(claim: _Claim, reading: StockReading) -> None:
    names = {order.id: order.name for order in reading.orders}
    known = set(placing.place(store_id=claim.store.pk, placements=reading.placements, orders=claim.orders, names=names))
    gone = [claim.orders[order.id] for order in reading.orders if order.canceled and order.id in claim.orders]
    if gone:
        # The store gave these units back when the order was canceled; no figure will ever show them gone.
        reservations.release(order_ids=gone, cause="store order canceled", handed_over=True)
        known |= set(gone)
    if known:
        routes.ask("orders.placed", store_order_ids=sorted(claim.rows[order_id] for order_id in known))


_FINISH = f"""
WITH locked AS (
    SELECT id FROM inventory_variant WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE)
UPDATE inventory_variant v
SET reread_lease_until = NULL,
    hinted_at = CASE WHEN v.hinted_at > %(shown)s THEN v.hinted_at END,
    reread_at = least(
        CASE WHEN v.reread_at IS DISTINCT FROM v.reread_lease_until THEN v.reread_at END,
        CASE WHEN open.since > now() - make_interval(secs => %(settle_wait)s) THEN {settling.at("open.since")}
             WHEN open.since > now() - make_interval(secs => %(claim_check)s)
                 THEN now() + make_interval(secs => %(settle_again)s)
             WHEN open.since IS NOT NULL THEN now() + make_interval(secs => %(figure_age)s) END,
        CASE WHEN v.hinted_at > %(shown)s THEN {settling.at("v.hinted_at")} END,
        now() + make_interval(secs => wait.seconds))
FROM locked
LEFT JOIN (SELECT s.variant_id, max(r.handed_over_at) AS since
           FROM inventory_stock s JOIN inventory_reservation r ON r.stock_id = s.id AND r.state = 'handed_over'
           WHERE s.variant_id = ANY(%(ids)s)
             AND EXISTS (SELECT 1 FROM accounts_store t WHERE t.id = %(store)s AND t.claims_stock = 'at_creation')
           GROUP BY s.variant_id) open
    ON open.variant_id = locked.id
LEFT JOIN unnest(%(waited)s::bigint[], %(seconds)s::float8[]) AS wait(variant_id, seconds)
    ON wait.variant_id = locked.id
WHERE v.id = locked.id
"""  # noqa: S608 - nothing but our own words is put in


def _finish(store_id: int, variant_ids: Sequence[int], as_of: datetime) -> None:
    """Say when these variants are read next: when asked for meanwhile, while a hand-over is not settled, when what a
    webhook told of can show, while orders wait for units; otherwise not before something asks."""
    waits = _waits(variant_ids)
    times = settings.TIMES
    _, platform = claims.of(store_id)
    sql.run(
        _FINISH,
        {
            "ids": list(variant_ids),
            "store": store_id,
            **settling.parameters(platform),
            "shown": as_of - timedelta(seconds=connections.stock_lag(platform)),
            "claim_check": times.claim_check,
            "settle_again": times.settle_again,
            "figure_age": times.figure_age,
            "waited": list(waits),
            "seconds": list(waits.values()),
        },
    )
    if waits:
        routes.emit("stock.read", store_id=store_id, variant_ids=sorted(waits))


def _waits(variant_ids: Sequence[int]) -> dict[int, float]:
    """Return the seconds until the next look for each variant that orders wait for: ten minutes, hourly, then never."""
    ((now,),) = sql.rows("SELECT now()", [])
    found: dict[int, float] = {}
    for variant_id, since in routes.ask("orders.stock_waits", variant_ids=list(variant_ids)).items():
        unit = settings.TIMES.retry_unit
        pause = stock_recheck((now - since).total_seconds() / unit)
        if pause is not None:
            found[variant_id] = pause * unit
    return found


# ── when the store does not answer ───────────────────────────────────────────────────────────────────────────────────


def _put_off(merchant_id: int, claim: _Claim, error: ConnectorError) -> None:
    """Try the batch again later; a refused token stops the store until the merchant connects it again."""
    wait = settings.TIMES.settle_again
    if isinstance(error, RateLimited):
        wait = error.retry_after
    log.warning("figures could not be read", extra={"store": claim.store.pk, "error": type(error).__name__})
    with tenancy.scope(merchant_id):
        if isinstance(error, AuthorizationExpired):
            credentials.expire(claim.store, "refused")
        sql.run(
            """WITH locked AS (SELECT id FROM inventory_variant WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE)
               UPDATE inventory_variant v
               SET reread_lease_until = NULL, reread_at = clock_timestamp() + make_interval(secs => %s)
               FROM locked WHERE v.id = locked.id""",
            [claim.variant_ids, wait],
        )


# ── hints ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_items(store_id: int, item_ids: Collection[str]) -> int:
    """Ask for a read of these stock items, in an open scope; items we do not know are passed over."""
    found = sql.rows(
        "SELECT id FROM inventory_variant WHERE store_id = %s AND item_id = ANY(%s)", [store_id, sorted(item_ids)]
    )
    _, platform = claims.of(store_id)
    return watching.read_what_was_told([row[0] for row in found], store_id, platform)
