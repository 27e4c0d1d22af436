"""Reserve, mark, hand over and release units. Every function runs inside an open `tenancy.scope`.

Locks are taken in one order everywhere: stock rows by id, then reservations, then variants by id. They are held for
milliseconds, because nothing here calls out. Statements are few: a batch of twenty orders is reserved with three.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inventory import settling, sql, watching
from inventory.domain.stock import Allocation, Ask, Grant, Shelf, Turn, allocate
from inventory.rows import make
from salestio import routes, tenancy

BEFORE_HAND_OVER = ("kept", "sending", "unknown")
COUNTING = (*BEFORE_HAND_OVER, "handed_over")


class StockMoved(RuntimeError):
    """The conditional update refused units that were granted under the lock. A programming error: nothing is saved."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A locked stock row."""

    id: int
    variant_id: int
    location_id: int | None


# ── reserve ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def reserve(
    *, store_id: int, asks: Sequence[Ask], ahead: Mapping[int, Sequence[Turn]] | None = None, cause: str = "order"
) -> Allocation:
    """Reserve for a batch of orders, oldest paid first, all or nothing an order; write what was granted.

    An order that holds exactly what it asks for, where it asks for it, keeps it and counts as granted (its own hold
    never blocks it); one that holds something else gives that back first. `cause` stands in the ledger. Raises
    `StockMoved` if a grant no longer fits when it is written, LookupError for *Create anyway* with a variant of another
    store.
    """
    held = _held([ask.order_id for ask in asks], BEFORE_HAND_OVER)
    active = _active_locations(store_id) if held else frozenset()
    content = [ask for ask in asks if _holds(held.get(ask.order_id, {}), ask, active)]
    open_asks = [ask for ask in asks if ask not in content]
    stale = [ask.order_id for ask in open_asks if held.get(ask.order_id)]
    allocation = Allocation()
    if open_asks:
        variants = {line.variant_id for ask in open_asks for line in ask.lines}
        variants |= {variant_id for order_id in stale for _line, variant_id, _place in held[order_id]}
        if stale:
            _lock(store_id, sorted(variants))
            release(order_ids=stale, cause="asked anew")
        shelves, rows = _shelves(store_id, open_asks, sorted(variants))
        allocation = allocate(open_asks, shelves, ahead)
        if allocation.granted:
            _write(allocation.granted, rows, shelves, cause)
    kept = tuple(_again(ask) for ask in content)
    return Allocation(allocation.granted + tuple(grant for grants in kept for grant in grants), allocation.short)


Held = Mapping[tuple[int, int, int | None], int]
"""(line, variant, location) → units."""


def _held(order_ids: Sequence[int], states: Sequence[str]) -> dict[int, Held]:
    """Return {order: what it holds} of the reservations in these states."""
    found: dict[int, dict[tuple[int, int, int | None], int]] = defaultdict(lambda: defaultdict(int))
    for order_id, line_id, variant_id, location_id, quantity in sql.rows(
        """SELECT r.order_ref, r.line_ref, r.variant_id, s.location_id, r.quantity FROM inventory_reservation r
           JOIN inventory_stock s ON s.id = r.stock_id
           WHERE r.merchant_id = %s AND r.order_ref = ANY(%s) AND r.state = ANY(%s)""",
        [tenancy.current_merchant_id(), list(order_ids), list(states)],
    ):
        found[order_id][line_id, variant_id, location_id] += quantity
    return dict(found)


def _holds(held: Held, ask: Ask, active: frozenset[int]) -> bool:
    """Say whether this is just what is asked for; a rule or setting that changed asks for it at another place."""
    place = Shelf(0, active_locations=active).place(ask.location_id)
    wanted = {(line.line_id, line.variant_id, place): line.quantity for line in ask.lines if line.quantity > 0}
    return bool(wanted) and dict(held) == wanted


def _again(ask: Ask) -> tuple[Grant, ...]:
    return tuple(
        Grant(ask.order_id, line.line_id, line.variant_id, ask.location_id, line.quantity)
        for line in ask.lines
        if line.quantity > 0
    )


_LOCK = """
SELECT s.id, s.variant_id, s.location_id, s.figure, s.reserved, v.tracked, v.oversell_allowed,
       (SELECT coalesce(array_agg(l.id), '{}') FROM inventory_location l
        WHERE l.store_id = %(store)s AND l.active AND l.fulfills_online)
FROM inventory_stock s JOIN inventory_variant v ON v.id = s.variant_id
WHERE s.variant_id = ANY(%(variants)s) AND v.store_id = %(store)s
ORDER BY s.id FOR UPDATE OF s
"""


def _lock(store_id: int, variant_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    return sql.rows(_LOCK, {"store": store_id, "variants": list(variant_ids)})


def _shelves(
    store_id: int, asks: Sequence[Ask], variant_ids: Sequence[int]
) -> tuple[dict[int, Shelf], dict[tuple[int, int | None], _Row]]:
    """Lock the stock rows and return them as shelves, and by (variant, location); make rows that are missing."""
    shelves, rows = _read(_lock(store_id, variant_ids))
    unseen = set(variant_ids) - shelves.keys()
    active = _active_locations(store_id) if unseen else frozenset()
    missing = {
        (line.variant_id, (shelves.get(line.variant_id) or Shelf(0, active_locations=active)).place(ask.location_id))
        for ask in asks
        for line in ask.lines
    } - rows.keys()
    if missing:  # once a variant and place
        make(store_id, missing)
        shelves, rows = _read(_lock(store_id, variant_ids))
    return shelves, rows


def _active_locations(store_id: int) -> frozenset[int]:
    found = sql.rows("SELECT id FROM inventory_location WHERE store_id = %s AND active AND fulfills_online", [store_id])
    return frozenset(row[0] for row in found)


def shelves_of(variant_ids: Sequence[int]) -> dict[int, Shelf]:
    """Return the shelves of these variants as they are now, without a lock: for pages and messages."""
    found = sql.rows(
        """SELECT s.id, s.variant_id, s.location_id, s.figure, s.reserved, v.tracked, v.oversell_allowed,
                  (SELECT coalesce(array_agg(l.id), '{}') FROM inventory_location l
                   WHERE l.store_id = v.store_id AND l.active AND l.fulfills_online)
           FROM inventory_stock s JOIN inventory_variant v ON v.id = s.variant_id WHERE s.variant_id = ANY(%s)""",
        [list(variant_ids)],
    )
    return _read(found)[0]


def _read(found: Iterable[tuple[Any, ...]]) -> tuple[dict[int, Shelf], dict[tuple[int, int | None], _Row]]:
    figures: dict[int, dict[int, int]] = defaultdict(dict)
    reserved: dict[int, dict[int | None, int]] = defaultdict(dict)
    facts: dict[int, tuple[bool, bool, frozenset[int]]] = {}
    rows: dict[tuple[int, int | None], _Row] = {}
    for stock_id, variant_id, location_id, figure, units, tracked, oversell, active in found:
        rows[variant_id, location_id] = _Row(stock_id, variant_id, location_id)
        reserved[variant_id][location_id] = units
        if location_id is not None:
            figures[variant_id][location_id] = figure
        facts[variant_id] = (tracked, oversell, frozenset(active))
    shelves = {
        variant_id: Shelf(variant_id, tracked, oversell, figures[variant_id], reserved[variant_id], active)
        for variant_id, (tracked, oversell, active) in facts.items()
    }
    return shelves, rows


_WRITE = """
WITH ask AS (
    SELECT * FROM unnest(%(stocks)s::bigint[], %(variants)s::bigint[], %(orders)s::bigint[], %(lines)s::bigint[],
                         %(quantities)s::int[], %(beyond)s::bool[], %(placed)s::bool[])
         AS ask(stock_id, variant_id, order_ref, line_ref, quantity, beyond, placed)),
need AS (
    SELECT stock_id, variant_id, sum(quantity)::int AS units,
           coalesce(sum(quantity) FILTER (WHERE NOT beyond), 0) AS bound
    FROM ask GROUP BY stock_id, variant_id),
moved AS (
    UPDATE inventory_stock s SET reserved = s.reserved + need.units, version = s.version + 1
    FROM need JOIN inventory_variant v ON v.id = need.variant_id
    WHERE s.id = need.stock_id
      AND (need.bound = 0 OR v.tracked = false OR v.oversell_allowed
           OR s.location_id IS NOT NULL AND s.figure - s.reserved >= need.bound
           OR s.location_id IS NULL AND need.bound <= (
                SELECT coalesce(sum(t.figure) FILTER (WHERE l.active AND l.fulfills_online), 0) - sum(t.reserved)
                FROM inventory_stock t LEFT JOIN inventory_location l ON l.id = t.location_id
                WHERE t.variant_id = s.variant_id))
    RETURNING s.id),
kept AS (
    INSERT INTO inventory_reservation (merchant_id, stock_id, variant_id, order_ref, line_ref, quantity, state, placed,
                                       created_at)
    SELECT %(merchant)s, ask.stock_id, ask.variant_id, ask.order_ref, ask.line_ref, ask.quantity, 'kept', ask.placed,
           clock_timestamp()
    FROM ask JOIN moved ON moved.id = ask.stock_id),
noted AS (
    INSERT INTO inventory_ledgerentry
        (merchant_id, stock_id, at, kind, figure_change, reserved_change, order_ref, cause)
    SELECT %(merchant)s, ask.stock_id, clock_timestamp(), 'reserve', 0, ask.quantity, ask.order_ref, %(cause)s
    FROM ask JOIN moved ON moved.id = ask.stock_id)
SELECT (SELECT count(*) FROM need) - (SELECT count(*) FROM moved)
"""


def _write(
    granted: Sequence[Grant], rows: Mapping[tuple[int, int | None], _Row], shelves: Mapping[int, Shelf], cause: str
) -> None:
    """Write the grants in one statement; the condition that the units are there stays in it."""
    strangers = {grant.variant_id for grant in granted if (grant.variant_id, grant.location_id) not in rows}
    if strangers:
        raise LookupError(f"variants {sorted(strangers)} are not of this store")
    stocks = [rows[grant.variant_id, grant.location_id].id for grant in granted]
    only = [shelves[grant.variant_id].active_locations == {grant.location_id} for grant in granted]
    ((refused,),) = sql.rows(
        _WRITE,
        {
            "stocks": stocks,
            "variants": [grant.variant_id for grant in granted],
            "orders": [grant.order_id for grant in granted],
            "lines": [grant.line_id for grant in granted],
            "quantities": [grant.quantity for grant in granted],
            "beyond": [grant.beyond for grant in granted],
            "placed": only,
            "merchant": tenancy.current_merchant_id(),
            "cause": cause[:60],
        },
    )
    if refused:
        raise StockMoved(f"{refused} stock rows no longer had the units that were granted")


# ── between reserving and the store's answer ─────────────────────────────────────────────────────────────────────────


def mark(*, order_ids: Sequence[int], state: str) -> int:
    """Say how far these orders' reservations are: kept, sending or unknown; return how many rows changed.

    Raises ValueError for any other state: handing over, settling and releasing have functions of their own.
    """
    if state not in BEFORE_HAND_OVER:
        raise ValueError(f"{state!r} is not a state before the hand-over")
    return sql.run(
        """UPDATE inventory_reservation SET state = %s
           WHERE merchant_id = %s AND order_ref = ANY(%s) AND state = ANY(%s) AND state <> %s""",
        [state, tenancy.current_merchant_id(), list(order_ids), list(BEFORE_HAND_OVER), state],
    )


HAND_OVER_SQL = f"""
handed AS (
    UPDATE inventory_reservation r SET state = 'handed_over', handed_over_at = clock_timestamp() FROM o
    WHERE r.order_ref = o.id AND r.merchant_id = o.merchant_id AND r.state IN ('kept', 'sending', 'unknown')
    RETURNING r.variant_id),
to_read AS (
    SELECT v.id FROM inventory_variant v WHERE v.id IN (SELECT variant_id FROM handed)
      AND (v.reread_at IS NULL OR v.reread_at > {settling.at("clock_timestamp()")})
    ORDER BY v.id FOR NO KEY UPDATE),
read_soon AS (
    UPDATE inventory_variant v SET reread_at = least(v.reread_at, {settling.at("clock_timestamp()")})
    FROM to_read WHERE v.id = to_read.id)
"""  # noqa: S608 - nothing but our own words is put in
"""The hand-over as a part of a WITH, of the order in its table `o` (id, merchant_id); `handed` gives variant_id of each row.

Parameters: `settling.parameters(platform)`. Run it after the store's answer arrived: the clock is read here. The
variants' settling read is asked for in it; one that is due before stays."""


def hand_over(*, order_id: int, platform: str) -> int:
    """The store answered that the order exists: its units count on until a figure read from now on; return the rows."""
    ((rows,),) = sql.rows(
        f"""WITH o AS (SELECT %(order)s::bigint AS id, %(merchant)s::bigint AS merchant_id), {HAND_OVER_SQL}
            SELECT count(*) FROM handed""",  # noqa: S608
        {"order": order_id, "merchant": tenancy.current_merchant_id(), **settling.parameters(platform)},
    )
    return int(rows)


def waiting_to_leave(store_id: int, *, limit: int = 50) -> list[int]:
    """Return orders whose units the store takes only when the parcel leaves, and whose parcel has not; any of them, so
    that each gets asked about in time."""
    found = sql.rows(
        """SELECT order_ref FROM (
               SELECT DISTINCT r.order_ref FROM inventory_reservation r JOIN inventory_variant v ON v.id = r.variant_id
               WHERE r.merchant_id = %s AND v.store_id = %s AND r.state = 'handed_over' AND r.left_at IS NULL) waiting
           ORDER BY random() LIMIT %s""",
        [tenancy.current_merchant_id(), store_id, limit],
    )
    return [row[0] for row in found]


def left(*, store_id: int, platform: str, order_ids: Sequence[int]) -> int:
    """The store says that these orders were shipped: a figure read from now on shows their units gone. Returns how many
    reservations it was; repeating it changes nothing."""
    found = sql.rows(
        """UPDATE inventory_reservation SET left_at = clock_timestamp()
           WHERE merchant_id = %s AND order_ref = ANY(%s) AND state = 'handed_over' AND left_at IS NULL
           RETURNING variant_id""",
        [tenancy.current_merchant_id(), list(order_ids)],
    )
    watching.read_what_was_told({row[0] for row in found}, store_id, platform)
    return len(found)


# ── release ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_RELEASE = """
WITH ended AS (
    UPDATE inventory_reservation SET state = 'released', ended_at = clock_timestamp()
    WHERE merchant_id = %(merchant)s AND order_ref = ANY(%(orders)s) AND state = ANY(%(states)s)
    RETURNING stock_id, variant_id, order_ref, quantity),
moved AS (
    UPDATE inventory_stock s SET reserved = s.reserved - back.units, version = s.version + 1
    FROM (SELECT stock_id, sum(quantity)::int AS units FROM ended GROUP BY stock_id) back WHERE s.id = back.stock_id),
noted AS (
    INSERT INTO inventory_ledgerentry
        (merchant_id, stock_id, at, kind, figure_change, reserved_change, order_ref, cause)
    SELECT %(merchant)s, stock_id, clock_timestamp(), 'release', 0, -quantity, order_ref, %(cause)s FROM ended)
SELECT v.store_id, ended.variant_id, sum(ended.quantity)::int
FROM ended JOIN inventory_variant v ON v.id = ended.variant_id GROUP BY v.store_id, ended.variant_id
"""


def release(*, order_ids: Sequence[int], cause: str, handed_over: bool = False, wake: bool = True) -> dict[int, int]:
    """Give these orders' units back, once, and wake who waits for them; return {variant: units}.

    Handed-over units belong to the store order and are left alone, unless `handed_over` says that it is known to be
    canceled or gone. Repeating the call gives nothing back and wakes nobody. Without `wake` nobody is told of the
    units: the store has just said that they are not there.
    """
    states = list(COUNTING if handed_over else BEFORE_HAND_OVER)
    facts = {
        "merchant": tenancy.current_merchant_id(),
        "orders": list(order_ids),
        "states": states,
        "cause": cause[:60],
    }
    locked = sql.rows(
        """SELECT id FROM inventory_stock WHERE id IN (
               SELECT stock_id FROM inventory_reservation
               WHERE merchant_id = %(merchant)s AND order_ref = ANY(%(orders)s) AND state = ANY(%(states)s))
           ORDER BY id FOR UPDATE""",
        facts,
    )
    if not locked:
        return {}
    by_store: dict[int, list[int]] = defaultdict(list)
    units: dict[int, int] = {}
    for store_id, variant_id, quantity in sql.rows(_RELEASE, facts):
        by_store[store_id].append(variant_id)
        units[variant_id] = quantity
    for store_id, variant_ids in by_store.items() if wake else ():
        routes.emit("stock.changed", store_id=store_id, variant_ids=sorted(variant_ids))
    return units


def kept_units(order_ids: Sequence[int]) -> dict[int, dict[tuple[int, int | None], int]]:
    """Return {order: {(variant, location): units}} of what these orders keep, location None for *any*; handed-over
    units belong to their store order."""
    found: dict[int, dict[tuple[int, int | None], int]] = {}
    for order_id, held in _held(order_ids, BEFORE_HAND_OVER).items():
        units: dict[tuple[int, int | None], int] = defaultdict(int)
        for (_line, variant_id, location_id), quantity in held.items():
            units[variant_id, location_id] += quantity
        found[order_id] = dict(units)
    return found
