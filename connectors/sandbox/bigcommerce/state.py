"""What exists in the pretend BigCommerce: stores, goods, stock and orders, with the indexes that make look-ups quick.

The documents live in the ``World`` (and so survive kill -9); nothing here cannot be rebuilt from them. Ids are small
numbers of each store's own, so a document's key in its table is ``<store hash>:<id>``. Times are ISO texts in UTC, money
is decimal strings in the order's currency. Stock stands where it is tracked: on the product or on each variant, as
``levels``: location id (text) → ``{"onhand", "safety"}``; what may be sold is on hand less the safety stock.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.sandbox import catalog

if TYPE_CHECKING:
    from connectors.sandbox.world import World

Doc = dict[str, Any]

STORES, LOCATIONS, PRODUCTS = "bigcommerce_stores", "bigcommerce_locations", "bigcommerce_products"
VARIANTS, ORDERS, CUSTOMERS = "bigcommerce_variants", "bigcommerce_orders", "bigcommerce_customers"
CHANNELS = "bigcommerce_channels"
TOKENS, CODES, INSTALLS, HOOKS = "bigcommerce_tokens", "bigcommerce_codes", "bigcommerce_installs", "bigcommerce_hooks"
WORLD_TABLES = (STORES, LOCATIONS, PRODUCTS, VARIANTS, ORDERS, CUSTOMERS, CHANNELS)
KEPT_TABLES = (TOKENS, CODES, INSTALLS, HOOKS)
"""Tables of the app, its tokens and subscriptions: they stay when the world is reset."""

PLANS = {"standard": 150, "plus": 150, "pro": 450, "enterprise": 1000}
"""Plan → requests in 30 seconds, of all apps together."""
_CREATED = "2026-03-02T09:00:00Z"
_HISTORY = 64
"""How many changes of a figure stale reads can look back over."""


def key_of(store_hash: str, number: int | str) -> str:
    """Return the key of a store's document in its table."""
    return f"{store_hash}:{number}"


class State:
    """All documents and their indexes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stores: dict[str, Doc] = world.table(STORES)
        self.products: dict[str, Doc] = world.table(PRODUCTS)
        self.variants: dict[str, Doc] = world.table(VARIANTS)
        self.orders: dict[str, Doc] = world.table(ORDERS)
        self.customers: dict[str, Doc] = world.table(CUSTOMERS)
        self.products_of: dict[str, list[Doc]]
        self.variants_of: dict[str, list[Doc]]
        self.variants_of_product: dict[str, list[Doc]]
        self.by_sku: dict[tuple[str, str], list[Doc]]
        self.locations_of: dict[str, list[Doc]]
        self.channels_of: dict[str, list[Doc]]
        self.orders_of: dict[str, list[Doc]]
        self.by_reference: dict[tuple[str, str], list[Doc]]
        self.by_email: dict[tuple[str, str], Doc]
        self.past: dict[str, deque[tuple[datetime, Doc]]] = {}
        """Stock document → its earlier levels and until when each held; in memory only, for stale reads."""
        world.keep(*KEPT_TABLES)
        self.load()

    # Loading and indexes

    def load(self) -> None:
        """Sow the demo stores that are missing, and build the indexes anew."""
        self.past = {}
        for place, store in enumerate(catalog.stores("bigcommerce")):
            if store["key"] not in self.stores:
                self._sow(place, store)
        self._index()

    def _index(self) -> None:
        def number(doc: Doc) -> int:
            return int(doc["id"])

        self.products_of, self.variants_of = defaultdict(list), defaultdict(list)
        self.variants_of_product, self.by_sku = defaultdict(list), defaultdict(list)
        self.locations_of, self.channels_of = defaultdict(list), defaultdict(list)
        self.orders_of, self.by_reference, self.by_email = defaultdict(list), defaultdict(list), {}
        for doc in sorted(self.products.values(), key=number):
            self.products_of[doc["store"]].append(doc)
        for doc in sorted(self.variants.values(), key=number):
            self._know_variant(doc)
        for doc in sorted(self.world.table(LOCATIONS).values(), key=number):
            self.locations_of[doc["store"]].append(doc)
        for doc in sorted(self.world.table(CHANNELS).values(), key=number):
            self.channels_of[doc["store"]].append(doc)
        for doc in sorted(self.orders.values(), key=number):
            self._know_order(doc)
        for doc in self.customers.values():
            self.by_email[doc["store"], doc["email"].casefold()] = doc

    def _know_variant(self, doc: Doc) -> None:
        self.variants_of[doc["store"]].append(doc)
        self.variants_of_product[key_of(doc["store"], doc["product_id"])].append(doc)
        self.by_sku[doc["store"], doc["sku"]].append(doc)

    def _know_order(self, doc: Doc) -> None:
        self.orders_of[doc["store"]].append(doc)
        if doc["external_order_id"]:
            self.by_reference[doc["store"], doc["external_order_id"]].append(doc)

    # Writing

    def save(self, table: str, doc: Doc) -> None:
        """Store a document; on disk after the next commit."""
        self.world.put(table, key_of(doc["store"], doc["id"]), doc)

    def save_store(self, doc: Doc) -> None:
        """Store a store's own document."""
        self.world.put(STORES, doc["hash"], doc)

    def next_id(self, store_hash: str, kind: str, start: int) -> int:
        """Return the next number of a store's own sequence, above `start`; it goes on over a reset."""
        return start + self.world.next_id(f"bigcommerce_{kind}:{store_hash}")

    def add_order(self, doc: Doc) -> None:
        """Take in a new order."""
        self.save(ORDERS, doc)
        self._know_order(doc)

    def refer(self, order: Doc, reference: str) -> None:
        """Change an order's external id."""
        if order["external_order_id"]:
            self.by_reference[order["store"], order["external_order_id"]].remove(order)
        order["external_order_id"] = reference
        if reference:
            self.by_reference[order["store"], reference].append(order)

    def add_customer(self, doc: Doc) -> None:
        """Take in a new customer."""
        self.save(CUSTOMERS, doc)
        self.by_email[doc["store"], doc["email"].casefold()] = doc

    def add_product(self, product: Doc, variants: list[Doc]) -> None:
        """Take in a new product with its variants."""
        self.save(PRODUCTS, product)
        self.products_of[product["store"]].append(product)
        for variant in variants:
            self.save(VARIANTS, variant)
            self._know_variant(variant)

    def resku(self, variant: Doc, sku: str) -> None:
        """Change a variant's SKU; the base variant's is its product's too."""
        self.by_sku[variant["store"], variant["sku"]].remove(variant)
        variant["sku"] = sku
        self.by_sku[variant["store"], sku].append(variant)
        self.save(VARIANTS, variant)
        if not variant["options"]:
            product = self.product_of(variant)
            product["sku"] = sku
            self.save(PRODUCTS, product)

    def remove_variant(self, variant: Doc) -> bool:
        """Forget a variant; its product goes with the last one. Returns whether the product is gone."""
        store = variant["store"]
        product = self.product_of(variant)
        self.variants_of[store].remove(variant)
        self.by_sku[store, variant["sku"]].remove(variant)
        self.world.drop(VARIANTS, key_of(store, variant["id"]))
        rest = self.variants_of_product[key_of(store, product["id"])]
        rest.remove(variant)
        if not rest:
            self.products_of[store].remove(product)
            self.world.drop(PRODUCTS, key_of(store, product["id"]))
        return not rest

    def remember(self, doc: Doc, now: datetime) -> None:
        """Keep a stock document's levels as they stood until now, before they change."""
        kept = self.past.setdefault(_stock_key(doc), deque(maxlen=_HISTORY))
        kept.append((now, {place: dict(level) for place, level in doc["levels"].items()}))

    def add_store(self, store_hash: str, name: str, like: str, plan: str) -> None:
        """Open a further store with the goods of a demo store (`like`)."""
        pattern = next(store for store in catalog.stores("bigcommerce") if store["key"] == like)
        self._sow(len(self.stores), {**pattern, "key": store_hash, "name": name, "plan": plan})
        self._index()

    # Reading

    def product_of(self, variant: Doc) -> Doc:
        """Return the product a variant is of."""
        return self.products[key_of(variant["store"], variant["product_id"])]

    def variants_in(self, product: Doc) -> list[Doc]:
        """Return a product's variants."""
        return self.variants_of_product[key_of(product["store"], product["id"])]

    def stock_doc(self, variant: Doc) -> Doc:
        """Return the document whose levels are the variant's stock: the product when that is what is tracked."""
        product = self.product_of(variant)
        return product if product["inventory_tracking"] == "product" else variant

    def enabled_locations(self, store_hash: str) -> list[Doc]:
        """Return the locations that may sell, the default one first."""
        return [place for place in self.locations_of[store_hash] if place["enabled"]]

    def available(self, doc: Doc) -> int:
        """Return what may be sold of a stock document over all enabled locations."""
        places = {str(place["id"]) for place in self.enabled_locations(doc["store"])}
        return sum(free(level) for place, level in doc["levels"].items() if place in places)

    def levels_at(self, doc: Doc, moment: datetime | None) -> Doc:
        """Return a stock document's levels as they stood at a moment; None: now."""
        if moment is not None:
            for until, levels in self.past.get(_stock_key(doc), ()):
                if until > moment:
                    return levels
        levels_now: Doc = doc["levels"]
        return levels_now

    def in_order(self) -> Iterator[Doc]:
        """Yield the stores in the order of the catalog."""
        yield from sorted(self.stores.values(), key=lambda store: int(store["store_id"]))

    # Sowing

    def _sow(self, place: int, store: Doc) -> None:
        """Write one demo store. Ids follow from the catalog, so that a reset brings the same ids back."""
        store_hash = store["key"]
        self.save_store(_store_doc(place, store))
        places = [
            _location_doc(store_hash, n, entry, store["timezone"]) for n, entry in enumerate(store["locations"], 1)
        ]
        for doc in places:
            self.save(LOCATIONS, doc)
        for doc in _channel_docs(store_hash, store["name"]):
            self.save(CHANNELS, doc)
        variant_number = 500
        for n, entry in enumerate(store["products"], 1):
            product, variants = build_product(store_hash, 100 + n, variant_number + 1, entry, places, _CREATED)
            variant_number += len(variants)
            self.save(PRODUCTS, product)
            for variant in variants:
                self.save(VARIANTS, variant)


def free(level: Doc) -> int:
    """Return what may be sold at a location."""
    return int(level["onhand"] - level["safety"])


def _stock_key(doc: Doc) -> str:
    return f"{doc['store']}:{'v' if 'product_id' in doc else 'p'}{doc['id']}"


def _store_doc(place: int, store: Doc) -> Doc:
    store_hash, (first, _, last) = store["key"], store["owner"].partition(" ")
    staff_mail = f"staff@{store['email'].partition('@')[2]}"
    return {
        "hash": store_hash,
        "store_id": 1_025_600 + place,
        "account_uuid": str(uuid.UUID(hashlib.sha256(store_hash.encode()).hexdigest()[:32])),
        "name": store["name"],
        "email": store["email"],
        "first_name": first,
        "last_name": last,
        "currency": store["currency"],
        "plan": store["plan"],
        "timezone": store["timezone"],
        "address": dict(store["address"]),
        "users": [
            {"id": 9100 + 10 * place, "username": store["owner"], "email": store["email"], "role": "owner"},
            {"id": 9101 + 10 * place, "username": "Robin Staff", "email": staff_mail, "role": "staff"},
        ],
        "tax_rate": "0",
        "status": "live",
        "currencies": [store["currency"], *[code for code in ("EUR", "GBP") if code != store["currency"]]],
        "inventory": {
            "product_out_of_stock_behavior": "do_nothing",
            "option_out_of_stock_behavior": "do_nothing",
            "update_stock_behavior": "order_placed",
            "edit_order_stock_adjustment": True,
            "refund_order_stock_adjustment": True,
            "stock_level_display": "dont_show",
            "default_out_of_stock_message": "Currently out of stock",
            "hide_in_product_filtering": False,
            "show_pre_order_stock_levels": False,
            "show_out_of_stock_message": False,
        },
        "inventory_of_channel": {},
        "created_at": _CREATED,
    }


def _location_doc(store_hash: str, number: int, entry: Doc, timezone: str) -> Doc:
    return {
        "store": store_hash,
        "id": number,
        "code": f"BC-LOCATION-{number}",
        "label": entry["name"],
        "description": "",
        "enabled": entry["active"],
        "address": dict(entry["address"]),
        "time_zone": timezone,
        "created_at": _CREATED,
        "updated_at": _CREATED,
    }


def _channel_docs(store_hash: str, name: str) -> list[Doc]:
    rows = [(1, name, "storefront", "bigcommerce", "active", True)]
    return [
        {
            "store": store_hash,
            "id": number,
            "name": label,
            "type": kind,
            "platform": platform,
            "status": status,
            "is_visible": visible,
            "date_created": _CREATED,
        }
        for number, label, kind, platform, status, visible in rows
    ]


def build_product(
    store_hash: str, number: int, first_variant: int, entry: Doc, places: list[Doc], now: str
) -> tuple[Doc, list[Doc]]:
    """Return a product and its variants from a catalog entry (``catalog.stores``).

    A product without options has one base variant with the product's own SKU, and its stock is tracked by product; with
    options it is tracked by variant. The catalog's policy *continue* has no like at BigCommerce: such goods are not
    tracked.
    """
    rows = entry["variants"]
    names = list(entry["option_names"])
    tracked = all(row["tracked"] and row.get("policy", "deny") == "deny" for row in rows)
    product: Doc = {
        "store": store_hash,
        "id": number,
        "name": entry["title"],
        "sku": "" if names else rows[0]["sku"],
        "upc": "" if names else rows[0].get("barcode") or "",
        "type": "physical" if all(row.get("requires_shipping", True) for row in rows) else "digital",
        "description": f"<p>{entry['title']}</p>",
        "price": rows[0]["price"],
        "weight": rows[0].get("grams", 0) / 28.35,
        "brand": entry.get("vendor", ""),
        "search_keywords": ",".join(entry.get("tags", ())),
        "is_visible": entry.get("visible", True) and entry.get("status", "active") == "active",
        "availability": "available",
        "inventory_tracking": ("variant" if names else "product") if tracked else "none",
        "order_quantity_minimum": int(entry.get("minimum", 0)),
        "order_quantity_maximum": int(entry.get("maximum", 0)),
        "options": _options(number, names, rows),
        "modifiers": _modifiers(number, entry.get("modifiers", ())),
        "levels": {},
        "promised": 0,
        "total_sold": 0,
        "date_created": now,
        "date_modified": now,
    }
    variants = []
    for n, row in enumerate(rows):
        levels = {
            str(place["id"]): {"onhand": units, "safety": 0} for place, units in zip(places, row["stock"], strict=True)
        }
        if not names:
            product["levels"], levels = levels, {}
        variants.append(
            {
                "store": store_hash,
                "id": first_variant + n,
                "product_id": number,
                "sku": row["sku"],
                "upc": row.get("barcode") or "",
                "price": row["price"],
                "options": dict(row["options"]),
                "weight": row.get("grams", 0) / 28.35,
                "levels": levels,
                "promised": 0,
            }
        )
    return product, variants


def _options(product: int, names: list[str], rows: list[Doc]) -> list[Doc]:
    made = []
    for n, name in enumerate(names, 1):
        number = product * 10 + n
        labels = list(dict.fromkeys(row["options"][name] for row in rows))
        values = [{"id": number * 100 + k, "label": label} for k, label in enumerate(labels, 1)]
        made.append({"id": number, "display_name": name, "values": values})
    return made


def _modifiers(product: int, given: Any) -> list[Doc]:
    made = []
    for n, entry in enumerate(given, 1):
        number = product * 10 + 5 + n
        values = [
            {"id": number * 100 + k, "label": label, "default": False} for k, label in enumerate(entry["values"], 1)
        ]
        kind = "text" if entry["kind"] == "text" else "dropdown"
        made.append(
            {"id": number, "display_name": entry["name"], "type": kind, "required": entry["required"], "values": values}
        )
    return made
