"""Shops, listings and receipts of the pretend Etsy, with the indexes that keep lists quick.

Documents live in the world's tables `etsy_shops`, `etsy_listings` (key `shop|place`: one product of a listing) and
`etsy_receipts`; all in here can be rebuilt from them. Times are whole milliseconds since 1970 in UTC; Etsy's answers
show seconds.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from connectors.sandbox import catalog

if TYPE_CHECKING:
    from connectors.sandbox.world import World

Doc = dict[str, Any]
Index = list[tuple[int, str]]

SHOPS, LISTINGS, RECEIPTS = "etsy_shops", "etsy_listings", "etsy_receipts"

CAPABILITIES = ("address", "email", "tracking")
"""What Etsy may withhold from an app for a shop: delivery addresses, buyers' e-mails, the call that ships."""
_GIVEN = {"51230077": {"address": True, "email": False, "tracking": True}}
_WITHHELD = {"48210055": {"address": False, "email": False, "tracking": False}}
_USUAL = {"address": True, "email": False, "tracking": True}

_NO_DECIMALS = ("JPY", "KRW", "VND")
"""Currencies without a smaller unit: Etsy's Money has divisor 1 for them."""


class EtsyState:
    """The pretend Etsy's data in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.load()

    def load(self) -> None:
        """Take the tables, sow the demo shops if there are none, build the indexes. Called after a reset too."""
        self.shops = self.world.table(SHOPS)
        self.rows = self.world.table(LISTINGS)
        self.receipts = self.world.table(RECEIPTS)
        self.rows_of: dict[str, list[Doc]] = defaultdict(list)
        self.by_item: dict[str, list[Doc]] = defaultdict(list)
        self.by_updated: dict[str, Index] = defaultdict(list)
        self.by_created: dict[str, Index] = defaultdict(list)
        for row in sorted(self.rows.values(), key=lambda doc: int(doc["place"])):
            self._index_row(row)
        self._sow()
        for receipt in self.receipts.values():
            self.by_created[receipt["shop"]].append((receipt["created_ms"], receipt["id"]))
            if receipt["mode"] != "silent":
                self.by_updated[receipt["shop"]].append((receipt["updated_ms"], receipt["id"]))
        for index in (*self.by_updated.values(), *self.by_created.values()):
            index.sort()

    def now_ms(self) -> int:
        """Return the sandbox's time in milliseconds."""
        return int(self.world.now().timestamp() * 1000)

    # ── shops and listings ───────────────────────────────────────────────────────────────────────────────────────────

    def _sow(self) -> None:
        for row in catalog.sellers("etsy"):
            if row["key"] not in self.shops:
                self.add_shop(row["key"], row["name"], row["currency"], row["key"], row["merchant"])
        # Shops stay over a reset, their listings begin anew.
        for shop in self.shops.values():
            if not self.rows_of[shop["key"]]:
                self._list(shop)

    def add_shop(self, key: str, name: str, currency: str, like: str, merchant: str = "") -> Doc:
        """Take in a shop that lists what the demo shop `like` lists, at the same figures in its own currency."""
        shop = {
            "key": key,
            "name": name,
            "merchant": merchant,
            "user_id": 700_000_000 + int(key) % 100_000_000,
            "currency": currency,
            "country": "US",
            "like": like,
            "opened_ms": self.now_ms() - 900 * 86_400_000,
            **(_GIVEN.get(key) or _WITHHELD.get(key) or _USUAL),
        }
        self.world.put(SHOPS, key, shop)
        self._list(shop)
        return shop

    def change_shop(self, key: str, **changes: Any) -> None:
        """Change what a shop is or gives."""
        self.world.put(SHOPS, key, {**self.shops[key], **changes})

    def _list(self, shop: Doc) -> None:
        key, now = shop["key"], self.now_ms()
        self.rows_of[key] = []
        source = catalog.seller("etsy", shop["like"]) or {"listings": []}
        for place, given in enumerate(source["listings"]):
            own = shop["like"] == key
            item = given["item_id"] if own else str(number(f"{key}:{given['item_id']}", 1_000_000_000, 900_000_000))
            row = {
                **given,
                "item_id": item,
                "variation_id": given["variation_id"] if own else "",
                "price": amount(Decimal(next(iter(given["prices"].values()))), shop["currency"]),
                "shop": key,
                "place": place,
                "state": "active",
                "version": 1,
                "created_ms": shop["opened_ms"] + place * 3_600_000,
                "updated_ms": now,
            }
            # Etsy has a product for a listing without variations too.
            row["product_id"] = int(row["variation_id"] or number(f"{item}:{place}", 50_000_000_000, 9_000_000_000))
            self.world.put(LISTINGS, f"{key}|{place}", row)
            self._index_row(row)

    def _index_row(self, row: Doc) -> None:
        self.rows_of[row["shop"]].append(row)
        item = self.by_item[row["item_id"]]
        item[:] = [known for known in item if known["place"] != row["place"]] + [row]

    def find_row(self, shop: str, line: Doc) -> Doc | None:
        """Return the product a line of an order means: by its number, its SKU, else by title and variation."""
        wanted = {name: str(line[name]) for name in ("variation_id", "item_id", "sku") if line.get(name)}
        variation = line.get("variation")
        if not wanted and line.get("title"):
            wanted["title"] = str(line["title"])
        found = [row for row in self.rows_of[shop] if all(str(row[n]) == value for n, value in wanted.items())]
        if variation and len(found) > 1:
            found = [row for row in found if row["variation"] == variation] or found
        return found[0] if wanted and found else None

    def lower(self, row: Doc, units: int) -> None:
        """Lower a product's quantity, as Etsy does when it is bought; a listing with nothing left is sold out."""
        row["quantity"] = max(0, row["quantity"] - units)
        row["version"] += 1
        row["updated_ms"] = self.now_ms()
        for other in self.by_item[row["item_id"]]:
            if not any(known["quantity"] for known in self.by_item[row["item_id"]]):
                other["state"] = "sold_out"
                self.world.put(LISTINGS, f"{other['shop']}|{other['place']}", other)
        self.world.put(LISTINGS, f"{row['shop']}|{row['place']}", row)

    # ── receipts ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def receipt(self, shop: str, receipt_id: str) -> Doc | None:
        """Return a shop's receipt."""
        doc = self.receipts.get(receipt_id)
        return doc if doc is not None and doc["shop"] == shop else None

    def save(self, receipt: Doc) -> None:
        """Store a receipt with a new time of change, which never runs backwards."""
        known = receipt["id"] in self.receipts
        if known:
            _remove(self.by_updated[receipt["shop"]], (receipt["updated_ms"], receipt["id"]))
        receipt["updated_ms"] = max(self.now_ms(), receipt["updated_ms"])
        if receipt["mode"] != "silent":
            insort(self.by_updated[receipt["shop"]], (receipt["updated_ms"], receipt["id"]))
        if not known:
            insort(self.by_created[receipt["shop"]], (receipt["created_ms"], receipt["id"]))
        self.world.put(RECEIPTS, receipt["id"], receipt)

    def relist(self, receipt: Doc) -> None:
        """Put a receipt whose mode changed where that mode is listed: a silent one is not in the list by change."""
        _remove(self.by_updated[receipt["shop"]], (receipt["updated_ms"], receipt["id"]))
        if receipt["mode"] != "silent":
            insort(self.by_updated[receipt["shop"]], (receipt["updated_ms"], receipt["id"]))


def _remove(index: Index, entry: tuple[int, str]) -> None:
    place = bisect_left(index, entry)
    if place < len(index) and index[place] == entry:
        del index[place]


# ── money and numbers ────────────────────────────────────────────────────────────────────────────────────────────────


def divisor(currency: str) -> int:
    """Return by what Etsy's Money divides the amount of this currency."""
    return 1 if currency in _NO_DECIMALS else 100


def amount(value: Decimal, currency: str) -> str:
    """Write money with the currency's decimals (JPY has none)."""
    step = Decimal(1) / divisor(currency)
    return str(value.quantize(step, rounding=ROUND_HALF_UP))


def money(value: Decimal, currency: str) -> Doc:
    """Return Etsy's Money: a whole amount, what to divide it by, the currency."""
    by = divisor(currency)
    return {"amount": int((value * by).to_integral_value(ROUND_HALF_UP)), "divisor": by, "currency_code": currency}


@lru_cache(maxsize=20_000)
def number(text: str, first: int, span: int) -> int:
    """Return a made-up number from `first` on, the same for the same text at every start."""
    return first + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % span
