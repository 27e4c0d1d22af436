"""Sellers, listings and orders of the pretend Amazon, with the indexes that keep lists quick.

Documents live in the world's tables `amazon_sellers`, `amazon_listings` (key `seller|sku`) and `amazon_orders`; all in
here can be rebuilt from them. Times are ISO 8601 with milliseconds ending in Z, so they compare as text.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from connectors.sandbox import catalog
from connectors.sandbox.amazon.sites import SITES
from connectors.sandbox.world import iso_ms

if TYPE_CHECKING:
    from connectors.sandbox.world import World

Doc = dict[str, Any]

SELLERS, LISTINGS, ORDERS = "amazon_sellers", "amazon_listings", "amazon_orders"
STANDINGS = "amazon_standings"
PLANS = ("PROFESSIONAL", "INDIVIDUAL")
"""Selling plans; a seller has the first until somebody says otherwise."""

NEWCOMERS: tuple[tuple[str, str, str, list[str], str], ...] = (
    ("A5FIELDNOTESNA", "Fieldnotes Goods", "na", ["US", "CA"], "A1NORTHPINEUS"),
    ("A6FIELDNOTESEU", "Fieldnotes Europe", "eu", ["UK", "DE", "FR"], "A2NORTHPINEUK"),
    ("A7FIELDNOTESFE", "Fieldnotes Japan", "fe", ["JP", "AU"], "A2NORTHPINEUK"),
)
"""Sellers who have not agreed to the app yet: key, name, region, sites, whose listings they copy."""

_RATES = {
    "USD": "1", "CAD": "1.37", "MXN": "18.5", "BRL": "5.4", "GBP": "0.79", "EUR": "0.92", "SEK": "10.6", "PLN": "4",
    "TRY": "34", "EGP": "48", "SAR": "3.75", "AED": "3.67", "ZAR": "18", "INR": "84", "JPY": "152", "AUD": "1.52",
    "SGD": "1.34",
}  # fmt: skip
"""Units of a currency for one US dollar, about: only for made-up prices."""


class AmazonState:
    """The pretend Amazon's data in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.load()

    def load(self) -> None:
        """Take the tables, sow the demo sellers if there are none, build the indexes. Called after a reset too."""
        self.sellers = self.world.table(SELLERS)
        self.listings = self.world.table(LISTINGS)
        self.orders = self.world.table(ORDERS)
        self.listings_of: dict[str, list[Doc]] = defaultdict(list)
        self.by_updated: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.by_created: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for listing in sorted(self.listings.values(), key=lambda doc: int(doc["place"])):
            self.listings_of[listing["seller"]].append(listing)
        self._sow()
        for order in self.orders.values():
            self.by_updated[order["seller"]].append((order["updated_at"], order["id"]))
            self.by_created[order["seller"]].append((order["created_at"], order["id"]))
        for index in (*self.by_updated.values(), *self.by_created.values()):
            index.sort()

    def _sow(self) -> None:
        for seller in catalog.sellers():
            if seller["key"] not in self.sellers:
                key, name, region, sites = (seller[field] for field in ("key", "name", "region", "sites"))
                self.add_seller(key, name, region, sites, seller["key"], seller["merchant"])
        for key, name, region, sites, like in NEWCOMERS:
            if key not in self.sellers:
                self.add_seller(key, name, region, sites, like)
        # Sellers stay over a reset, their listings begin anew.
        for seller in self.sellers.values():
            if not self.listings_of[seller["key"]]:
                self._list(seller)

    def add_seller(self, key: str, name: str, region: str, sites: list[str], like: str, merchant: str = "") -> None:
        """Take in a seller who lists what the demo seller `like` lists; prices of further sites are worked out."""
        seller = {"key": key, "name": name, "region": region, "sites": list(sites), "merchant": merchant, "like": like}
        self.world.put(SELLERS, key, seller)
        self._list(seller)

    def standing(self, key: str) -> Doc:
        """Return how a seller stands with Amazon: `plan`, and `suspended`, the sites with listings switched off."""
        return self.world.table(STANDINGS).get(key) or {"plan": PLANS[0], "suspended": []}

    def _list(self, seller: Doc) -> None:
        key, now = seller["key"], iso_ms(self.world.now())
        rows = next(row["listings"] for row in catalog.sellers() if row["key"] == seller["like"])
        self.listings_of[key] = []
        for place, row in enumerate(rows):
            doc = {**row, "seller": key, "place": place, "version": 1, "updated_at": now}
            doc["prices"] = {site: row["prices"].get(site) or convert(row["prices"], site) for site in seller["sites"]}
            self.world.put(LISTINGS, f"{key}|{row['sku']}", doc)
            self.listings_of[key].append(doc)

    def listing(self, seller: str, sku: str) -> Doc | None:
        """Return a seller's listing by its SKU."""
        return self.listings.get(f"{seller}|{sku}")

    def lower(self, seller: str, sku: str, units: int) -> None:
        """Lower a listing's quantity, as Amazon does when an order comes (also a pending one)."""
        listing = self.listing(seller, sku)
        if listing is None:
            return
        listing["quantity"] = max(0, listing["quantity"] - units)
        listing["version"] += 1
        listing["updated_at"] = iso_ms(self.world.now())
        self.world.put(LISTINGS, f"{seller}|{sku}", listing)

    def order(self, seller: str, order_id: str) -> Doc | None:
        """Return a seller's order."""
        doc = self.orders.get(order_id)
        return doc if doc is not None and doc["seller"] == seller else None

    def save(self, order: Doc, *, changed: bool = True) -> None:
        """Store an order; `changed` gives it a new time of change, which never runs backwards."""
        known = order["id"] in self.orders
        index = self.by_updated[order["seller"]]
        if known and changed:
            place = bisect_left(index, (order["updated_at"], order["id"]))
            if place < len(index) and index[place][1] == order["id"]:
                del index[place]
        if changed:
            order["updated_at"] = iso_ms(self.world.now())
            insort(index, (order["updated_at"], order["id"]))
        if not known:
            insort(self.by_created[order["seller"]], (order["created_at"], order["id"]))
        self.world.put(ORDERS, order["id"], order)


def amount(value: Decimal, currency: str) -> str:
    """Write money with the currency's decimals (JPY has none)."""
    return str(value.quantize(_smallest(currency), rounding=ROUND_HALF_UP))


@cache
def _smallest(currency: str) -> Decimal:
    """Return the currency's smallest unit."""
    places = next((site.decimals for site in SITES.values() if site.currency == currency), 2)
    return Decimal(1).scaleb(-places)


def convert(prices: dict[str, str], site: str) -> str:
    """Work a price out for a site that the catalog gives none for."""
    known, price = next(iter(prices.items()))
    dollars = Decimal(price) / Decimal(_RATES[SITES[known].currency])
    return amount(dollars * Decimal(_RATES[SITES[site].currency]), SITES[site].currency)
