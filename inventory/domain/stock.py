"""What is available, who gets it, and when a reservation ends. Pure (MECHANISMS 3, 5, 6).

Units are whole numbers; a location is our own id of it, and None stands for *any* location of the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

# ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AskLine:
    """One order line's wish: so many units of a variant. Lines of zero units ask for nothing."""

    line_id: int
    variant_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Ask:
    """What one order needs, all or nothing."""

    order_id: int
    paid_at: datetime
    lines: tuple[AskLine, ...]
    location_id: int | None
    """The default warehouse: tested and reserved only there. None leaves the place to the store."""
    ignore_policy: bool = False
    """*Create anyway*: granted even below zero (F65)."""
    may_pass: bool = False
    """A person pressed Export: this order need not wait its turn."""
    label: str = ""
    """What the merchant calls the order, for those who wait behind it in the same batch."""
    lets_pass: bool = False
    """Its parcel left before the order was imported: nobody waits behind it."""

    def wanted(self) -> dict[int, tuple[AskLine, ...]]:
        """Return the lines by variant, in the order of the lines; a variant on two lines is one wish."""
        found: dict[int, tuple[AskLine, ...]] = {}
        for line in self.lines:
            if line.quantity > 0:
                found[line.variant_id] = (*found.get(line.variant_id, ()), line)
        return found


@dataclass(frozen=True, slots=True)
class Turn:
    """An order, outside this batch, that waits for units of a variant already."""

    paid_at: datetime
    order_id: int
    label: str
    """What the merchant calls it: the marketplace order id."""
    quantity: int
    location_id: int | None = None
    """Where it waits for them; None is *any* location."""


# ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Shelf:
    """One variant's figures and reserved units by location."""

    variant_id: int
    tracked: bool = True
    """False: the store does not count this variant."""
    oversell_allowed: bool = False
    """The store sells on at zero (Shopify policy *continue*)."""
    figures: Mapping[int, int] = field(default_factory=dict)
    reserved: Mapping[int | None, int] = field(default_factory=dict)
    active_locations: frozenset[int] = frozenset()
    """The store's active locations that fulfill online orders."""

    @property
    def unlimited(self) -> bool:
        """Say whether units are reserved for the record only and never refused (MECHANISMS 5)."""
        return self.oversell_allowed or not self.tracked

    def place(self, location_id: int | None) -> int | None:
        """Return where to reserve: the place asked for, or the only one there is, or None for *any*."""
        if location_id is None and len(self.active_locations) == 1:
            return next(iter(self.active_locations))
        return location_id

    def available(self, location_id: int | None) -> int:
        """Return the units free at a location, or in the store; below zero when it is oversold.

        At one location, what is reserved *anywhere* counts too, because the store may take it from there.
        """
        if location_id is not None:
            here = self.figures.get(location_id, 0) - self.reserved.get(location_id, 0)
            return here - self.reserved.get(None, 0)
        shown = sum(units for place, units in self.figures.items() if place in self.active_locations)
        return shown - sum(self.reserved.values())

    def with_reserved(self, location_id: int | None, quantity: int) -> Shelf:
        """Return the shelf with `quantity` more units reserved there."""
        now = {**self.reserved, location_id: self.reserved.get(location_id, 0) + quantity}
        return replace(self, reserved=now)


# ── who gets it ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Grant:
    """Units promised to one order line."""

    order_id: int
    line_id: int
    variant_id: int
    location_id: int | None
    quantity: int
    beyond: bool = False
    """Granted whatever the figure says (Create anyway, not tracked, oversell allowed)."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """What one order lacks of one variant; several lines of it are summed, `line_id` is the first of them."""

    line_id: int
    variant_id: int
    wanted: int
    available: int
    """Never below zero here: it is read by a merchant."""
    location_id: int | None
    ahead: str = ""
    """The oldest order that waits for the same variant and comes first; empty when nobody does."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Who gets units, and for each order that does not, everything it lacks."""

    granted: tuple[Grant, ...] = ()
    short: Mapping[int, tuple[Shortage, ...]] = field(default_factory=dict)

    @property
    def granted_orders(self) -> frozenset[int]:
        return frozenset(grant.order_id for grant in self.granted)


def allocate(
    asks: Iterable[Ask],
    shelves: Mapping[int, Shelf],
    ahead: Mapping[int, Sequence[Turn]] | None = None,
) -> Allocation:
    """Decide who gets units: oldest paid first, all or nothing an order, nobody passes an older order that waits for
    units of the same place.

    `ahead` names orders outside the batch that wait for a variant; those of the batch are told apart by their id.
    A variant without a shelf has nothing.
    """
    queue = sorted(asks, key=lambda ask: (ask.paid_at, ask.order_id))
    batch = {ask.order_id for ask in queue}
    turns = {
        variant_id: sorted((t for t in waiting if t.order_id not in batch), key=lambda t: (t.paid_at, t.order_id))
        for variant_id, waiting in (ahead or {}).items()
    }
    now = dict(shelves)
    granted: list[Grant] = []
    short: dict[int, tuple[Shortage, ...]] = {}
    refused: dict[int, list[tuple[int | None, str]]] = {}  # variant → (place, who waits for it), of this batch
    for ask in queue:
        lacks = _shortages(ask, now, turns, refused)
        if lacks:
            short[ask.order_id] = lacks
            for lack in () if ask.lets_pass else lacks:
                refused.setdefault(lack.variant_id, []).append(
                    (lack.location_id, lack.ahead or ask.label or _SOME_ORDER)
                )
            continue
        for variant_id, lines in ask.wanted().items():
            shelf = now.get(variant_id) or Shelf(variant_id)
            place = shelf.place(ask.location_id)
            beyond = ask.ignore_policy or shelf.unlimited
            granted += [Grant(ask.order_id, line.line_id, variant_id, place, line.quantity, beyond) for line in lines]
            now[variant_id] = shelf.with_reserved(place, sum(line.quantity for line in lines))
    return Allocation(tuple(granted), short)


_SOME_ORDER = "an older order"


def _shortages(
    ask: Ask,
    shelves: Mapping[int, Shelf],
    turns: Mapping[int, Sequence[Turn]],
    refused: Mapping[int, Sequence[tuple[int | None, str]]],
) -> tuple[Shortage, ...]:
    """Return every variant this order lacks, with who comes first."""
    if ask.ignore_policy:
        return ()
    lacks = []
    for variant_id, lines in ask.wanted().items():
        shelf = shelves.get(variant_id) or Shelf(variant_id)
        if shelf.unlimited:
            continue
        place = shelf.place(ask.location_id)
        wanted = sum(line.quantity for line in lines)
        free = shelf.available(place)
        first = "" if ask.may_pass else _ahead(ask, place, turns.get(variant_id, ()), refused.get(variant_id, ()))
        if free < wanted or first:
            lacks.append(Shortage(lines[0].line_id, variant_id, wanted, max(free, 0), place, first))
    return tuple(lacks)


def _ahead(ask: Ask, place: int | None, waiting: Sequence[Turn], refused: Sequence[tuple[int | None, str]]) -> str:
    """Return the oldest order whose turn comes first. One that waits for another place only is not in the way."""
    for turn in waiting:
        if (turn.paid_at, turn.order_id) < (ask.paid_at, ask.order_id) and _meet(turn.location_id, place):
            return turn.label
    return next((label for elsewhere, label in refused if _meet(elsewhere, place)), "")


def _meet(one: int | None, other: int | None) -> bool:
    """Say whether orders at these two places may want the same units; *any* meets every place."""
    return one is None or other is None or one == other


# ── the clock of one stock row ───────────────────────────────────────────────────────────────────────────────────────


class InsufficientStock(Exception):
    """There are not that many units available."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Units whose store order exists since `at`, our database's time after the store's answer arrived."""

    quantity: int
    at: float


@dataclass(frozen=True, slots=True)
class Stock:
    """One stock row under the one clock of MECHANISMS 6: what `inventory/stock.py` does in SQL, as plain data.

    Times are seconds of one clock, the database's. The store's own times are never looked at.
    """

    figure: int = 0
    as_of: float = float("-inf")
    """When the read left whose answer the figure is."""
    kept: int = 0
    handed_over: tuple[HandedOver, ...] = ()

    @property
    def reserved(self) -> int:
        return self.kept + sum(units.quantity for units in self.handed_over)

    @property
    def available(self) -> int:
        return self.figure - self.reserved

    def reserve(self, quantity: int) -> Stock:
        """Keep units. Raises `InsufficientStock` when there are not that many."""
        if quantity > self.available:
            raise InsufficientStock(f"{quantity} wanted, {self.available} available")
        return replace(self, kept=self.kept + quantity)

    def release(self, quantity: int) -> Stock:
        """Give kept units back. Raises ValueError for more than are kept."""
        if quantity > self.kept:
            raise ValueError(f"{quantity} to release, {self.kept} kept")
        return replace(self, kept=self.kept - quantity)

    def hand_over(self, quantity: int, *, at: float) -> Stock:
        """The store answered that its order exists: the units go on counting until a later figure."""
        kept = self.release(quantity).kept
        return replace(self, kept=kept, handed_over=(*self.handed_over, HandedOver(quantity, at)))

    def settle(self, *, figure: int, as_of: float) -> Stock:
        """A read came back: store its figure unless it is not newer, and end what it shows already."""
        if as_of <= self.as_of:
            return self
        still = tuple(units for units in self.handed_over if units.at >= as_of)
        return replace(self, figure=figure, as_of=as_of, handed_over=still)
