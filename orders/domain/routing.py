"""Which orders become store orders: the creation matrix (F15-F20) and what stands in the way. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.contract.types import InventoryRule

READY = "READY"
RESTING = frozenset(
    [
        "NOT_PAID_YET",
        "FBA_NOT_SHIPPED",
        "ADDRESS_MISSING",
        "ADDRESS_WITHHELD",
        "CANCEL_REQUESTED",
        "UNREADABLE",
        "TOO_OLD",
    ]
)
"""What an order rests with because of its own facts; it goes on once a newer reading tells others."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What of an order decides its way."""

    status: str
    fulfilled_by: str
    has_address: bool
    shipped_when_seen: bool
    problem: str
    lines: int
    purchased_at: datetime
    address_withheld: bool = False
    """The marketplace never tells where to ship (Etsy's region rules)."""
    cancel_requested: bool = False
    """A cancellation of the whole order is in play at the marketplace."""
    takes_stock: bool = False
    """Shipped before it was imported, and the merchant wants its units taken from stock (F30)."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What of the settings decides it."""

    import_orders: bool = True
    order_type: str = "merchant"
    """merchant, marketplace or both (F18)."""
    older_allowed: bool = False
    """The store lets us see orders older than 60 days."""
    withheld_address: str = "placeholder"
    """placeholder or hold: what becomes of an order whose address is never told."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where the order goes: READY to be matched and sent, or a state with a reason code."""

    code: str
    state: str = ""
    inventory: InventoryRule = InventoryRule.OBEY
    fulfilled: bool = False

    @property
    def ready(self) -> bool:
        return self.code == READY

    @property
    def frees_units(self) -> bool:
        """Whether units reserved for the order are given back: it ended, or the merchant's stock does not serve it.

        An order that only rests (its address vanished, its cancellation is being decided) was sold all the same.
        """
        return self.state in ("canceled", "skipped") or self.code in ("NOT_PAID_YET", "FBA_NOT_SHIPPED")


def way(
    order: OrderFacts,
    wishes: Wishes,
    *,
    now: datetime,
    asked: bool = False,
    by_hand: bool = False,
    create_anyway: bool = False,
) -> Way:
    """Decide what becomes of the order now.

    `asked`: a person chose it for export some time, alone, with others or in a back-fill; that overrides settings (import
    off, FBA or FBM filtered, age), whatever it waits for meanwhile. `by_hand` is the Export button of this moment, in
    front of the order's page: it also decides what only somebody who sees the order can (refunded, to be canceled, no
    address). Neither overrides facts.
    """
    if order.status == "canceled":
        return Way("CANCELED", "canceled")
    if order.problem:
        return Way("UNREADABLE", "held")
    if order.status == "incomplete":
        return Way("NOT_PAID_YET", "imported")
    if order.status == "refunded" and not by_hand:
        return Way("REFUNDED", "skipped")
    if not order.lines:
        return Way("CANCELED", "canceled")
    if not (asked or by_hand):
        if not wishes.import_orders:
            return Way("IMPORT_OFF", "skipped")
        if order.fulfilled_by == "marketplace" and wishes.order_type == "merchant":
            return Way("FBA_FILTERED", "skipped")
        if order.fulfilled_by == "merchant" and wishes.order_type == "marketplace":
            return Way("FBM_FILTERED", "skipped")
        if now - order.purchased_at > timedelta(days=50) and not wishes.older_allowed:
            return Way("TOO_OLD", "held")
    if order.fulfilled_by == "marketplace":
        if order.status != "shipped" and not by_hand:
            return Way("FBA_NOT_SHIPPED", "imported")
        return Way(READY, inventory=InventoryRule.NONE, fulfilled=order.status == "shipped")
    if order.cancel_requested and not by_hand:
        return Way("CANCEL_REQUESTED", "held")
    if not order.has_address:
        if not order.address_withheld:
            return Way("ADDRESS_MISSING", "waiting")
        if wishes.withheld_address == "hold" and not by_hand:
            return Way("ADDRESS_WITHHELD", "held")
    if order.shipped_when_seen and order.status == "shipped":
        inventory = InventoryRule.NONE
        if order.takes_stock:
            inventory = InventoryRule.IGNORE if create_anyway else InventoryRule.OBEY
        return Way(READY, inventory=inventory, fulfilled=True)
    return Way(READY, inventory=InventoryRule.IGNORE if create_anyway else InventoryRule.OBEY)
