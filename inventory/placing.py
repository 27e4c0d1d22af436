"""The store told where it put an order's units: the reservations follow (MECHANISMS 6).

Every function runs inside an open `tenancy.scope`. A reservation settles only by a later figure of the location its
units were taken from, so placing comes before figures in the same transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.contract.types import Placement
from inventory import sql
from inventory.domain.placing import Hold, Place, Share, distribute
from inventory.rows import lock_and_make
from salestio import routes, tenancy


@dataclass(frozen=True, slots=True)
class _Held:
    """A handed-over reservation whose place is not known yet."""

    id: int
    order_id: int
    variant_id: int
    variant_remote: str
    stock_id: int
    location_id: int | None
    quantity: int

    @property
    def hold(self) -> Hold:
        return Hold(self.id, self.quantity, self.location_id)


def unplaced_orders(store_id: int, order_ids: Collection[int]) -> set[int]:
    """Return those of these orders that hold units whose place in the store is not known."""
    found = sql.rows(
        """SELECT DISTINCT r.order_ref FROM inventory_reservation r
           JOIN inventory_stock s ON s.id = r.stock_id JOIN inventory_variant v ON v.id = r.variant_id
           WHERE r.merchant_id = %s AND r.order_ref = ANY(%s) AND v.store_id = %s AND r.state = 'handed_over'
             AND (NOT r.placed OR s.location_id IS NULL)""",
        [tenancy.current_merchant_id(), list(order_ids), store_id],
    )
    return {row[0] for row in found}


def place(
    *,
    store_id: int,
    placements: Sequence[Placement],
    orders: Mapping[str, int],
    names: Mapping[str, str] | None = None,
) -> frozenset[int]:
    """Re-assign handed-over reservations to the locations the store chose; return the orders whose place is known now.

    `orders` maps the store's order ids to ours, `names` to what the merchant calls them. Units reserved *anywhere* go
    to a row a location. Units of a default warehouse that were placed elsewhere stay subtracted there, and one
    `order.misplaced` a part is owed, which tries to move it. Locations we do not know place nothing.
    """
    places = _places(store_id, placements, orders)
    if not places:
        return frozenset()
    held = _lock(store_id, places)
    by_wish: dict[tuple[int, int], list[_Held]] = defaultdict(list)
    for one in held:
        by_wish[one.order_id, one.variant_id].append(one)
    shares: list[Share] = []
    for wish, some in by_wish.items():
        shares += distribute([one.hold for one in some], places.get(wish, ()))
    _apply({one.id: one for one in held}, shares)
    remote = {ours: theirs for theirs, ours in orders.items()}
    _owe_moves(store_id, {one.id: one for one in held}, shares, remote, names or {})
    return frozenset(order_id for order_id, _variant in places)


def _places(
    store_id: int, placements: Iterable[Placement], orders: Mapping[str, int]
) -> dict[tuple[int, int], tuple[Place, ...]]:
    """Return {(our order, our variant): where the store put units of it}."""
    ours = [one for one in placements if one.order_id in orders]
    locations = dict(
        sql.rows(
            "SELECT remote_id, id FROM inventory_location WHERE store_id = %s AND remote_id = ANY(%s)",
            [store_id, sorted({one.location_id for one in ours})],
        )
    )
    variants = dict(
        sql.rows(
            "SELECT remote_id, id FROM inventory_variant WHERE store_id = %s AND remote_id = ANY(%s)",
            [store_id, sorted({one.variant_id for one in ours})],
        )
    )
    found: dict[tuple[int, int], tuple[Place, ...]] = {}
    for one in ours:
        if one.location_id in locations and one.variant_id in variants:
            wish = (orders[one.order_id], variants[one.variant_id])
            found[wish] = (*found.get(wish, ()), Place(locations[one.location_id], one.quantity, one.part_id))
    return found


def _lock(store_id: int, places: Mapping[tuple[int, int], Sequence[Place]]) -> list[_Held]:
    """Make the rows units may go to, lock all rows of these variants, and return what waits for its place."""
    pairs = {(variant, place.location_id) for (_order, variant), some in places.items() for place in some}
    lock_and_make(store_id, {variant for variant, _location in pairs}, pairs)
    found = sql.rows(
        """SELECT r.id, r.order_ref, r.variant_id, v.remote_id, r.stock_id, s.location_id, r.quantity
           FROM inventory_reservation r JOIN inventory_stock s ON s.id = r.stock_id
           JOIN inventory_variant v ON v.id = r.variant_id
           WHERE r.merchant_id = %s AND r.order_ref = ANY(%s) AND r.variant_id = ANY(%s) AND v.store_id = %s
             AND r.state = 'handed_over' AND (NOT r.placed OR s.location_id IS NULL)
           ORDER BY r.id FOR NO KEY UPDATE OF r""",
        [
            tenancy.current_merchant_id(),
            sorted({order for order, _variant in places}),
            sorted({variant for _order, variant in places}),
            store_id,
        ],
    )
    return [_Held(*row) for row in found]


_APPLY = """
WITH share AS (
    SELECT p.*, s.id AS to_stock, row_number() OVER (PARTITION BY p.reservation_id ORDER BY p.n) AS piece
    FROM unnest(%(reservations)s::bigint[], %(quantities)s::int[], %(locations)s::bigint[], %(placed)s::bool[])
         WITH ORDINALITY AS p(reservation_id, quantity, location_id, placed, n)
    JOIN inventory_reservation r ON r.id = p.reservation_id
    JOIN inventory_stock s ON s.variant_id = r.variant_id AND s.location_id IS NOT DISTINCT FROM p.location_id),
first AS (
    UPDATE inventory_reservation r SET quantity = share.quantity, stock_id = share.to_stock, placed = share.placed
    FROM share WHERE share.reservation_id = r.id AND share.piece = 1),
others AS (
    INSERT INTO inventory_reservation (merchant_id, stock_id, variant_id, order_ref, line_ref, quantity, state, placed,
                                       handed_over_at, left_at, created_at)
    SELECT r.merchant_id, share.to_stock, r.variant_id, r.order_ref, r.line_ref, share.quantity, r.state, share.placed,
           r.handed_over_at, r.left_at, r.created_at
    FROM share JOIN inventory_reservation r ON r.id = share.reservation_id WHERE share.piece > 1),
gone AS (
    SELECT r.stock_id AS from_stock, share.to_stock, r.order_ref, share.quantity
    FROM share JOIN inventory_reservation r ON r.id = share.reservation_id WHERE r.stock_id <> share.to_stock),
both_ends AS (
    SELECT from_stock AS stock_id, order_ref, -quantity AS units FROM gone
    UNION ALL SELECT to_stock, order_ref, quantity FROM gone),
moved AS (
    UPDATE inventory_stock s SET reserved = s.reserved + t.units, version = s.version + 1
    FROM (SELECT stock_id, sum(units)::int AS units FROM both_ends GROUP BY stock_id) t WHERE s.id = t.stock_id)
INSERT INTO inventory_ledgerentry (merchant_id, stock_id, at, kind, figure_change, reserved_change, order_ref, cause)
SELECT %(merchant)s, stock_id, clock_timestamp(), 'move', 0, units, order_ref, 'placed by the store' FROM both_ends
"""


def _apply(held: Mapping[int, _Held], shares: Sequence[Share]) -> None:
    """Write the shares in one statement: the first keeps the reservation's row, others get rows of their own."""
    changed = {
        share.reservation_id
        for share in shares
        if share.placed
        or share.location_id != held[share.reservation_id].location_id
        or share.quantity != held[share.reservation_id].quantity
    }
    some = [share for share in shares if share.reservation_id in changed]
    if some:
        sql.run(
            _APPLY,
            {
                "reservations": [share.reservation_id for share in some],
                "quantities": [share.quantity for share in some],
                "locations": [share.location_id for share in some],
                "placed": [share.placed for share in some],
                "merchant": tenancy.current_merchant_id(),
            },
        )


def _owe_moves(
    store_id: int,
    held: Mapping[int, _Held],
    shares: Sequence[Share],
    remote: Mapping[int, str],
    names: Mapping[str, str],
) -> None:
    """Owe one move for each part of an order that was placed elsewhere than the default warehouse.

    A store that does not divide orders names no parts: there each place an order is at is one.
    """
    parts: dict[str, dict[str, Any]] = {}
    for share in shares:
        if share.elsewhere is None:
            continue
        one = held[share.reservation_id]
        theirs = remote.get(one.order_id, "")
        facts = parts.setdefault(
            share.elsewhere.part or f"{one.order_id}:{share.location_id}:{share.elsewhere.location_id}",
            {
                "order_id": one.order_id,
                "part_id": share.elsewhere.part,
                "location_id": share.location_id,
                "found_id": share.elsewhere.location_id,
                "name": names.get(theirs, theirs),
                "lines": [],
            },
        )
        facts["lines"].append([one.variant_id, share.quantity])
    for key, facts in parts.items():
        routes.emit("order.misplaced", store_id=store_id, key=key, **facts)


def decide(
    *, store_id: int, order_id: int, location_id: int, to_location_id: int, lines: Sequence[tuple[int, int]]
) -> list[int]:
    """Say where units reserved at a location, but placed elsewhere, are taken from after all; return their variants.

    `lines` are (our variant, units). The same location twice means that the store moved them there just now: then only
    a figure read from now on shows it.
    """
    wanted = {(order_id, variant_id): (Place(to_location_id, units),) for variant_id, units in lines}
    held = [one for one in _lock(store_id, wanted) if one.location_id == location_id]
    left: dict[int, int] = defaultdict(int)
    for variant_id, units in lines:
        # The same product may stand on several lines of the order.
        left[variant_id] += units
    shares: list[Share] = []
    for one in held:
        units = min(one.quantity, left[one.variant_id])
        left[one.variant_id] -= units
        if units:
            shares.append(Share(one.id, units, to_location_id, True))
        if units < one.quantity:
            shares.append(Share(one.id, one.quantity - units, location_id, False))
    _apply({one.id: one for one in held}, shares)
    if location_id == to_location_id:
        sql.run(
            """UPDATE inventory_reservation r SET handed_over_at = clock_timestamp() FROM inventory_stock s
               WHERE s.id = r.stock_id AND s.location_id = %s AND r.merchant_id = %s AND r.order_ref = %s
                 AND r.state = 'handed_over' AND r.placed""",
            [location_id, tenancy.current_merchant_id(), order_id],
        )
    return sorted({one.variant_id for one in held})
