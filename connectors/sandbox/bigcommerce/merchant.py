"""What the merchant does by hand in the pretend control panel; used by its pages and by the control API.

These are not writes of an API client, so they are not in the write record; webhooks go out as for any change. Bad input
raises `Refusal`.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from connectors.sandbox.bigcommerce import catalog_api, order_life, order_shapes, stock, store_api
from connectors.sandbox.bigcommerce.errors import Refused
from connectors.sandbox.bigcommerce.state import PLANS, PRODUCTS, VARIANTS, Doc, build_product, free
from connectors.sandbox.by_hand import choice, flag, text, whole
from connectors.sandbox.control_input import only
from connectors.sandbox.platforms import Refusal

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

STATUSES = ("active", "hidden", "draft", "archived")
TRACKING = ("none", "product", "variant")


def price(value: Any, field: str = "price") -> str:
    """Read a price: a decimal string, not negative."""
    try:
        amount = Decimal(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else Decimal(-1)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount < 10**9:
        raise Refusal(field, "must be a decimal string such as 12.50, not negative")
    return str(amount.quantize(Decimal("0.01")))


def place_of(context: Context, given: Any) -> Doc:
    """Return the location of that id or name; without one the first."""
    places = context.state.locations_of[context.hash]
    if given is None:
        return places[0]
    found = next((place for place in places if str(given) in (str(place["id"]), place["label"])), None)
    if found is None:
        raise Refusal("location", "there is no such location")
    return found


# Goods

_VARIANT_FIELDS = (
    "available",
    "location",
    "price",
    "new_sku",
    "tracked",
    "tracking",
    "policy",
    "barcode",
    "status",
    "minimum",
    "maximum",
    "deleted",
)


def change_variant(context: Context, variant: Doc, body: Doc) -> None:
    """Change a variant: stock at a location, price, SKU, barcode; what its product is: tracking, visibility, least and
    most units of an order; or delete it."""
    only(body, *_VARIANT_FIELDS)
    read = _read_changes(context, body)
    state, product = context.state, context.state.product_of(variant)
    if body.get("deleted"):
        delete_variant(context, variant)
        return
    if "tracking" in read:
        set_tracking(context, product, read["tracking"])
    if "tracked" in read and read["tracked"] != (product["inventory_tracking"] != "none"):
        set_tracking(context, product, ("variant" if product["options"] else "product") if read["tracked"] else "none")
    if "available" in read:
        doc, place = state.stock_doc(variant), str(read["location"]["id"])
        level = doc["levels"].get(place, {"onhand": 0, "safety": 0})
        if read["available"] != free(level) or place not in doc["levels"]:
            stock.move(context, doc, place, read["available"] - free(level), by_order=False)
    if "new_sku" in read:
        state.resku(variant, read["new_sku"])
    for ours, theirs in (("price", "price"), ("barcode", "upc")):
        if ours in read:
            variant[theirs] = read[ours]
            if not variant["options"]:
                product[theirs] = read[ours]
    if "status" in read:
        product["is_visible"] = read["status"] == "active"
    for ours in ("minimum", "maximum"):
        if ours in read:
            product[f"order_quantity_{ours}"] = read[ours]
    if read.keys() - {"available", "location"}:
        state.save(VARIANTS, variant)
        catalog_api.touched(context, product)
        named = {"product_id": product["id"], "variant_id": variant["id"]}
        if variant["options"]:
            context.tell("store/sku/updated", {"type": "sku", "id": stock.sku_id(variant), "sku": named})


def _read_changes(context: Context, body: Doc) -> Doc:
    read: Doc = {}
    if "available" in body:
        read["available"] = whole(body["available"], "available")
        read["location"] = place_of(context, body.get("location"))
    if "price" in body:
        read["price"] = price(body["price"])
    if "new_sku" in body:
        read["new_sku"] = text(body["new_sku"], "new_sku", blank=True)
    if "barcode" in body:
        read["barcode"] = text(body["barcode"] or "", "barcode", blank=True)
    if "tracked" in body:
        read["tracked"] = flag(body["tracked"], "tracked")
    if "tracking" in body:
        read["tracking"] = choice(body["tracking"], "tracking", TRACKING)
    if "policy" in body and choice(body["policy"], "policy", ("deny", "continue")) == "continue":
        raise Refusal("policy", "BigCommerce sells on at zero only what it does not track: use tracked")
    if "status" in body:
        read["status"] = choice(body["status"], "status", STATUSES)
    for name in ("minimum", "maximum"):
        if name in body:
            read[name] = whole(body[name], name, low=0)
    if "deleted" in body:
        flag(body["deleted"], "deleted")
    return read


def set_tracking(context: Context, product: Doc, tracking: str) -> None:
    """Change what of a product is counted. Coming to count by product, its variants' units are added up."""
    if tracking == "variant" and not product["options"]:
        raise Refusal("tracking", "this product has no variants")
    if tracking == "product" and product["inventory_tracking"] == "variant":
        summed: Doc = {}
        for variant in context.state.variants_in(product):
            for place, level in variant["levels"].items():
                there = summed.setdefault(place, {"onhand": 0, "safety": 0})
                there["onhand"] += level["onhand"]
                there["safety"] += level["safety"]
        product["levels"] = summed
    product["inventory_tracking"] = tracking
    context.state.save(PRODUCTS, product)


def delete_variant(context: Context, variant: Doc) -> None:
    """Delete a variant, and its product with the last one."""
    product = context.state.product_of(variant)
    if context.state.remove_variant(variant):
        context.tell("store/product/deleted", {"type": "product", "id": product["id"]})
        return
    named = {"product_id": product["id"], "variant_id": variant["id"]}
    context.tell("store/sku/deleted", {"type": "sku", "id": stock.sku_id(variant), "sku": named})


_PRODUCT_FIELDS = (
    "product_title",
    "options",
    "sku",
    "price",
    "available",
    "tracked",
    "policy",
    "barcode",
    "status",
    "modifiers",
    "bundle",
)


def add_product(context: Context, body: Doc) -> Doc:
    """Make a new product of one variant; returns the variant. All units lie at the first location."""
    only(body, *_PRODUCT_FIELDS)
    if body.get("bundle"):
        raise Refusal("bundle", "BigCommerce's catalog has no bundles")
    if choice(body.get("policy", "deny"), "policy", ("deny", "continue")) == "continue":
        raise Refusal("policy", "BigCommerce sells on at zero only what it does not track: use tracked")
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise Refusal("options", "must be an object of texts")
    status = choice(body.get("status", "active"), "status", STATUSES)
    modifiers = body.get("modifiers") or []
    if not isinstance(modifiers, list):
        raise Refusal("modifiers", "a list is wanted")
    places = context.state.locations_of[context.hash]
    units = whole(body.get("available", 0), "available")
    entry: Doc = {
        "title": text(body.get("product_title"), "product_title"),
        "option_names": [text(name, "options") for name in options],
        "visible": status == "active",
        "modifiers": [_modifier(given, n) for n, given in enumerate(modifiers)],
        "variants": [
            {
                "sku": text(body.get("sku", ""), "sku", blank=True),
                "options": {name: text(value, "options") for name, value in options.items()},
                "price": price(body.get("price")),
                "barcode": text(body.get("barcode") or "", "barcode", blank=True),
                "tracked": flag(body.get("tracked", True), "tracked"),
                "stock": [units] + [0] * (len(places) - 1),
            }
        ],
    }
    number = context.state.next_id(context.hash, "product", 1000)
    variant_number = context.state.next_id(context.hash, "variant", 10_000)
    product, variants = build_product(context.hash, number, variant_number, entry, places, context.now)
    context.state.add_product(product, variants)
    context.tell("store/product/created", {"type": "product", "id": number})
    return variants[0]


def _modifier(given: Any, n: int) -> Doc:
    if isinstance(given, str):
        given = {"name": given}
    if not isinstance(given, dict):
        raise Refusal(f"modifiers.{n}", "an object with name, kind, values and required is wanted")
    values = given.get("values") or []
    if not isinstance(values, list):
        raise Refusal(f"modifiers.{n}.values", "a list is wanted")
    values = [text(value, f"modifiers.{n}.values") for value in values]
    kind = choice(given.get("kind", "choice" if values else "text"), f"modifiers.{n}.kind", ("text", "choice"))
    required = flag(given.get("required", True), f"modifiers.{n}.required")
    return {
        "name": text(given.get("name"), f"modifiers.{n}.name"),
        "kind": kind,
        "values": values,
        "required": required,
    }


# Orders


def _lines(doc: Doc, given: Any) -> list[tuple[Doc, int]] | None:
    """Read `lines` of `{sku or id, quantity?}`: (line, units asked for, 0 for all there are)."""
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        raise Refusal("lines", "a list of objects is wanted")
    found = []
    for row in given:
        named = str(row.get("id", "")), row.get("sku")
        line = next((line for line in doc["lines"] if str(line["id"]) == named[0] or line["sku"] == named[1]), None)
        if line is None:
            raise Refusal("lines", "name a line the order has not")
        found.append((line, whole(row["quantity"], "quantity", low=1) if "quantity" in row else 0))
    return found


def _left(line: Doc) -> int:
    return int(line["quantity"] - line["back"] - line["shipped"])


def ship(context: Context, doc: Doc, body: Doc) -> None:
    """Ship all that is left, or the lines named."""
    only(body, "carrier", "tracking", "lines")
    asked = _lines(doc, body.get("lines"))
    if asked is None:
        asked = [(line, 0) for line in doc["lines"] if _left(line)]
    items = [{"order_product_id": line["id"], "quantity": units or _left(line)} for line, units in asked]
    if not items or any(item["quantity"] < 1 for item in items):
        raise Refusal("order", "has nothing left to ship", 409)
    carrier = str(body.get("carrier") or "")
    codes = {name.casefold(): code for code, name in order_shapes.PROVIDERS.items()}
    given = {
        "order_address_id": doc["shipping"][0]["id"],
        "items": items,
        "tracking_number": str(body.get("tracking") or ""),
        "shipping_provider": codes.get(carrier.casefold(), ""),
        "tracking_carrier": carrier.lower(),
        "shipping_method": doc["shipping"][0]["method"],
    }
    _by_hand(order_life.ship, context, doc, given)


def cancel(context: Context, doc: Doc, body: Doc) -> None:
    """Cancel an order. Units go back by the store's setting, unless `restock` says otherwise."""
    only(body, "restock")
    if doc["status_id"] == stock.CANCELED:
        raise Refusal("order", "is canceled already", 409)
    restock = flag(body["restock"], "restock") if "restock" in body else None
    order_life.set_status(context, doc, stock.CANCELED, restock=restock)


def refund(context: Context, doc: Doc, body: Doc) -> None:
    """Refund lines, an amount, or both; without either all that is left of the order."""
    only(body, "amount", "lines", "restock")
    asked, amount = _lines(doc, body.get("lines")), body.get("amount")
    items: list[Doc] = []
    for line, units in asked or []:
        items.append(
            {"item_type": "PRODUCT", "item_id": line["id"], "quantity": units or line["quantity"] - line["refunded"]}
        )
    if amount is not None:
        items.append({"item_type": "ORDER", "item_id": doc["id"], "amount": price(amount, "amount")})
    if not items:
        left = order_life.refundable(doc)
        if left <= 0:
            raise Refusal("order", "has nothing left to refund", 409)
        whole_lines = [line for line in doc["lines"] if line["quantity"] > line["refunded"]]
        worth = Decimal(0)
        for line in whole_lines:
            units = line["quantity"] - line["refunded"]
            part = Decimal(line["price"]["inc"]) * units
            if worth + part > left:
                continue
            worth += part
            items.append({"item_type": "PRODUCT", "item_id": line["id"], "quantity": units})
        if left > worth:
            items.append({"item_type": "ORDER", "item_id": doc["id"], "amount": str(left - worth)})
    restock = flag(body.get("restock", True), "restock")

    def give(context: Context, doc: Doc, items: list[Doc]) -> Doc:
        return order_life.refund(context, doc, order_life.refund_parts(doc, items), "custom", restock=restock)

    _by_hand(give, context, doc, items)


def _by_hand(act: Any, context: Context, doc: Doc, given: Any) -> None:
    """Do what an app could do too; the API's refusal becomes one for people."""
    try:
        act(context, doc, given)
    except Refused as refused:
        raise Refusal("order", refused.message, 409) from None


# The store


def settings(context: Context, body: Doc) -> None:
    """Change the store's plan, its tax rate, its e-mail's fate, and its inventory settings."""
    store = context.store
    own: Doc = {}
    inventory: Doc = {}
    for name, value in body.items():
        if name == "plan":
            own["plan"] = choice(value, name, tuple(PLANS))
        elif name == "tax_rate":
            own["tax_rate"] = str(Decimal(price(value, name)))
        elif name in store_api.INVENTORY_SETTINGS:
            try:
                inventory[name] = store_api.read_setting(name, value)
            except Refused as refused:
                raise Refusal(name, refused.message) from None
        else:
            raise Refusal(name, f"not known; known are plan, tax_rate, {', '.join(store_api.INVENTORY_SETTINGS)}")
    store.update(own)
    store["inventory"].update(inventory)
    context.state.save_store(store)
    context.tell("store/information/updated", {"type": "store"})
