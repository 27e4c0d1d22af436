"""Open API v3, listings and their inventory, read only. A listing is all products that share its number."""

from __future__ import annotations

from decimal import Decimal

from aiohttp import web

from connectors.sandbox.etsy.common import ETSY, Caller, Etsy, enter, own_shop, refused, whole
from connectors.sandbox.etsy.personalization import question_id
from connectors.sandbox.etsy.shapes import profile_id, property_values, seconds
from connectors.sandbox.etsy.state import Doc, money, number

_STATES = ("active", "inactive", "sold_out", "draft", "expired")
_INCLUDES = (
    "Shipping",
    "Images",
    "Shop",
    "User",
    "Translations",
    "Inventory",
    "Videos",
    "Personalization",
    "BuyerPrice",
)
_DAYS_120_MS = 120 * 86_400_000
"""A listing runs four months."""
_MOST = 100


def setup(app: web.Application) -> None:
    """Add the routes."""
    base = "/etsy/v3/application"
    app.router.add_get(f"{base}/shops/{{shop_id}}/listings", get_listings_by_shop)
    app.router.add_get(f"{base}/listings/batch/inventory", get_inventories)
    app.router.add_get(f"{base}/listings/{{listing_id}}", get_listing)
    app.router.add_get(f"{base}/listings/{{listing_id}}/inventory", get_inventory)


async def get_listings_by_shop(request: web.Request) -> web.Response:
    """One page of a shop's listings of one state, newest first."""
    caller = await enter(request, "getListingsByShop", "listings_r")
    etsy = request.app[ETSY]
    shop = own_shop(etsy, caller, request.match_info["shop_id"])
    query = request.query
    state = query.get("state", "active")
    if state not in _STATES:
        raise refused(400, f"Invalid value for parameter 'state': must be one of {', '.join(_STATES)}")
    limit = int(whole(query.get("limit", "25"), "limit", 1, _MOST))
    offset = int(whole(query.get("offset", "0"), "offset", 0))
    includes = _includes(request, _INCLUDES)
    items = {row["item_id"]: None for row in etsy.state.rows_of[shop["key"]] if row["state"] == state}
    cut = list(items)[::-1][offset : offset + limit]
    rows = [listing_json(etsy, etsy.state.by_item[item], owner=True, includes=includes) for item in cut]
    return web.json_response({"count": len(items), "results": rows})


def _includes(request: web.Request, allowed: tuple[str, ...]) -> set[str]:
    """Return the associations asked for, given with commas or again and again; refuses others."""
    values = {part for value in request.query.getall("includes", []) for part in value.split(",") if part}
    wrong = sorted(values - set(allowed))
    if wrong:
        raise refused(400, f"Invalid value for parameter 'includes': {wrong[0]!r}")
    return values


def _rows(etsy: Etsy, listing_id: str) -> list[Doc]:
    rows = etsy.state.by_item.get(whole(listing_id, "listing_id"), [])
    if not rows:
        raise refused(404, f"Could not find a Listing with listing_id = {listing_id}")
    return rows


async def get_listing(request: web.Request) -> web.Response:
    """One listing; its SKUs are shown to its owner only, and its stock by the inventory calls only (since July 2026)."""
    caller = await enter(request, "getListing")
    etsy = request.app[ETSY]
    includes = _includes(request, tuple(name for name in _INCLUDES if name not in ("Shipping", "Inventory")))
    rows = _rows(etsy, request.match_info["listing_id"])
    return web.json_response(listing_json(etsy, rows, owner=_owns(caller, rows), includes=includes))


def _owns(caller: Caller, rows: list[Doc]) -> bool:
    return bool(caller.shop) and rows[0]["shop"] == caller.shop and "listings_r" in caller.scopes


async def get_inventory(request: web.Request) -> web.Response:
    """The products of one listing, their prices and quantities."""
    caller = await enter(request, "getListingInventory", "listings_r")
    etsy = request.app[ETSY]
    rows = _rows(etsy, request.match_info["listing_id"])
    if not _owns(caller, rows):
        raise refused(404, f"Could not find a Listing with listing_id = {request.match_info['listing_id']}")
    body = inventory_json(etsy, rows)
    if request.query.get("includes") == "Listing":
        body["listing"] = listing_json(etsy, rows, owner=True, includes=set(), plain=True)
    return web.json_response(body)


async def get_inventories(request: web.Request) -> web.Response:
    """Up to a hundred listings with their inventory; one unknown number refuses them all."""
    caller = await enter(request, "getListingsInventoryByListingIds", "listings_r")
    etsy = request.app[ETSY]
    given = [part for value in request.query.getall("listing_ids", []) for part in value.split(",") if part]
    if not 1 <= len(given) <= _MOST:
        raise refused(400, f"Invalid value for parameter 'listing_ids': 1 to {_MOST} are wanted")
    found = []
    for listing_id in dict.fromkeys(given):
        rows = _rows(etsy, listing_id)
        if not _owns(caller, rows):
            raise refused(404, f"Could not find a Listing with listing_id = {listing_id}")
        found.append(listing_json(etsy, rows, owner=True, includes={"Inventory"}))
    return web.json_response({"count": len(found), "results": found})


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def listing_json(etsy: Etsy, rows: list[Doc], *, owner: bool, includes: set[str], plain: bool = False) -> Doc:
    """Return a listing; `plain` leaves out what is only shown with associations."""
    first = rows[0]
    shop = etsy.state.shops[first["shop"]]
    cheapest = min(rows, key=lambda row: Decimal(row["price"]))
    questions = first["personalization"]
    shown = {
        **_identity(first, shop),
        **_times(rows),
        "quantity": sum(row["quantity"] for row in rows),
        "shop_section_id": None,
        "featured_rank": -1,
        "num_favorers": 4,
        "non_taxable": False,
        "is_taxable": True,
        "is_customizable": True,
        "is_personalizable": bool(questions),
        "listing_type": "download" if first["digital"] else "physical",
        "tags": [],
        "materials": [],
        "shipping_profile_id": None if first["digital"] else profile_id(shop),
        "return_policy_id": None,
        "processing_min": None,
        "processing_max": None,
        "who_made": "i_did",
        "when_made": "2020_2026",
        "is_supply": False,
        "item_weight": float(first["grams"]),
        "item_weight_unit": "g",
        "item_length": None,
        "item_width": None,
        "item_height": None,
        "item_dimensions_unit": None,
        "is_private": False,
        "style": [],
        "file_data": "1 PDF" if first["digital"] else "",
        "has_variations": len(rows) > 1,
        "should_auto_renew": False,
        "language": "en-US",
        "price": money(Decimal(cheapest["price"]), shop["currency"]),
        "taxonomy_id": 6633,
        "readiness_state_id": None if first["digital"] else readiness(shop),
        "suggested_title": None,
    }
    if plain:
        return shown
    shown["skus"] = sorted({row["sku"] for row in rows if row["sku"]}) if owner else []
    shown["views"] = 0
    if "Inventory" in includes:
        shown["inventory"] = inventory_json(etsy, rows)
    if "Personalization" in includes:
        shown["personalization"] = _personalization(first) if questions else None
    return shown


def _identity(first: Doc, shop: Doc) -> Doc:
    return {
        "listing_id": int(first["item_id"]),
        "user_id": shop["user_id"],
        "shop_id": int(shop["key"]),
        "title": first["title"],
        "description": f"{first['title']}, made in small batches.",
        "rich_description": None,
        "state": first["state"],
        "url": f"https://www.etsy.com/listing/{first['item_id']}",
    }


def _times(rows: list[Doc]) -> Doc:
    created = rows[0]["created_ms"]
    changed = seconds(max(row["updated_ms"] for row in rows))
    return {
        "creation_timestamp": seconds(created),
        "created_timestamp": seconds(created),
        "ending_timestamp": seconds(max(row["updated_ms"] for row in rows) + _DAYS_120_MS),
        "original_creation_timestamp": seconds(created),
        "last_modified_timestamp": changed,
        "updated_timestamp": changed,
        "state_timestamp": changed,
    }


def readiness(shop: Doc) -> int:
    """Return the id of the shop's one processing profile."""
    return number(f"readiness:{shop['key']}", 1_300_000_000_000, 9_000_000_000)


def inventory_json(etsy: Etsy, rows: list[Doc]) -> Doc:
    """Return the products of a listing; price, quantity and SKU vary by every property the products have."""
    shop = etsy.state.shops[rows[0]["shop"]]
    varies = [values["property_id"] for values in property_values(rows[0]["variation"])] if len(rows) > 1 else []
    products = [
        {
            "product_id": row["product_id"],
            "sku": row["sku"],
            "is_deleted": False,
            "offerings": [
                {
                    "offering_id": row["product_id"] + 1_000_000_000,
                    "quantity": min(999, row["quantity"]),
                    "is_enabled": True,
                    "is_deleted": False,
                    "price": money(Decimal(row["price"]), shop["currency"]),
                    "readiness_state_id": None if row["digital"] else readiness(shop),
                }
            ],
            "property_values": property_values(row["variation"]),
        }
        for row in rows
    ]
    return {
        "products": products,
        "price_on_property": varies if len({row["price"] for row in rows}) > 1 else [],
        "quantity_on_property": varies,
        "sku_on_property": varies,
        "readiness_state_on_property": [],
    }


def _personalization(row: Doc) -> Doc:
    questions = []
    for asked in row["personalization"]:
        question = str(asked["question"])
        questions.append(
            {
                "question_id": question_id(row["item_id"], question),
                "question_text": question,
                "instructions": None,
                "question_type": "text_input",
                "required": bool(asked["required"]),
                "max_allowed_characters": 256,
                "max_allowed_files": None,
                "options": [],
            }
        )
    return {"personalization_questions": questions}
