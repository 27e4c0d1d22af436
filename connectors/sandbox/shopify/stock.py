"""Stock in the pretend shop: where an order's units come from, and what happens to them afterwards.

Routing: a line goes to the first active location that fulfills online orders and has all of it, else it is split over
the
locations in their order, and it is refused only when the sum is short. Claiming moves units from *available* to
*committed*; fulfilling
takes them out of *committed*; on hand is always the sum of the two.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from connectors.sandbox.shopify.state import LEVELS, VARIANTS, Doc

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context

BYPASS, IGNORING, OBEYING = "BYPASS", "DECREMENT_IGNORING_POLICY", "DECREMENT_OBEYING_POLICY"

Share = tuple[str, int, int]
"""(location gid, units of the line placed there, units of it claimed from that location's stock)."""


class Short(Exception):
    """The sum over the locations is less than an order needs of a variant whose policy is deny."""


def route(ctx: Context, needs: list[tuple[Doc | None, int]], behaviour: str) -> list[list[Share]]:
    """Decide for each line (variant or None for a custom line, units) where it is placed and what it claims; changes
    nothing.

    Raises Short when ``behaviour`` is to obey the policy and a tracked variant with policy deny lacks units. All or
    nothing.
    """
    state = ctx.state
    places = [place["id"] for place in state.online_locations(ctx.shop)] or [
        p["id"] for p in state.locations_of[ctx.shop]
    ]
    taken: dict[tuple[str, str], int] = defaultdict(int)
    plan: list[list[Share]] = []
    for variant, units in needs:
        if variant is None:
            plan.append([(places[0], units, 0)])
            continue
        levels = state.levels_of[variant["item"]]
        stocked = [place for place in places if place in levels] or places[:1]
        free = {p: (levels[p]["available"] if p in levels else 0) - taken[variant["item"], p] for p in stocked}
        whole = next((p for p in stocked if free[p] >= units), None)
        if behaviour == BYPASS or not variant["tracked"]:
            plan.append([(whole or stocked[0], units, 0)])
            continue
        shares = [(whole, units)] if whole else _split(free, stocked, units)
        missing = units - sum(n for _, n in shares)
        if missing:
            if behaviour == OBEYING and variant["inventoryPolicy"] == "DENY":
                raise Short(variant["sku"])
            shares = _add(shares, stocked[0], missing)
        for place, n in shares:
            taken[variant["item"], place] += n
        plan.append([(place, n, n) for place, n in shares])
    return plan


def _split(free: dict[str, int], places: list[str], units: int) -> list[tuple[str, int]]:
    shares = []
    for place in places:
        part = min(max(free[place], 0), units)
        if part:
            shares.append((place, part))
            units -= part
    return shares


def _add(shares: list[tuple[str, int]], place: str, units: int) -> list[tuple[str, int]]:
    held = dict(shares)
    held[place] = held.get(place, 0) + units
    return list(held.items())


def claim(ctx: Context, variant: Doc, shares: list[Share]) -> None:
    """Move the claimed units of a line from available to committed."""
    for place, _, claimed in shares:
        if claimed:
            move(ctx, variant["item"], place, available=-claimed, committed=claimed)


def move(ctx: Context, item: str, place: str, *, available: int = 0, committed: int = 0) -> None:
    """Change an item's stock at a location by differences, and tell the subscribers when ``available`` changed."""
    level = ctx.state.levels_of[item].get(place)
    if level is None:
        level = ctx.new_level(item, place)
    level["available"] += available
    level["committed"] += committed
    level["updatedAt"] = ctx.now
    ctx.state.save(LEVELS, level)
    if available:
        ctx.tell_stock(level)


def release(ctx: Context, fulfillment_order: Doc, line: Doc, units: int, *, restock: bool) -> None:
    """Take ``units`` of a fulfillment order's line back: out of committed, and into available when they are restocked.

    Units the order never claimed (BYPASS, stock not tracked) move nothing.
    """
    units = min(units, line["remaining"])
    claimed = min(units, line["claimed"])
    line["remaining"] -= units
    line["claimed"] -= claimed
    if claimed:
        move(ctx, line["item"], fulfillment_order["location"], available=claimed if restock else 0, committed=-claimed)
    variant = ctx.state.variants.get(line["variant"] or "")
    if variant is not None and line.get("beyond"):
        back = min(units, line["beyond"])
        line["beyond"] -= back
        variant["beyond"] = max(0, variant["beyond"] - back)
        ctx.state.save(VARIANTS, variant)


def ship(ctx: Context, fulfillment_order: Doc, line: Doc, units: int) -> None:
    """Send ``units`` off: they leave committed; available does not change."""
    units = min(units, line["remaining"])
    claimed = min(units, line["claimed"])
    line["remaining"] -= units
    line["claimed"] -= claimed
    if claimed:
        move(ctx, line["item"], fulfillment_order["location"], committed=-claimed)


def relocate(ctx: Context, line: Doc, source: str, target: str) -> None:
    """Move a line's claim to another location: free at the one, claimed at the other (it may go below zero there)."""
    claimed = line["claimed"]
    if claimed:
        move(ctx, line["item"], source, available=claimed, committed=-claimed)
        move(ctx, line["item"], target, available=-claimed, committed=claimed)


def watch_oversold(
    ctx: Context, order: Doc, needs: list[tuple[Doc | None, int]], behaviour: str, *, merchant_ships: bool
) -> None:
    """Record the alarm ``oversold`` for each variant of which this unfulfilled order sold more than the shop had.

    Looked at from outside the claim: available before the order, less what earlier orders sold past the stock (BYPASS
    claims nothing, so
    those are counted in the variant's ``beyond``). Only tracked variants with policy deny count; the claims are already
    made.
    """
    units_of: dict[str, int] = defaultdict(int)
    for variant, units in needs:
        if variant is not None and variant["tracked"] and variant["inventoryPolicy"] == "DENY":
            units_of[variant["id"]] += units
    for variant_id, units in units_of.items():
        variant = ctx.state.variants[variant_id]
        left = sum(level["available"] for level in ctx.state.stock_of(variant)) - variant["beyond"]
        if behaviour == BYPASS:
            if not merchant_ships:
                continue
            left -= units
            variant["beyond"] += units
            ctx.state.save(VARIANTS, variant)
            _note_beyond(order, variant_id, units)
        if left < 0:
            ctx.record(
                "oversold", order.get("sourceIdentifier"), order["id"], _alarm(order, variant, units, left, behaviour)
            )


def _note_beyond(order: Doc, variant_id: str, units: int) -> None:
    """Remember on the order's lines what it sold past the stock, so that a cancellation takes it back."""
    for fulfillment_order in order["fulfillmentOrders"]:
        for line in fulfillment_order["lines"]:
            if line["variant"] == variant_id and units:
                line["beyond"] = min(units, line["remaining"])
                units -= line["beyond"]


def _alarm(order: Doc, variant: Doc, units: int, left: int, behaviour: str) -> dict[str, Any]:
    anyway = "salestio_create_anyway"
    wanted = any(tag.casefold() == anyway for tag in order["tags"]) or any(
        attribute["key"] == anyway and str(attribute["value"]).casefold() not in ("", "false", "0")
        for attribute in order["customAttributes"]
    )
    return {
        "order": order["name"],
        "sku": variant["sku"],
        "variant": variant["id"],
        "sold": units,
        "missing": -left,
        "inventory_behaviour": behaviour,
        "create_anyway": wanted,
    }
