"""Sellers, listings and orders of the pretend eBay, with the indexes that keep lists quick.

Documents live in the world's tables `ebay_sellers`, `ebay_listings` (key `seller|place`) and `ebay_orders` (by the
current order id); all in here can be rebuilt from them. Times are ISO 8601 with milliseconds ending in Z, so they
compare as text.
"""

from __future__ import annotations

import heapq
import re
import zlib
from bisect import bisect_left, insort
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from connectors.sandbox import catalog
from connectors.sandbox.ebay.sites import SITES
from connectors.sandbox.world import iso_ms

if TYPE_CHECKING:
    from connectors.sandbox.world import World

Doc = dict[str, Any]
Index = list[tuple[str, str]]

SELLERS, LISTINGS, ORDERS, CANCELS = "ebay_sellers", "ebay_listings", "ebay_orders", "ebay_cancellations"
CENT = Decimal("0.01")


class EbayState:
    """The pretend eBay's data in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.keep(SELLERS)
        self.load()

    def load(self) -> None:
        """Take the tables, sow the demo sellers if there are none, build the indexes. Called after a reset too."""
        self.sellers = self.world.table(SELLERS)
        self.listings = self.world.table(LISTINGS)
        self.orders = self.world.table(ORDERS)
        self.cancels = self.world.table(CANCELS)
        self.listings_of: dict[str, list[Doc]] = defaultdict(list)
        self.by_sku: dict[tuple[str, str], Doc] = {}
        self.by_updated: dict[str, Index] = defaultdict(list)
        self.by_created: dict[str, Index] = defaultdict(list)
        self.former: dict[str, str] = {}
        self.due: list[tuple[str, str]] = []
        """Refunds and cancellations eBay still works on: when each is done, and which order it is (a heap)."""
        for listing in sorted(self.listings.values(), key=lambda doc: int(doc["place"])):
            self._index_listing(listing)
        self._sow()
        for order in self.orders.values():
            self.by_created[order["seller"]].append((order["created_at"], order["id"]))
            if order["mode"] != "silent":
                self.by_updated[order["seller"]].append((order["updated_at"], order["id"]))
            for former in order["former_ids"]:
                self.former[former] = order["id"]
            self.due += [(r["settles_at"], order["id"]) for r in order["refunds"] if r["status"] == "PENDING"]
            if order["cancel"]["finish_at"]:
                self.due.append((order["cancel"]["finish_at"], order["id"]))
        for index in (*self.by_updated.values(), *self.by_created.values()):
            index.sort()
        heapq.heapify(self.due)

    def _index_listing(self, listing: Doc) -> None:
        self.listings_of[listing["seller"]].append(listing)
        if listing["sku"]:
            self.by_sku[listing["seller"], listing["sku"]] = listing

    def _sow(self) -> None:
        for row in catalog.sellers("ebay"):
            if row["key"] not in self.sellers:
                self.add_seller(row["key"], row["name"], row["sites"], row["key"], row["merchant"])
        # Sellers stay over a reset, their listings begin anew.
        for seller in self.sellers.values():
            if not self.listings_of[seller["key"]]:
                self._list(seller)

    def add_seller(self, key: str, name: str, sites: list[str], like: str, merchant: str = "") -> None:
        """Take in a seller who lists what the demo seller `like` lists; prices of further sites are worked out."""
        handle = "_".join(re.findall(r"[a-z0-9]+", name.lower())) or "seller"
        seller = {
            "key": key,
            "name": name,
            "username": f"{handle}_{zlib.crc32(key.encode()) % 1000:03d}",
            "sites": list(sites),
            "merchant": merchant,
            "like": like,
        }
        self.world.put(SELLERS, key, seller)
        self._list(seller)

    def _list(self, seller: Doc) -> None:
        key, now = seller["key"], iso_ms(self.world.now())
        self.listings_of[key] = []
        like = catalog.seller("ebay", seller["like"])
        for place, row in enumerate(like["listings"] if like else ()):
            # A listing of a seller who copies another's is a listing of its own, with another item id.
            item_id = row["item_id"] if key == seller["like"] else _item_id(f"{key} {row['item_id']}")
            doc = {**row, "seller": key, "place": place, "version": 1, "updated_at": now, "item_id": item_id}
            doc["prices"] = {site: row["prices"].get(site) or convert(row["prices"], site) for site in seller["sites"]}
            self.world.put(LISTINGS, f"{key}|{place}", doc)
            self._index_listing(doc)

    def lower(self, seller: str, line: Doc) -> None:
        """Lower a listing's quantity, as eBay does when a buyer commits to buy (paid or not)."""
        listing = self.listing(seller, line)
        if listing is None:
            return
        listing["quantity"] = max(0, listing["quantity"] - line["quantity"])
        listing["version"] += 1
        listing["updated_at"] = iso_ms(self.world.now())
        self.world.put(LISTINGS, f"{seller}|{listing['place']}", listing)

    def listing(self, seller: str, line: Doc) -> Doc | None:
        """Return the listing a line names: by its SKU, or by `item_id` and `variation_id` where it has none."""
        if line.get("sku"):
            return self.by_sku.get((seller, line["sku"]))
        for listing in self.listings_of[seller]:
            same = listing["item_id"] == line.get("item_id")
            if same and line.get("variation_id", "") in ("", listing["variation_id"]):
                return listing
        return None

    def new_item_id(self) -> str:
        """Return an item id no listing has."""
        return str(2 * 10**11 + self.world.next_id("ebay_item"))

    def order(self, seller: str, order_id: str) -> Doc | None:
        """Return a seller's order by its current id."""
        doc = self.orders.get(order_id)
        return doc if doc is not None and doc["seller"] == seller else None

    def find(self, seller: str, order_id: str) -> Doc | None:
        """Return a seller's order by its current id or by one it had before it was paid."""
        return self.order(seller, self.former.get(order_id, order_id))

    def save(self, order: Doc, *, changed: bool = True) -> None:
        """Store an order; `changed` gives it a new time of change, which never runs backwards."""
        known = order["id"] in self.orders
        index = self.by_updated[order["seller"]]
        if known and (changed or order["mode"] == "silent"):
            _drop(index, (order["updated_at"], order["id"]))
        if changed:
            order["updated_at"] = iso_ms(self.world.now())
        order["fulfillment"] = fulfillment_status(order["lines"])
        if order["mode"] != "silent" and (changed or not known):
            insort(index, (order["updated_at"], order["id"]))
        if not known:
            insort(self.by_created[order["seller"]], (order["created_at"], order["id"]))
        self.world.put(ORDERS, order["id"], order)

    def remove(self, order: Doc) -> None:
        """Forget an order under the id it has: it got another, or became part of another order."""
        _drop(self.by_updated[order["seller"]], (order["updated_at"], order["id"]))
        _drop(self.by_created[order["seller"]], (order["created_at"], order["id"]))
        self.world.drop(ORDERS, order["id"])

    def rename(self, order: Doc, order_id: str) -> None:
        """Give an order another id, as eBay does when an unpaid order is paid; the caller saves it."""
        old = order["id"]
        self.remove(order)
        order["id"] = order_id
        order["former_ids"].append(old)
        for former in order["former_ids"]:
            self.former[former] = order_id


def _item_id(text: str) -> str:
    """Return a made-up twelve-digit item id, always the same for a text."""
    return str(10**11 + zlib.crc32(text.encode()) * 97 % (9 * 10**11))


def _drop(index: Index, entry: tuple[str, str]) -> None:
    place = bisect_left(index, entry)
    if place < len(index) and index[place] == entry:
        del index[place]


def fulfillment_status(lines: list[Doc]) -> str:
    """Return how far these lines are shipped."""
    if all(line["shipped"] >= line["quantity"] for line in lines):
        return "FULFILLED"
    return "IN_PROGRESS" if any(line["shipped"] for line in lines) else "NOT_STARTED"


def amount(value: Decimal) -> str:
    """Write money with two decimals: every currency eBay sells in here has them."""
    return str(value.quantize(CENT, rounding=ROUND_HALF_UP))


def convert(prices: dict[str, str], site: str) -> str:
    """Work a price out for a site that the catalog gives none for."""
    known, price = next(iter(prices.items()))
    return amount(Decimal(price) / Decimal(SITES[known].rate) * Decimal(SITES[site].rate))
