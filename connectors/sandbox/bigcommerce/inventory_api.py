"""Stock and locations of the V3 API: reading, and the two adjustments.

Adjustments are asynchronous: the answer is a transaction id, and reads show the change only after a moment. How long is
not documented; here it follows the limit profile, and the fault `search_lag` makes it longer.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from connectors.sandbox.bigcommerce import paging, stock
from connectors.sandbox.bigcommerce.errors import Refused
from connectors.sandbox.bigcommerce.state import LOCATIONS, Doc, free, key_of

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

MOST_ITEMS = 2000
LARGEST_PAGE = 1000


# Reading


def identity(variant: Doc) -> Doc:
    """Return what names a stock item."""
    named: Doc = {"sku": variant["sku"], "variant_id": variant["id"], "product_id": variant["product_id"]}
    if variant["options"]:
        named["sku_id"] = stock.sku_id(variant)
    return named


def _level(level: Doc) -> Doc:
    return {
        "available_to_sell": free(level),
        "total_inventory_onhand": level["onhand"],
        "settings": {
            "safety_stock": level["safety"],
            "is_in_stock": free(level) > 0,
            "warning_level": 0,
            "bin_picking_number": "",
        },
    }


def _chosen(context: Context) -> list[Doc]:
    rows = context.state.variants_of[context.hash]
    skus = paging.texts(context, "sku:in")
    if skus is not None:
        found = {doc["id"]: doc for sku in skus for doc in context.state.by_sku.get((context.hash, sku), [])}
        rows = [found[number] for number in sorted(found)]
    for name in ("variant_id", "product_id"):
        wanted = paging.numbers(context, f"{name}:in")
        if wanted is not None:
            field = "id" if name == "variant_id" else name
            rows = [doc for doc in rows if doc[field] in wanted]
    return [doc for doc in rows if stock.tracked(context, doc)]


def items(context: Context) -> Any:
    """``get-inventory-items``: tracked goods only, with their figures a location."""
    ids, codes = paging.numbers(context, "location_id:in"), paging.texts(context, "location_code:in")
    places = [
        place
        for place in context.state.locations_of[context.hash]
        if (ids is None or place["id"] in ids) and (codes is None or place["code"] in codes)
    ]
    seen = context.seen_until("get-inventory-items")

    def shape(variant: Doc) -> Doc:
        levels = context.state.levels_at(context.state.stock_doc(variant), seen)
        rows = []
        for place in places:
            level = levels.get(str(place["id"]), {"onhand": 0, "safety": 0})
            named = {"location_id": place["id"], "location_code": place["code"], "location_name": place["label"]}
            rows.append({**named, "location_enabled": place["enabled"], **_level(level)})
        return {"identity": identity(variant), "locations": rows}

    return paging.v3(context, _chosen(context), shape, largest=LARGEST_PAGE)


def location_items(context: Context) -> Any:
    """``get-location-inventory-items``."""
    place = context.params["id"]
    if key_of(context.hash, place) not in context.face.core.world.table(LOCATIONS):
        raise Refused(404, "Location not found", errors={})
    seen = context.seen_until("get-location-inventory-items")

    def shape(variant: Doc) -> Doc:
        levels = context.state.levels_at(context.state.stock_doc(variant), seen)
        level = levels.get(place, {"onhand": 0, "safety": 0})
        named = {name: value for name, value in identity(variant).items() if name != "sku_id"}
        return {"identity": named, **_level(level)}

    return paging.v3(context, _chosen(context), shape, largest=LARGEST_PAGE)


# Adjusting


def _places(context: Context) -> set[str]:
    return {str(place["id"]) for place in context.state.locations_of[context.hash]}


def _target(context: Context, row: Doc, n: int, errors: Doc) -> Doc | None:
    """Return the stock document an adjustment names; a way of naming that does not fit the tracking is an error."""
    state, prefix = context.state, f"items[{n}]"
    named = [name for name in ("sku", "variant_id", "product_id") if row.get(name)]
    if len(named) != 1:
        errors[prefix] = "exactly one of sku, variant_id and product_id is required"
        return None
    if named == ["product_id"]:
        product = state.products.get(key_of(context.hash, row["product_id"]))
        if product is None:
            errors[f"{prefix}.product_id"] = "product not found"
        elif product["inventory_tracking"] == "variant":
            errors[f"{prefix}.product_id"] = "tracked by variant, please update stock by variant id or sku"
        elif product["inventory_tracking"] == "none":
            errors[f"{prefix}.product_id"] = "inventory is not tracked for this product"
        else:
            return product
        return None
    if named == ["sku"]:
        same = state.by_sku.get((context.hash, str(row["sku"])), [])
        variant = same[0] if len(same) == 1 else None
    else:
        variant = state.variants.get(key_of(context.hash, row["variant_id"]))
    if variant is None:
        errors[f"{prefix}.{named[0]}"] = "variant not found"
        return None
    tracking = state.product_of(variant)["inventory_tracking"]
    if tracking == "none":
        errors[f"{prefix}.{named[0]}"] = "inventory is not tracked for this product"
        return None
    # A product without options has its SKU itself: by that name its stock can be set.
    if tracking == "product" and (named == ["variant_id"] or variant["options"]):
        errors[f"{prefix}.{named[0]}"] = "tracked by product, please update stock by product id"
        return None
    return state.stock_doc(variant)


def _read(context: Context, *, low: int) -> list[tuple[Doc, str, int]]:
    """Return (stock document, location, quantity) of each item; every mistake is told at once (422)."""
    body = context.body if isinstance(context.body, dict) else {}
    given = body.get("items")
    if not isinstance(given, list) or not 0 < len(given) <= MOST_ITEMS:
        raise Refused(422, "Incorrect entity.", errors={"items": f"1 to {MOST_ITEMS} items are required"})
    errors: Doc = {}
    read = []
    for n, row in enumerate(given):
        if not isinstance(row, dict):
            errors[f"items[{n}]"] = "must be an object"
            continue
        units: Any = row.get("quantity")
        place = str(row.get("location_id"))
        if isinstance(units, bool) or not isinstance(units, int) or not low <= units <= 10**9:
            errors[f"items[{n}].quantity"] = "must be a whole number"
        if place not in _places(context):
            errors[f"items[{n}].location_id"] = "location not found"
        target = _target(context, row, n, errors)
        if target is not None:
            read.append((target, place, units))
    if errors:
        raise Refused(422, "Incorrect entity.", errors=errors)
    return read


def _done(context: Context, changes: list[tuple[Doc, str, int]]) -> Doc:
    number = str(uuid.uuid4())
    for doc, place, units in changes:
        stock.move(context, doc, place, units, by_order=False)
        context.record(
            "stock.set",
            None,
            doc["id"],
            {
                "sku": doc["sku"],
                "product_id": doc.get("product_id", doc["id"]),
                "location": place,
                "change": units,
                "onhand": doc["levels"][place]["onhand"],
            },
        )
    return {"transaction_id": number}


def absolute(context: Context) -> Any:
    """``put-absolute-adjustment``: sets what is on hand; never refused for shortage."""
    return _done(
        context,
        [(doc, place, units - _onhand(doc, place)) for doc, place, units in _read(context, low=0)],
    )


def relative(context: Context) -> Any:
    """``post-relative-adjustment``: adds or takes away; refused where nothing was ever set, or nothing would be left."""
    read = _read(context, low=-(10**9))
    errors: Doc = {}
    for n, (doc, place, units) in enumerate(read):
        if place not in doc["levels"]:
            errors[f"items[{n}]"] = "an absolute adjustment must be made before a relative one"
        elif _onhand(doc, place) + units < 0:
            errors[f"items[{n}].quantity"] = "there are not so many units"
    if errors:
        raise Refused(422, "Incorrect entity.", errors=errors)
    return _done(context, read)


def _onhand(doc: Doc, place: str) -> int:
    return int(doc["levels"].get(place, {"onhand": 0})["onhand"])


def settings(context: Context) -> Any:
    """``put-location-inventory-items``: safety stock at a location."""
    place = context.params["id"]
    given = context.body.get("settings") if isinstance(context.body, dict) else None
    if place not in _places(context) or not isinstance(given, list) or not given:
        raise Refused(422, "Incorrect entity.", errors={"settings": "required"})
    errors: Doc = {}
    found = []
    for n, row in enumerate(given):
        identity_given = row.get("identity") if isinstance(row, dict) else None
        safety: Any = row.get("safety_stock", 0) if isinstance(row, dict) else None
        if not isinstance(identity_given, dict):
            errors[f"settings[{n}].identity"] = "must be an object"
            continue
        if isinstance(safety, bool) or not isinstance(safety, int) or not 0 <= safety <= 10**9:
            errors[f"settings[{n}].safety_stock"] = "must be a whole number"
        target = _target(context, identity_given, n, errors)
        if target is not None:
            found.append((target, safety))
    if errors:
        raise Refused(422, "Incorrect entity.", errors=errors)
    for doc, safety in found:
        context.state.remember(doc, context.moment)
        doc["levels"].setdefault(place, {"onhand": 0, "safety": 0})["safety"] = safety
        context.state.save(stock.table_of(doc), doc)
        stock.tell_change(context, doc, by_order=False)
    return {"transaction_id": str(uuid.uuid4())}


# Locations


def locations(context: Context) -> Any:
    """``getLocations``."""
    query = context.query
    rows = context.state.locations_of[context.hash]
    ids, codes = paging.numbers(context, "location_id:in"), paging.texts(context, "location_code:in")
    rows = [doc for doc in rows if (ids is None or doc["id"] in ids) and (codes is None or doc["code"] in codes)]
    if "is_active" in query:
        rows = [doc for doc in rows if doc["enabled"] == (query["is_active"].lower() == "true")]
    if "is_default" in query:
        rows = [doc for doc in rows if (doc["id"] == 1) == (query["is_default"].lower() == "true")]
    return paging.v3(context, rows, lambda doc: location_shape(context, doc))


def location_shape(context: Context, doc: Doc) -> Doc:
    """Return a location."""
    home = doc["address"]
    day = {"open": True, "opening": "08:00", "closing": "16:00"}
    days = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    return {
        "id": doc["id"],
        "code": doc["code"],
        "label": doc["label"],
        "description": doc["description"],
        "managed_by_external_source": False,
        "type_id": "PHYSICAL",
        "enabled": doc["enabled"],
        "operating_hours": {name: dict(day) for name in days},
        "time_zone": doc["time_zone"],
        "created_at": doc["created_at"],
        "updated_at": doc["updated_at"],
        "address": {
            "address1": home["address1"],
            "address2": "",
            "city": home["city"],
            "state": home["provinceCode"],
            "zip": home["zip"],
            "email": context.store["email"],
            "phone": "",
            "geo_coordinates": {"latitude": 0.0, "longitude": 0.0},
            "country_code": home["countryCode"],
        },
        "storefront_visibility": True,
        "special_hours": [],
    }
