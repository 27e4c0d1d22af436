"""What the merchant does by hand in the pretend store's admin; used by its pages and by the control API.

These are not writes of an API client, so they are not in the write record; webhooks go out as for any change. Bad input
raises `Refusal`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connectors.sandbox.by_hand import choice, flag, text, whole
from connectors.sandbox.control_input import only
from connectors.sandbox.platforms import Refusal
from connectors.sandbox.shopify import payloads_shop, shipping, stock, undoing
from connectors.sandbox.shopify.money import cents, load, parse
from connectors.sandbox.shopify.payloads import currencies_of
from connectors.sandbox.shopify.state import PRODUCTS, SHOPS, VARIANTS, Doc, level_doc, product_doc, variant_doc

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context

PLANS = ("development", "standard", "advanced", "plus", "enterprise")
STATUSES = ("active", "draft", "archived")


def price(value: Any, field: str = "price") -> str:
    """Read a price: a decimal string, not negative."""
    try:
        amount = parse(value)
    except ValueError:
        amount = Decimal(-1)
    if amount < 0 or isinstance(value, (bool, float)):
        raise Refusal(field, "must be a decimal string such as 12.50, not negative")
    return str(cents(amount, "USD"))


def place_of(context: Context, given: Any) -> Doc:
    """Return the location of that id or name; without one the first."""
    places = context.state.locations_of[context.shop]
    if given is None:
        return places[0]
    found = next((p for p in places if given in (p["id"], p["name"])), None)
    if found is None:
        raise Refusal("location", "there is no such location")
    return found


_VARIANT_FIELDS = ("available", "location", "price", "new_sku", "tracked", "policy", "barcode", "status", "deleted")


def change_variant(context: Context, variant: Doc, body: Doc) -> None:
    """Change a variant: stock at a location, price, SKU, barcode, tracking, policy, its product's status; or delete
    it."""
    only(body, *_VARIANT_FIELDS)
    read = _read_changes(context, body)
    state, product = context.state, context.state.products[variant["product"]]
    if body.get("deleted"):
        _delete(context, product, variant)
        return
    if "available" in read:
        level = state.levels_of[variant["item"]].get(read["location"]["id"])
        before = level["available"] if level else 0
        if read["available"] != before or level is None:
            stock.move(context, variant["item"], read["location"]["id"], available=read["available"] - before)
    if "new_sku" in read:
        state.resku(variant, read["new_sku"])
    for ours, theirs in (
        ("price", "price"),
        ("barcode", "barcode"),
        ("policy", "inventoryPolicy"),
        ("tracked", "tracked"),
    ):
        if ours in read:
            variant[theirs] = read[ours]
    if "status" in read:
        product["status"] = read["status"]
    if set(read) - {"available", "location"}:
        variant["updatedAt"] = product["updatedAt"] = context.now
        state.save(PRODUCTS, product)
        context.tell("PRODUCTS_UPDATE", lambda: payloads_shop.product(context, product))
    if {"new_sku", "tracked"} & set(read):
        variant["itemUpdatedAt"] = context.now
        context.tell("INVENTORY_ITEMS_UPDATE", lambda: payloads_shop.inventory_item(variant))
    state.save(VARIANTS, variant)


def _read_changes(context: Context, body: Doc) -> Doc:
    """Check every field before anything is changed."""
    read: Doc = {}
    if "available" in body:
        read["available"] = whole(body["available"], "available")
        read["location"] = place_of(context, body.get("location"))
    elif "location" in body:
        raise Refusal("location", "is only used together with available")
    if "price" in body:
        read["price"] = price(body["price"])
    if "new_sku" in body:
        read["new_sku"] = text(body["new_sku"], "new_sku", blank=True)
    if "barcode" in body:
        read["barcode"] = text(body["barcode"], "barcode", blank=True) or None if body["barcode"] is not None else None
    if "tracked" in body:
        read["tracked"] = flag(body["tracked"], "tracked")
    if "policy" in body:
        read["policy"] = choice(body["policy"], "policy", ("deny", "continue")).upper()
    if "status" in body:
        read["status"] = choice(body["status"], "status", STATUSES).upper()
    if "deleted" in body:
        flag(body["deleted"], "deleted")
    return read


def _delete(context: Context, product: Doc, variant: Doc) -> None:
    last = len(context.state.variants_of_product[product["id"]]) == 1
    context.state.remove_variant(variant)
    if last:
        context.tell("PRODUCTS_DELETE", lambda: payloads_shop.deleted(product["id"]))
        return
    product["updatedAt"] = context.now
    context.state.save(PRODUCTS, product)
    context.tell("PRODUCTS_UPDATE", lambda: payloads_shop.product(context, product))


_NEW_FIELDS = (
    "product_title",
    "options",
    "sku",
    "price",
    "available",
    "tracked",
    "policy",
    "barcode",
    "status",
    "bundle",
    "modifiers",
)


def add_product(context: Context, body: Doc) -> Doc:
    """Make a product with one variant, stocked at every location: ``available`` at the first, none at the others.
    Returns the variant."""
    only(body, *_NEW_FIELDS)
    for name in ("product_title", "sku", "price", "available"):
        if name not in body:
            raise Refusal(name, "is needed")
    if body.get("modifiers"):
        raise Refusal("modifiers", "do not exist in a Shopify store")
    options = body.get("options") or {}
    if not isinstance(options, dict) or len(options) > 3 or not all(isinstance(v, str) for v in options.values()):
        raise Refusal("options", "must be at most three {name: value} pairs of texts")
    state, shop = context.state, context.shop
    entry = {
        "title": text(body["product_title"], "product_title"),
        "vendor": context.shop_doc["name"],
        "status": choice(body.get("status", "active"), "status", STATUSES),
        "option_names": list(options),
    }
    row = {
        "sku": text(body["sku"], "sku", blank=True),
        "options": options,
        "price": price(body["price"]),
        "barcode": text(body["barcode"], "barcode") if body.get("barcode") else None,
        "tracked": flag(body.get("tracked", True), "tracked"),
        "policy": choice(body.get("policy", "deny"), "policy", ("deny", "continue")),
        "components": _bundle(context, body.get("bundle")),
    }
    units = whole(body["available"], "available")
    product = product_doc(shop, state.new_id("Product"), entry, context.now)
    variant = variant_doc(product, state.new_id("ProductVariant"), state.new_id("InventoryItem"), 1, row, context.now)
    levels = [
        level_doc(shop, variant["item"], place["id"], units if n == 0 else 0, context.now)
        for n, place in enumerate(state.locations_of[shop])
    ]
    state.add_product(product, [variant], levels)
    context.tell("PRODUCTS_CREATE", lambda: payloads_shop.product(context, product))
    return variant


def _bundle(context: Context, given: Any) -> list[Doc]:
    """Read a bundle's components: [{sku, quantity}]."""
    if not given:
        return []
    if not isinstance(given, list):
        raise Refusal("bundle", "must be a list of {sku, quantity}")
    parts = []
    for entry in given:
        found = (
            context.state.by_sku.get((context.shop, str(entry.get("sku", "")).casefold()))
            if isinstance(entry, dict)
            else None
        )
        if not found:
            raise Refusal("bundle", "names a SKU the store does not have")
        parts.append({"variant": found[0]["id"], "quantity": whole(entry.get("quantity", 1), "bundle", low=1)})
    return parts


# Orders


def _lines(order: Doc, given: Any) -> dict[str, int] | None:
    """Read [{sku or id, quantity}] into {line gid: units}; None when no lines were named."""
    if given is None:
        return None
    if not isinstance(given, list) or not given:
        raise Refusal("lines", "must be a list of {sku, quantity}")
    wanted: dict[str, int] = {}
    for entry in given:
        name = entry.get("id") or entry.get("sku") if isinstance(entry, dict) else None
        line = next((x for x in order["lines"] if name and name in (x["id"], x["sku"])), None)
        if line is None:
            raise Refusal("lines", f"the order has no line {name}")
        wanted[line["id"]] = wanted.get(line["id"], 0) + whole(entry.get("quantity", line["quantity"]), "lines", low=1)
    return wanted


def ship(context: Context, order: Doc, body: Doc) -> None:
    """Ship the named lines, or all that is left; one parcel for each location the units leave from."""
    if order.get("cancelledAt"):
        raise Refusal("order", "is canceled", 409)
    wanted = _lines(order, body.get("lines"))
    carrier, number = body.get("carrier"), body.get("tracking")
    tracking = shipping.tracking({"company": carrier, "number": number} if carrier or number else None)
    by_place: dict[str, list[tuple[Doc, list[tuple[Doc, int]]]]] = {}
    for fulfillment_order in order["fulfillmentOrders"]:
        if fulfillment_order["status"] not in ("OPEN", "IN_PROGRESS"):
            continue
        parts = []
        for line in fulfillment_order["lines"]:
            units = line["remaining"] if wanted is None else min(line["remaining"], wanted.get(line["line"], 0))
            if units:
                parts.append((line, units))
                if wanted is not None:
                    wanted[line["line"]] -= units
        if parts:
            by_place.setdefault(fulfillment_order["location"], []).append((fulfillment_order, parts))
    if wanted is not None and any(wanted.values()):
        raise Refusal("lines", "name more units than are left to ship")
    if not by_place:
        raise Refusal("order", "has nothing left to ship", 409)
    for place, chosen in by_place.items():
        context.fulfillment(order, chosen, place, tracking)


def cancel(context: Context, order: Doc, body: Doc) -> None:
    """Cancel an order of which nothing was shipped."""
    if order.get("cancelledAt"):
        raise Refusal("order", "is canceled already", 409)
    if any(entry["status"] == "SUCCESS" for entry in order["fulfillments"]):
        raise Refusal("order", "has shipped units and cannot be canceled", 409)
    undoing.cancel_now(context, order, reason="CUSTOMER", restock=flag(body.get("restock", True), "restock"))


def refund(context: Context, order: Doc, body: Doc) -> None:
    """Refund lines, an amount, or both; without either all that is left of the order.

    Units not shipped go back to stock, shipped ones do not, unless ``restock`` says otherwise.
    """
    wanted = _lines(order, body.get("lines"))
    amount = body.get("amount")
    if wanted is None and amount is None:
        wanted = {
            line["id"]: line["quantity"] - line["removed"]
            for line in order["lines"]
            if line["quantity"] > line["removed"]
        }
    rows = []
    for line_id, units in (wanted or {}).items():
        unshipped = _unshipped(order, line_id)
        restock = body.get("restock")
        back, gone = min(units, unshipped), max(units - unshipped, 0)
        if back:
            rows.append(
                {"lineItemId": line_id, "quantity": back, "restockType": "NO_RESTOCK" if restock is False else "CANCEL"}
            )
        if gone:
            place = order["fulfillmentOrders"][0]["location"]
            kind = "RETURN" if restock else "NO_RESTOCK"
            rows.append({"lineItemId": line_id, "quantity": gone, "restockType": kind, "locationId": place})
    given_back = (
        price(amount, "amount")
        if amount is not None
        else str(_worth(order, wanted or {}, whole_order=body.get("lines") is None))
    )
    transactions = (
        [{"amount": given_back, "gateway": "manual", "kind": "REFUND", "orderId": order["id"]}]
        if Decimal(given_back)
        else []
    )
    asked = {
        "orderId": order["id"],
        "currency": order["presentmentCurrencyCode"],
        "refundLineItems": rows,
        "transactions": transactions,
        "note": "Refunded by hand",
    }
    answer = undoing.refund(context, asked)
    if answer["userErrors"]:
        raise Refusal("refund", answer["userErrors"][0]["message"], 409)


def _unshipped(order: Doc, line_id: str) -> int:
    return sum(
        line["remaining"]
        for fulfillment_order in order["fulfillmentOrders"]
        if fulfillment_order["status"] != "CANCELLED"
        for line in fulfillment_order["lines"]
        if line["line"] == line_id
    )


def _worth(order: Doc, wanted: dict[str, int], *, whole_order: bool) -> Decimal:
    """What the units cost the buyer, with tax; for the whole order what was paid and not yet given back."""
    from connectors.sandbox.shopify import totals

    currency = currencies_of(order)[0]
    left = totals.received(order)[0] - totals.refunded(order)[0]
    if whole_order:
        return cents(max(left, Decimal(0)), currency)
    worth = Decimal(0)
    for line in order["lines"]:
        units = wanted.get(line["id"], 0)
        if units:
            net = load(line["price"])[0] * line["quantity"] - load(line["discount"])[0]
            tax = Decimal(0) if order["taxesIncluded"] else totals.tax_of(line["taxLines"])[0]
            worth += (net + tax) * units / line["quantity"]
    return cents(min(worth, max(left, Decimal(0))), currency)


# The shop


def settings(context: Context, body: Doc) -> None:
    """Change the plan and the switches of the pretend shop."""
    shop = context.shop_doc
    read: Doc = {}
    for name, value in body.items():
        if name == "plan":
            read["plan"] = choice(value, name, PLANS)
        elif name == "id_metafield":
            read["idMetafield"] = choice(value, name, ("refuse", "ignore"))
        elif name == "bulk_operations":
            read["bulkOperations"] = flag(value, name)
        else:
            raise Refusal(name, "not known; known are plan, id_metafield, bulk_operations")
    shop.update(read)
    shop["updatedAt"] = context.now
    context.state.save(SHOPS, shop)
    context.tell("SHOP_UPDATE", lambda: payloads_shop.shop(shop))
