"""The store's figure came in: store it, and end the reservations it shows already (MECHANISMS 6).

Every function runs inside an open `tenancy.scope`. `as_of` is our database's time before the read left, never the
store's own. A webhook is no figure: it asks for a read (`inventory/inbox.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts import connections
from inventory import claims, sql
from inventory.reservations import shelves_of
from inventory.rows import lock_and_make
from salestio import routes, tenancy

AT_CREATION = "at_creation"


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing a batch of readings did."""

    changed: tuple[int, ...] = ()
    """Variants whose figure or reserved units are not what they were."""
    settled: int = 0
    """Reservations that ended."""
    unknown_locations: frozenset[str] = frozenset()
    """The store's ids of locations we have never heard of; their figures were left out."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A locked stock row and what the read says of it."""

    id: int
    variant_id: int
    location_id: int
    was: int
    figure: int


def set_from_store(
    *,
    store_id: int,
    readings: Sequence[tuple[str, str, int]],
    as_of: datetime,
    items: Collection[str] = (),
) -> Stored:
    """Store what a read of the store answered: (stock item, location, available), all by the store's own ids.

    `items` are the stock items that were read whole: where such an item has a row at a location the answer does not
    name, it has nothing there. A row whose figure is of the same moment or newer is left alone. `stock.changed` is
    told once for all variants that changed, in this transaction.
    """
    read = sorted({item for item, _location, _units in readings} | set(items))
    if not read:
        return Stored()
    claims_stock, platform = claims.of(store_id)
    # What a lagging read shows was true so much earlier: it settles nothing that was handed over since.
    true_at = as_of - timedelta(seconds=connections.stock_lag(platform))
    variants, locations, unknown = _ours(store_id, read, {location for _item, location, _units in readings})
    answers = {
        (variant_id, locations[location]): units
        for item, location, units in readings
        if location in locations
        for variant_id in variants.get(item, ())
    }
    whole = {variant_id for item in items for variant_id in variants.get(item, ())}
    asked = {variant_id for some in variants.values() for variant_id in some}
    rows = [
        _Row(row.id, row.variant_id, row.location_id, row.figure, answers.get((row.variant_id, row.location_id), 0))
        for row in lock_and_make(store_id, asked, answers)
        if row.location_id is not None
        and (row.figure_as_of is None or row.figure_as_of < true_at)
        and ((row.variant_id, row.location_id) in answers or row.variant_id in whole)
    ]
    changed, ended = _write(rows, true_at, settles=claims_stock == AT_CREATION)
    _stamp_variants(asked, as_of)
    if ended and claims_stock == AT_CREATION:
        claims.judge(store_id, _verdicts(rows, ended, as_of))
    if changed:
        routes.emit("stock.changed", store_id=store_id, variant_ids=changed)
        _tell_oversold(changed)
    return Stored(tuple(changed), len(ended), unknown)


def _ours(
    store_id: int, items: Sequence[str], places: Collection[str]
) -> tuple[dict[str, list[int]], dict[str, int], frozenset[str]]:
    """Return our variants by stock item, our locations by the store's id, and the locations we have never heard of."""
    variants: dict[str, list[int]] = defaultdict(list)
    for item, variant_id in sql.rows(
        "SELECT item_id, id FROM inventory_variant WHERE merchant_id = %s AND store_id = %s AND item_id = ANY(%s)",
        [tenancy.current_merchant_id(), store_id, list(items)],
    ):
        variants[item].append(variant_id)
    locations = dict(
        sql.rows(
            "SELECT remote_id, id FROM inventory_location WHERE store_id = %s AND remote_id = ANY(%s)",
            [store_id, sorted(places)],
        )
    )
    return variants, locations, frozenset(places) - locations.keys()


_WRITE = """
WITH reading AS (
    SELECT * FROM unnest(%(stocks)s::bigint[], %(figures)s::int[], %(was)s::int[]) AS r(stock_id, figure, was)),
ended AS (
    UPDATE inventory_reservation SET state = 'settled', ended_at = clock_timestamp()
    WHERE stock_id = ANY(%(stocks)s) AND state = 'handed_over' AND placed
      AND coalesce(left_at, CASE WHEN %(settles)s THEN handed_over_at END) < %(as_of)s
    RETURNING id, stock_id, order_ref, quantity, handed_over_at, created_at),
back AS (SELECT stock_id, sum(quantity)::int AS units FROM ended GROUP BY stock_id),
moved AS (
    UPDATE inventory_stock s
    SET figure = r.figure, figure_as_of = %(as_of)s, reserved = s.reserved - coalesce(back.units, 0),
        version = s.version + CASE WHEN r.figure <> r.was OR back.units IS NOT NULL THEN 1 ELSE 0 END
    FROM reading r LEFT JOIN back ON back.stock_id = r.stock_id WHERE s.id = r.stock_id),
noted AS (
    INSERT INTO inventory_ledgerentry
        (merchant_id, stock_id, at, kind, figure_change, reserved_change, order_ref, cause)
    SELECT %(merchant)s, stock_id, clock_timestamp(), 'figure', figure - was, 0, NULL, 'read of the store'
    FROM reading WHERE figure <> was
    UNION ALL
    SELECT %(merchant)s, stock_id, clock_timestamp(), 'settle', 0, -quantity, order_ref, 'shown by the store'
    FROM ended)
SELECT id, stock_id, quantity, handed_over_at, created_at FROM ended
"""


@dataclass(frozen=True, slots=True)
class _Ended:
    """A reservation that a figure settled."""

    stock_id: int
    quantity: int
    handed_over_at: datetime
    reserved_at: datetime


def _write(rows: Sequence[_Row], as_of: datetime, *, settles: bool) -> tuple[list[int], list[_Ended]]:
    """Write figures, settled reservations and the ledger in one statement; return changed variants and what ended.

    A figure shows units gone that were handed over before it was read where the store takes them then (`settles`), and
    everywhere those of parcels that had left.
    """
    if not rows:
        return [], []
    found = sql.rows(
        _WRITE,
        {
            "stocks": [row.id for row in rows],
            "figures": [row.figure for row in rows],
            "was": [row.was for row in rows],
            "as_of": as_of,
            "settles": settles,
            "merchant": tenancy.current_merchant_id(),
        },
    )
    ended = [_Ended(stock_id, quantity, at, since) for _id, stock_id, quantity, at, since in found]
    touched = {one.stock_id for one in ended}
    changed = {row.variant_id for row in rows if row.figure != row.was or row.id in touched}
    return sorted(changed), ended


def _stamp_variants(variant_ids: Collection[int], as_of: datetime) -> None:
    """Note when the variants' figures were read, in the order of ids (locks)."""
    sql.run(
        """WITH read AS (
               SELECT id FROM inventory_variant
               WHERE id = ANY(%(ids)s) AND (figures_as_of IS NULL OR figures_as_of < %(as_of)s)
               ORDER BY id FOR NO KEY UPDATE)
           UPDATE inventory_variant v SET figures_as_of = %(as_of)s FROM read WHERE v.id = read.id""",
        {"ids": sorted(variant_ids), "as_of": as_of},
    )


def _verdicts(rows: Sequence[_Row], ended: Iterable[_Ended], as_of: datetime) -> list[claims.Verdict]:
    """Say for each stock row that settled something soon enough whether the store's figure showed it."""
    units: dict[int, int] = defaultdict(int)
    since: dict[int, datetime] = {}
    soon = timedelta(seconds=settings.TIMES.claim_check)
    for one in ended:
        if as_of - one.handed_over_at <= soon:
            units[one.stock_id] += one.quantity
            since[one.stock_id] = min(one.reserved_at, since.get(one.stock_id, one.reserved_at))
    drops = {row.id: row.was - row.figure for row in rows if units.get(row.id)}
    # An earlier read may have shown the units gone before we knew that the order exists (an adopted order, a hint that
    # came between): then this reading drops by nothing, and that says nothing against the store.
    earlier = {stock_id: since[stock_id] for stock_id, drop in drops.items() if drop < units[stock_id]}
    for stock_id, drop in _dropped_since(earlier).items():
        drops[stock_id] = max(drop, drops[stock_id])
    return [
        claims.Verdict(variant_id=row.variant_id, expected=units[row.id], seen=drops[row.id])
        for row in rows
        if row.id in drops
    ]


def _dropped_since(since: Mapping[int, datetime]) -> dict[int, int]:
    """Return by how much readings lowered each stock row since that moment (before its orders can have been sent)."""
    if not since:
        return {}
    return dict(
        sql.rows(
            """SELECT asked.stock_id, -sum(l.figure_change)::int
               FROM unnest(%s::bigint[], %s::timestamptz[]) AS asked(stock_id, since), LATERAL (
                   SELECT figure_change, kind, at FROM inventory_ledgerentry l
                   WHERE l.stock_id = asked.stock_id ORDER BY l.id DESC LIMIT 500) l
               WHERE l.kind = 'figure' AND l.figure_change < 0 AND l.at >= asked.since GROUP BY asked.stock_id""",
            [list(since), list(since.values())],
        )
    )


# ── oversold (F61) ───────────────────────────────────────────────────────────────────────────────────────────────────


def _tell_oversold(variant_ids: Sequence[int]) -> None:
    """Open or close the oversell task of each variant: fewer units than are promised (a fact, never a refusal)."""
    keys = {variant_id: f"variant:{variant_id}" for variant_id in variant_ids}
    told = {
        key
        for (key,) in sql.rows(
            "SELECT key FROM notifications_alert WHERE kind = 'oversold' AND closed_at IS NULL AND key = ANY(%s)",
            [list(keys.values())],
        )
    }
    below = {}
    for variant_id, sku, free in sql.rows(
        """SELECT v.id, coalesce(nullif(v.sku, ''), v.product_title),
                  coalesce(sum(s.figure) FILTER (WHERE l.active AND l.fulfills_online), 0) - sum(s.reserved)
           FROM inventory_variant v JOIN inventory_stock s ON s.variant_id = v.id
           LEFT JOIN inventory_location l ON l.id = s.location_id
           WHERE v.id = ANY(%s) AND v.tracked AND NOT v.oversell_allowed
           GROUP BY v.id
           HAVING coalesce(sum(s.figure) FILTER (WHERE l.active AND l.fulfills_online), 0) < sum(s.reserved)
           ORDER BY v.id""",
        [list(variant_ids)],
    ):
        below[variant_id] = {"variant": variant_id, "sku": sku, "available": int(free), "location": "the store"}
    for variant_id, data in below.items():
        routes.emit("alert.open", kind="oversold", key=keys[variant_id], data=data)
    for variant_id in variant_ids:
        if keys[variant_id] in told and variant_id not in below:
            routes.emit("alert.close", kind="oversold", key=keys[variant_id])


# ── reading back ─────────────────────────────────────────────────────────────────────────────────────────────────────


def available(variant_ids: Sequence[int], location_id: int | None = None) -> dict[int, int]:
    """Return {variant: units free} at one location, or in the whole store; a variant without rows has none.

    For pages and messages; who reserves asks `reservations.reserve`, which holds the locks.
    """
    shelves = shelves_of(variant_ids)
    return {v: shelves[v].available(location_id) if v in shelves else 0 for v in variant_ids}
