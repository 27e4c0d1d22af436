"""Stock in the pretend store: when an order takes units, from where, and when they go back.

One rule, `settle`: what an order has taken must fit its status and the store's setting. Decided where the documents are
silent: orders in the statuses Incomplete, Refunded, Cancelled and Declined take nothing; all others take everything when
`update_stock_behavior` is `order_placed`; when it is `order_completed_or_shipped`, shipped units are taken as they are
shipped, and Shipped or Completed takes the rest. Cancelling or refunding gives units back if
`refund_order_stock_adjustment` is on (settings.v3). An order's units come from the first enabled location that has all of
them, else from several in their order.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from connectors.sandbox.bigcommerce.state import PRODUCTS, VARIANTS, Doc, free, key_of

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

INCOMPLETE, PENDING, SHIPPED, PARTIALLY_SHIPPED, REFUNDED, CANCELED, DECLINED = 0, 1, 2, 3, 4, 5, 6
COMPLETED = 10
TAKES_NOTHING = frozenset({INCOMPLETE, REFUNDED, CANCELED, DECLINED})
DONE = frozenset({SHIPPED, COMPLETED})


def table_of(doc: Doc) -> str:
    """Return the table a stock document is in."""
    return VARIANTS if "product_id" in doc else PRODUCTS


def behavior(context: Context, channel_id: int) -> Doc:
    """Return the inventory settings in force for orders of a channel: its own, else the store's."""
    own = context.store["inventory_of_channel"].get(str(channel_id), {})
    return {**context.store["inventory"], **{name: value for name, value in own.items() if value is not None}}


def variant_of(context: Context, line: Doc) -> Doc | None:
    """Return the variant of an order's line, None for a custom line or one that is gone from the catalog."""
    return context.state.variants.get(key_of(context.hash, line["variant_id"])) if line["variant_id"] else None


def tracked(context: Context, variant: Doc) -> bool:
    """Say whether there is a number of units of this variant at all."""
    return bool(context.state.product_of(variant)["inventory_tracking"] != "none")


def move(context: Context, doc: Doc, place: str, units: int, *, by_order: bool) -> None:
    """Change what a stock document has at a location by a difference, and tell the subscribers."""
    context.state.remember(doc, context.moment)
    level = doc["levels"].setdefault(place, {"onhand": 0, "safety": 0})
    level["onhand"] += units
    context.state.save(table_of(doc), doc)
    tell_change(context, doc, by_order=by_order)


def tell_change(context: Context, doc: Doc, *, by_order: bool) -> None:
    """Announce a stock document's new figure: under `…/inventory/order/updated` when an order caused it."""
    value = context.state.available(doc)
    tail = "order/updated" if by_order else "updated"
    if table_of(doc) == PRODUCTS:
        inventory = {"product_id": doc["id"], "method": "absolute", "value": value}
        context.tell(f"store/product/inventory/{tail}", {"type": "product", "id": doc["id"], "inventory": inventory})
        return
    inventory = {"product_id": doc["product_id"], "method": "absolute", "value": value, "variant_id": doc["id"]}
    context.tell(f"store/sku/inventory/{tail}", {"type": "sku", "id": sku_id(doc), "inventory": inventory})


def sku_id(variant: Doc) -> int:
    """Return the number BigCommerce still keeps for a variant's SKU; it is not the variant's id."""
    return int(variant["id"]) - 400


def short(context: Context, needs: list[tuple[Doc, int]]) -> list[tuple[Doc, int]]:
    """Return the variants an order asks too much of, each with the units there are. Sums up equal ones."""
    wanted: dict[str, int] = defaultdict(int)
    found: dict[str, tuple[Doc, int]] = {}
    for variant, units in needs:
        if not tracked(context, variant):
            continue
        doc = context.state.stock_doc(variant)
        name = f"{table_of(doc)}:{doc['id']}"
        wanted[name] += units
        there = context.state.available(doc)
        if wanted[name] > there:
            found.setdefault(name, (variant, there))
    return list(found.values())


def settle(context: Context, order: Doc, *, restock: bool | None = None) -> None:
    """Make what each line has taken fit the order's status; announces every change. The caller saves the order.

    `restock` says whether a canceled order gives its units back, where a person decided that; None: by the setting.
    """
    settings = behavior(context, order["channel_id"])
    gives_back = settings["refund_order_stock_adjustment"] if restock is None else restock
    status = order["status_id"]
    for line in order["lines"]:
        variant = variant_of(context, line)
        if variant is None or not tracked(context, variant):
            continue
        doc = context.state.stock_doc(variant)
        have, due = sum(line["taken"].values()), line["quantity"] - line["back"]
        if status in TAKES_NOTHING:
            if gives_back:
                give_back(context, line, doc, have)
            _promise(context, line, doc, 0)
            continue
        at_once = settings["update_stock_behavior"] == "order_placed"
        wanted = due if at_once or status in DONE else min(due, line["shipped"])
        if wanted > have:
            _take(context, line, doc, wanted - have)
        _promise(context, line, doc, max(0, due - max(wanted, have)))


def _take(context: Context, line: Doc, doc: Doc, units: int) -> None:
    """Take units of a stock document: from one place if one has all of them, the rest from the default one."""
    places = [str(place["id"]) for place in context.state.enabled_locations(context.hash)]
    there = {place: max(0, free(doc["levels"][place])) for place in places if place in doc["levels"]}
    whole = next((place for place, n in there.items() if n >= units), None)
    shares: dict[str, int] = {whole: units} if whole else {}
    left = 0 if whole else units
    for place, n in there.items():
        if left and n:
            shares[place] = min(n, left)
            left -= shares[place]
    if left:
        first = places[0] if places else next(iter(doc["levels"]), "1")
        shares[first] = shares.get(first, 0) + left
    for place, n in shares.items():
        line["taken"][place] = line["taken"].get(place, 0) + n
        move(context, doc, place, -n, by_order=True)


def give_back(context: Context, line: Doc, doc: Doc, units: int) -> None:
    """Put units a line had taken back where they came from, the last place first."""
    for place in reversed(list(line["taken"])):
        n = min(units, line["taken"][place])
        if n:
            line["taken"][place] -= n
            units -= n
            move(context, doc, place, n, by_order=True)
        if not line["taken"][place]:
            del line["taken"][place]


def _promise(context: Context, line: Doc, doc: Doc, units: int) -> None:
    """Note how many units a line will take later; only the oversold alarm looks at it."""
    if units != line["promised"]:
        doc["promised"] += units - line["promised"]
        line["promised"] = units
        context.state.save(table_of(doc), doc)


def forget_promises(context: Context, order: Doc) -> None:
    """Note that an order will take nothing more."""
    for line in order["lines"]:
        variant = variant_of(context, line)
        if variant is not None and line["promised"]:
            _promise(context, line, context.state.stock_doc(variant), 0)


def watch_oversold(context: Context, order: Doc) -> None:
    """Record the alarm `oversold` for what this order sold beyond what the store has, promised units counted."""
    units_of: dict[str, int] = defaultdict(int)
    variants: dict[str, Doc] = {}
    for line in order["lines"]:
        variant = variant_of(context, line)
        if variant is not None and tracked(context, variant):
            units_of[key_of(context.hash, variant["id"])] += line["quantity"]
            variants[key_of(context.hash, variant["id"])] = variant
    for key, variant in variants.items():
        doc = context.state.stock_doc(variant)
        left = context.state.available(doc) - doc["promised"]
        if left < 0 and order["status_id"] not in TAKES_NOTHING:
            alarm = {
                "order": str(order["id"]),
                "sku": variant["sku"],
                "variant": str(variant["id"]),
                "sold": units_of[key],
                "missing": -left,
                "update_stock_behavior": behavior(context, order["channel_id"])["update_stock_behavior"],
                "create_anyway": "salestio_create_anyway" in order["staff_notes"],
            }
            context.record("oversold", order["external_order_id"], order["id"], alarm)
