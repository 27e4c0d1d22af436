"""What exists in the pretend Shopify: shops, goods, stock and orders, with the indexes that make look-ups quick.

The documents live in the ``World`` (and so survive kill -9); this class adds nothing that cannot be rebuilt from them.
A document
is a plain dict whose keys are the GraphQL field names where the two agree, so that most fields need no resolver. Every
document of ours carries ``__typename``, ``id`` (a gid) and ``shop`` (the myshopify domain).
"""

from __future__ import annotations

import re
from bisect import insort
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.sandbox import catalog

if TYPE_CHECKING:
    from connectors.sandbox.world import World

Doc = dict[str, Any]

SHOPS, LOCATIONS, PRODUCTS, VARIANTS = "shopify_shops", "shopify_locations", "shopify_products", "shopify_variants"
LEVELS, ORDERS, CUSTOMERS, JOBS = "shopify_levels", "shopify_orders", "shopify_customers", "shopify_jobs"
REPLAYS, BULK = "shopify_replays", "shopify_bulk"
WORLD_TABLES = (SHOPS, LOCATIONS, PRODUCTS, VARIANTS, LEVELS, ORDERS, CUSTOMERS, JOBS, REPLAYS, BULK)
TOKENS, REFRESH_TOKENS, CODES = "shopify_tokens", "shopify_refresh_tokens", "shopify_codes"
INSTALLS, SUBSCRIPTIONS, DEFINITIONS = "shopify_installs", "shopify_subscriptions", "shopify_definitions"
KEPT_TABLES = (TOKENS, REFRESH_TOKENS, CODES, INSTALLS, SUBSCRIPTIONS, DEFINITIONS)
"""Tables of apps, tokens and subscriptions: they stay when the world is reset."""

APP_ID = "174620917761"
"""Our app's number in the pretend Shopify; it names the app-reserved metafield namespace ``app--174620917761``."""

_PARTS = ("lines", "fulfillmentOrders", "fulfillments", "refunds", "transactions")
_FIRST_NEW_ID = 5_600_000_000_000
_CREATED = "2026-03-02T09:00:00Z"


def gid(kind: str, number: int | str) -> str:
    """Return Shopify's global id of an object."""
    return f"gid://shopify/{kind}/{number}"


def number_of(global_id: str) -> int:
    """Return the number in a gid (the part after the last slash, before any "?")."""
    return int(global_id.rpartition("/")[2].partition("?")[0])


def iso(moment: datetime) -> str:
    """Write a UTC time as the Admin API does, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class State:
    """The pretend Shopify's data in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shops: dict[str, Doc] = {}
        self.load()

    def load(self) -> None:
        """Take the world's tables, sow the demo shops where there are none, and build the indexes. Called again after a
        reset."""
        world = self.world
        self.shops = world.table(SHOPS)
        self.locations = world.table(LOCATIONS)
        self.products = world.table(PRODUCTS)
        self.variants = world.table(VARIANTS)
        self.levels = world.table(LEVELS)
        self.orders = world.table(ORDERS)
        self.customers = world.table(CUSTOMERS)
        if not self.shops:
            for place, store in enumerate(catalog.stores("shopify")):
                self._sow(place, store)
            world.commit()
        self._index()

    # Indexes

    def _index(self) -> None:
        self.locations_of: dict[str, list[Doc]] = defaultdict(list)
        self.products_of: dict[str, list[tuple[int, Doc]]] = defaultdict(list)
        self.variants_of: dict[str, list[tuple[int, Doc]]] = defaultdict(list)
        self.variants_of_product: dict[str, list[Doc]] = defaultdict(list)
        self.by_sku: dict[tuple[str, str], list[Doc]] = defaultdict(list)
        self.by_item: dict[str, Doc] = {}
        self.levels_of: dict[str, dict[str, Doc]] = defaultdict(dict)
        self.orders_of: dict[str, list[Doc]] = defaultdict(list)
        self.by_source: dict[tuple[str, str], list[Doc]] = defaultdict(list)
        self.by_tag: dict[tuple[str, str], list[Doc]] = defaultdict(list)
        self.by_name: dict[tuple[str, str], list[Doc]] = defaultdict(list)
        self.by_custom_id: dict[tuple[str, str, str, str], Doc] = {}
        self.order_parts: dict[str, Doc] = {}
        self.customer_by_email: dict[tuple[str, str], Doc] = {}
        self.customer_by_phone: dict[tuple[str, str], Doc] = {}
        for doc in sorted(self.locations.values(), key=lambda d: number_of(d["id"])):
            self.locations_of[doc["shop"]].append(doc)
        for doc in sorted(self.products.values(), key=lambda d: number_of(d["id"])):
            self.products_of[doc["shop"]].append((number_of(doc["id"]), doc))
        for doc in sorted(self.variants.values(), key=lambda d: number_of(d["id"])):
            self._know_variant(doc)
        for doc in self.levels.values():
            self.levels_of[doc["item"]][doc["location"]] = doc
        for doc in sorted(self.orders.values(), key=lambda d: number_of(d["id"])):
            self._know_order(doc)
        for doc in self.customers.values():
            self.know_customer(doc)

    def _know_variant(self, doc: Doc) -> None:
        insort(self.variants_of[doc["shop"]], (number_of(doc["id"]), doc), key=lambda pair: pair[0])
        self.variants_of_product[doc["product"]].append(doc)
        self.by_sku[doc["shop"], doc["sku"].casefold()].append(doc)
        self.by_item[doc["item"]] = doc

    def _know_order(self, doc: Doc) -> None:
        shop = doc["shop"]
        self.orders_of[shop].append(doc)
        self.by_name[shop, doc["name"]].append(doc)
        if doc.get("sourceIdentifier"):
            self.by_source[shop, doc["sourceIdentifier"]].append(doc)
        for tag in doc["tags"]:
            self.by_tag[shop, tag.casefold()].append(doc)
        for field in doc["metafields"]:
            if field["type"] == "id":
                self.by_custom_id[shop, field["namespace"], field["key"], field["value"]] = doc
        self.know_parts(doc)

    def know_customer(self, doc: Doc) -> None:
        """Index a customer by e-mail and by the digits of the phone."""
        if doc.get("email"):
            self.customer_by_email[doc["shop"], doc["email"].casefold()] = doc
        if doc.get("phoneDigits"):
            self.customer_by_phone[doc["shop"], doc["phoneDigits"]] = doc

    def know_parts(self, order: Doc) -> None:
        """Index the order's nested objects that have ids of their own, so that ``node(id)`` and mutations find them."""
        parts = self.order_parts
        for group in _PARTS:
            for part in order[group]:
                parts[part["id"]] = order
        for fulfillment_order in order["fulfillmentOrders"]:
            for line in fulfillment_order["lines"]:
                parts[line["id"]] = order

    def part(self, global_id: str) -> Doc | None:
        """Return a nested object of an order (line, fulfillment order, fulfillment, refund, transaction) by its gid."""
        order = self.order_parts.get(global_id)
        if order is None:
            return None
        groups: list[list[Doc]] = [order[name] for name in _PARTS]
        groups += [fulfillment_order["lines"] for fulfillment_order in order["fulfillmentOrders"]]
        return next((doc for group in groups for doc in group if doc["id"] == global_id), None)

    # Writing

    def new_id(self, kind: str) -> str:
        """Return a fresh gid. Numbers go on rising over a reset, so that a client never meets an old id with a new
        meaning."""
        return gid(kind, _FIRST_NEW_ID + int(self.world.next_id("shopify")))

    def now(self) -> str:
        """The sandbox's time as the Admin API writes it."""
        return iso(self.world.now())

    def save(self, table: str, doc: Doc) -> None:
        """Mark a changed document; it is on disk when the answer leaves."""
        self.world.put(table, doc["id"], doc)

    def add_order(self, doc: Doc) -> None:
        """Take in a new order."""
        self.save(ORDERS, doc)
        self._know_order(doc)

    def remove_order(self, order: Doc) -> None:
        """Delete an order, as a merchant may; its stock stays as it is."""
        shop = order["shop"]
        self.world.drop(ORDERS, order["id"])
        indexes: list[tuple[dict[Any, list[Doc]], list[Any]]] = [
            (self.orders_of, [shop]),
            (self.by_name, [(shop, order["name"])]),
            (self.by_source, [(shop, order.get("sourceIdentifier"))]),
            (self.by_tag, [(shop, tag.casefold()) for tag in order["tags"]]),
        ]
        for index, keys in indexes:
            for key in keys:
                if key in index:
                    index[key] = [other for other in index[key] if other is not order]
        self.by_custom_id = {key: doc for key, doc in self.by_custom_id.items() if doc is not order}
        self.order_parts = {key: doc for key, doc in self.order_parts.items() if doc is not order}

    def retag(self, order: Doc, tags: list[str]) -> None:
        """Give an order these tags and keep the tag index right."""
        shop = order["shop"]
        before, after = {t.casefold() for t in order["tags"]}, {t.casefold() for t in tags}
        for tag in before - after:
            self.by_tag[shop, tag] = [other for other in self.by_tag[shop, tag] if other is not order]
        order["tags"] = tags
        for tag in after - before:
            self.by_tag[shop, tag].append(order)

    def resku(self, variant: Doc, sku: str) -> None:
        """Change a variant's SKU and keep the SKU index right."""
        self.by_sku[variant["shop"], variant["sku"].casefold()].remove(variant)
        variant["sku"] = sku
        self.by_sku[variant["shop"], sku.casefold()].append(variant)

    def remove_variant(self, variant: Doc) -> None:
        """Delete a variant and its stock; the product goes with its last variant."""
        shop = variant["shop"]
        self.world.drop(VARIANTS, variant["id"])
        self.variants_of[shop] = [pair for pair in self.variants_of[shop] if pair[1] is not variant]
        self.by_sku[shop, variant["sku"].casefold()].remove(variant)
        self.by_item.pop(variant["item"], None)
        for level in self.levels_of.pop(variant["item"], {}).values():
            self.world.drop(LEVELS, level["id"])
        siblings = self.variants_of_product[variant["product"]]
        siblings.remove(variant)
        if not siblings:
            self.world.drop(PRODUCTS, variant["product"])
            self.products_of[shop] = [pair for pair in self.products_of[shop] if pair[1]["id"] != variant["product"]]

    def add_product(self, product: Doc, variants: list[Doc], levels: list[Doc]) -> None:
        """Take in a new product with its variants and stock."""
        self.save(PRODUCTS, product)
        insort(self.products_of[product["shop"]], (number_of(product["id"]), product), key=lambda pair: pair[0])
        for variant in variants:
            self.save(VARIANTS, variant)
            self._know_variant(variant)
        for level in levels:
            self.save(LEVELS, level)
            self.levels_of[level["item"]][level["location"]] = level

    def add_shop(self, shop: str, name: str, like: str, plan: str) -> None:
        """Open a further shop with the goods of a demo shop (`like`), under the next free ids."""
        pattern = next(store for store in catalog.stores("shopify") if store["shop"] == like)
        self._sow(len(self.shops), {**pattern, "shop": shop, "name": name, "plan": plan})
        self._index()

    # Reading

    def in_order(self) -> list[Doc]:
        """The shops in the order of the catalog, whatever order the journal gave them."""
        return sorted(self.shops.values(), key=lambda shop: number_of(shop["gid"]))

    def online_locations(self, shop: str) -> list[Doc]:
        """Active locations that fulfill online orders, in the shop's order of priority."""
        return [place for place in self.locations_of[shop] if place["isActive"] and place["fulfillsOnlineOrders"]]

    def stock_of(self, variant: Doc) -> Iterator[Doc]:
        """The variant's levels in the order of the shop's locations."""
        levels = self.levels_of[variant["item"]]
        for place in self.locations_of[variant["shop"]]:
            level = levels.get(place["id"])
            if level is not None:
                yield level

    # Sowing

    def _sow(self, place: int, store: Doc) -> None:
        """Write one demo shop. Ids follow from the catalog, so that a reset brings the same ids back."""
        shop, start = store["shop"], (place + 1) * 100_000
        self.save(SHOPS, _shop_doc(place, store))
        locations = []
        for n, entry in enumerate(store["locations"], 1):
            doc = _location_doc(shop, 71_000_000_000 + start + n, entry)
            locations.append(doc)
            self.save(LOCATIONS, doc)
        count = 0
        for n, entry in enumerate(store["products"], 1):
            product = product_doc(shop, gid("Product", 8_100_000_000_000 + start + n), entry, _CREATED)
            self.save(PRODUCTS, product)
            for position, row in enumerate(entry["variants"], 1):
                count += 1
                variant_id = gid("ProductVariant", 44_000_000_000_000 + start + count)
                item_id = gid("InventoryItem", 46_000_000_000_000 + start + count)
                self.save(VARIANTS, variant_doc(product, variant_id, item_id, position, row, _CREATED))
                for location, units in zip(locations, row["stock"], strict=True):
                    self.save(LEVELS, level_doc(shop, item_id, location["id"], units, _CREATED))


def _shop_doc(place: int, store: Doc) -> Doc:
    return {
        "__typename": "Shop",
        "id": store["shop"],
        "gid": gid("Shop", 60_100_000_000 + place),
        "shop": store["shop"],
        "myshopifyDomain": store["shop"],
        "name": store["name"],
        "email": store["email"],
        "contactEmail": store["email"],
        "shopOwnerName": store["owner"],
        "currencyCode": store["currency"],
        "plan": store["plan"],
        "ianaTimezone": store["timezone"],
        "address": store["address"],
        "taxesIncluded": False,
        "taxShipping": False,
        "orderNumber": 1000,
        "idMetafield": "ignore",
        "bulkOperations": False,
        "createdAt": _CREATED,
        "updatedAt": _CREATED,
    }


def _location_doc(shop: str, number: int, entry: Doc) -> Doc:
    return {
        "__typename": "Location",
        "id": gid("Location", number),
        "shop": shop,
        "name": entry["name"],
        "isActive": entry["active"],
        "fulfillsOnlineOrders": entry["online"],
        "shipsInventory": True,
        "address": entry["address"],
        "createdAt": _CREATED,
        "updatedAt": _CREATED,
    }


def product_doc(shop: str, product_id: str, entry: Doc, now: str) -> Doc:
    """Return a product document of a catalog entry (``title, type, vendor, tags, status, option_names``)."""
    return {
        "__typename": "Product",
        "id": product_id,
        "shop": shop,
        "title": entry["title"],
        "handle": re.sub(r"[^a-z0-9]+", "-", entry["title"].lower()).strip("-") or "product",
        "productType": entry.get("type", ""),
        "vendor": entry.get("vendor", ""),
        "tags": list(entry.get("tags", ())),
        "status": entry.get("status", "active").upper(),
        "optionNames": list(entry.get("option_names", ())),
        "createdAt": now,
        "publishedAt": now,
        "updatedAt": now,
    }


def variant_doc(product: Doc, variant_id: str, item_id: str, position: int, row: Doc, now: str) -> Doc:
    """Return a variant document, which holds its inventory item's facts too (``item`` is that item's gid)."""
    options = row["options"] or {"Title": "Default Title"}
    return {
        "__typename": "ProductVariant",
        "id": variant_id,
        "shop": product["shop"],
        "product": product["id"],
        "item": item_id,
        "sku": row["sku"],
        "title": " / ".join(options.values()),
        "options": dict(options),
        "price": row["price"],
        "barcode": row.get("barcode") or None,
        "inventoryPolicy": row.get("policy", "deny").upper(),
        "tracked": row.get("tracked", True),
        "requiresShipping": row.get("requires_shipping", True),
        "components": row.get("components") or [],
        "position": position,
        "grams": row.get("grams", 0),
        "beyond": 0,
        "createdAt": now,
        "updatedAt": now,
        "itemUpdatedAt": now,
    }


def level_doc(shop: str, item_id: str, location_id: str, available: int, now: str) -> Doc:
    """Return a stock document: ``available`` and ``committed`` units of one item at one location; on hand is their
    sum."""
    return {
        "__typename": "InventoryLevel",
        "id": f"gid://shopify/InventoryLevel/{number_of(location_id)}?inventory_item_id={number_of(item_id)}",
        "shop": shop,
        "item": item_id,
        "location": location_id,
        "available": available,
        "committed": 0,
        "createdAt": now,
        "updatedAt": now,
    }
