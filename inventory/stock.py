"""The store's figure came in: store it, and end the reservations it shows already (MECHANISMS 6).

Every function runs inside an open `tenancy.scope`. `as_of` is our database's time before the read left, never the
store's own. A webhook is no figure: it asks for a read (`inventory/inbox.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from inventory import claims, sql
from inventory.reservations import shelves_of
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
    unknown = _make(store_id, readings)
    answers = {(item, location): units for item, location, units in readings}
    rows = [
        _Row(stock_id, variant_id, location_id, figure, answers.get((item, location), 0))
        for stock_id, variant_id, location_id, figure, figure_as_of, item, location in _lock(store_id, read)
        if (figure_as_of is None or figure_as_of < as_of) and ((item, location) in answers or item in items)
    ]
    claims_stock = claims.of(store_id)
    changed, ended = _write(rows, as_of, settles=claims_stock == AT_CREATION)
    _stamp_variants(store_id, read, as_of)
    if ended and claims_stock == AT_CREATION:
        claims.judge(store_id, _verdicts(rows, ended, as_of))
    if changed:
        routes.emit("stock.changed", store_id=store_id, variant_ids=changed)
        _tell_oversold(changed)
    return Stored(tuple(changed), len(ended), unknown)


def _make(store_id: int, readings: Sequence[tuple[str, str, int]]) -> frozenset[str]:
    """Make the stock rows the readings need; return the locations that are unknown."""
    sql.run(
        """INSERT INTO inventory_stock (merchant_id, variant_id, location_id, figure, reserved, version)
           SELECT %s, v.id, l.id, 0, 0, 0
           FROM (SELECT DISTINCT * FROM unnest(%s::text[], %s::text[]) AS pair(item_id, location)) pair
           JOIN inventory_variant v ON v.store_id = %s AND v.item_id = pair.item_id
           JOIN inventory_location l ON l.store_id = v.store_id AND l.remote_id = pair.location
           WHERE NOT EXISTS (SELECT 1 FROM inventory_stock s WHERE s.variant_id = v.id AND s.location_id = l.id)
           ORDER BY v.id, l.id ON CONFLICT DO NOTHING""",
        [tenancy.current_merchant_id(), [r[0] for r in readings], [r[1] for r in readings], store_id],
    )
    named = {location for _item, location, _units in readings}
    known = sql.rows(
        "SELECT remote_id FROM inventory_location WHERE store_id = %s AND remote_id = ANY(%s)",
        [store_id, sorted(named)],
    )
    return frozenset(named - {row[0] for row in known})


def _lock(store_id: int, items: Sequence[str]) -> list[tuple[Any, ...]]:
    return sql.rows(
        """SELECT s.id, s.variant_id, s.location_id, s.figure, s.figure_as_of, v.item_id, l.remote_id
           FROM inventory_variant v JOIN inventory_stock s ON s.variant_id = v.id
           JOIN inventory_location l ON l.id = s.location_id
           WHERE v.store_id = %s AND v.item_id = ANY(%s) ORDER BY s.id FOR UPDATE OF s""",
        [store_id, list(items)],
    )


_WRITE = """
WITH reading AS (
    SELECT * FROM unnest(%(stocks)s::bigint[], %(figures)s::int[], %(was)s::int[]) AS r(stock_id, figure, was)),
ended AS (
    UPDATE inventory_reservation SET state = 'settled', ended_at = clock_timestamp()
    WHERE %(settles)s AND stock_id = ANY(%(stocks)s) AND state = 'handed_over' AND placed
      AND handed_over_at < %(as_of)s
    RETURNING id, stock_id, order_ref, quantity, handed_over_at),
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
SELECT id, stock_id, quantity, handed_over_at FROM ended
"""


@dataclass(frozen=True, slots=True)
class _Ended:
    """A reservation that a figure settled."""

    stock_id: int
    quantity: int
    handed_over_at: datetime


def _write(rows: Sequence[_Row], as_of: datetime, *, settles: bool) -> tuple[list[int], list[_Ended]]:
    """Write figures, settled reservations and the ledger in one statement; return changed variants and what ended."""
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
    ended = [_Ended(stock_id, quantity, at) for _id, stock_id, quantity, at in found]
    touched = {one.stock_id for one in ended}
    changed = {row.variant_id for row in rows if row.figure != row.was or row.id in touched}
    return sorted(changed), ended


def _stamp_variants(store_id: int, items: Sequence[str], as_of: datetime) -> None:
    """Note when the items' figures were read, in the order of ids (locks)."""
    sql.run(
        """WITH read AS (
               SELECT id FROM inventory_variant
               WHERE store_id = %(store)s AND item_id = ANY(%(items)s)
                 AND (figures_as_of IS NULL OR figures_as_of < %(as_of)s)
               ORDER BY id FOR NO KEY UPDATE)
           UPDATE inventory_variant v SET figures_as_of = %(as_of)s FROM read WHERE v.id = read.id""",
        {"store": store_id, "items": list(items), "as_of": as_of},
    )


def _verdicts(rows: Sequence[_Row], ended: Iterable[_Ended], as_of: datetime) -> list[claims.Verdict]:
    """Say for each stock row that settled something soon enough whether the store's figure showed it."""
    units: dict[int, int] = defaultdict(int)
    soon = timedelta(seconds=settings.TIMES.claim_check)
    for one in ended:
        if as_of - one.handed_over_at <= soon:
            units[one.stock_id] += one.quantity
    return [
        claims.Verdict(variant_id=row.variant_id, expected=units[row.id], seen=row.was - row.figure)
        for row in rows
        if units.get(row.id)
    ]


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
