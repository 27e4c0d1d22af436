"""Buyers for the storm: orders of mixed kinds, chosen by a seed, each with the states it may rest in."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.census import Placed
from bench.outside import Doc, Merchant, Sandbox

PLENTY = 100_000
"""Units the ordinary goods get before the storm, so that only what should be short is short."""
SCARCE_UNITS = 12

CREATED = frozenset({"created"})
HELD = frozenset({"held"})
WHOLE = {"JP"}
"""Sites whose currency has no decimals."""


@dataclass(frozen=True, slots=True)
class Later:
    """Something that happens to an order after it was placed."""

    placed: Placed
    status: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The SKUs of the storm: ordinary ones, one with few units, one nobody can deliver."""

    ordinary: list[str]
    scarce: str
    huge: str


def stock_up(sandbox: Sandbox, store: str) -> Shelf:
    """Give the store's goods units for the storm and say which SKU plays which part."""
    good = [row for row in sandbox.variants(store) if _ordinary(row)]
    names = [row["sku"] for row in good]
    single = [row for row in good if names.count(row["sku"]) == 1][:62]
    for row in single[2:]:
        sandbox.set_variant(store, row["id"], available=PLENTY)
    for row, units in ((single[0], SCARCE_UNITS), (single[1], 3)):
        for number, place in enumerate(row["locations"]):
            sandbox.set_variant(store, row["id"], available=units if number == 0 else 0, location=place["name"])
    return Shelf([row["sku"] for row in single[2:]], single[0]["sku"], single[1]["sku"])


def _ordinary(row: Doc) -> bool:
    """Say whether a variant is sold like most: counted, never below zero, shown, without options to choose."""
    asks = any(modifier["required"] for modifier in row.get("modifiers", ()))
    counted = row["tracked"] and row["policy"] == "deny"
    return bool(row["sku"] and counted and row["status"] == "active" and not asks)


class Buyers:
    """Places orders at random over a merchant's sellers, the same ones for the same seed."""

    def __init__(
        self, sandbox: Sandbox, merchant: Merchant, shelf: Shelf, chance: random.Random, more: Sequence[Doc] = ()
    ) -> None:
        self.sandbox, self.merchant, self.shelf, self.chance = sandbox, merchant, shelf, chance
        accounts = [*merchant.facts["accounts"], *more]
        self.places = [(a["platform"], a["key"], site) for a in accounts for site in a["sites"]]
        self.placed: list[Placed] = []
        self.later: list[Later] = []

    @property
    def takes_unknown(self) -> bool:
        """Say whether the store takes a product nobody knows as a line of its own: BigCommerce's default (F39)."""
        return self.merchant.store_platform == "bigcommerce"

    def buy(self, orders: int) -> Iterator[int]:
        """Place so many orders, a handful a call; yields how many stand after each call."""
        kinds = [kind for kind, given in KINDS.items() for _ in range(round(orders * given.share / 100))]
        kinds += ["plain"] * (orders - len(kinds))
        kinds = kinds[:orders]
        self.chance.shuffle(kinds)
        waiting = dict.fromkeys(KINDS, 0)
        for number, kind in enumerate(kinds, 1):
            waiting[kind] += 1
            if waiting[kind] == 5 or number == orders:
                for name, count in waiting.items():
                    if count and (name == kind or number == orders):
                        self._place(name, count)
                        waiting[name] = 0
                yield len(self.placed)

    def go_on(self, *, keep: int = 0) -> None:
        """Let happen what happens later to orders, but for the newest `keep`; an order may get another id by it."""
        while len(self.later) > keep:
            one = self.later.pop(0)
            placed = one.placed
            now = self.sandbox.change(placed.seller, placed.id, platform=placed.platform, status=one.status)
            placed.id = now["id"]

    def _line(self, site: str, sku: str | None = None, quantity: int | None = None) -> dict[str, Any]:
        chosen = sku or self.chance.choice(self.shelf.ordinary)
        return {"sku": chosen, "quantity": quantity or self.chance.choice((1, 1, 1, 2, 3)),
                "unit_price": self._price(site)}  # fmt: skip

    def _price(self, site: str) -> str:
        whole, cents = self.chance.randrange(3, 200), self.chance.randrange(100)
        return str(whole * 100 + cents) if site in WHOLE else f"{whole}.{cents:02d}"

    def _place(self, name: str, count: int) -> None:
        kind = KINDS[name]
        fitting = [place for place in self.places if not kind.where or place[0] in kind.where]
        if not fitting:
            kind, name, fitting = KINDS["plain"], "plain", self.places
        platform, seller, site = self.chance.choice(fitting)
        body: dict[str, Any] = {"site": site, "count": count, "lines": [self._line(site)]}
        body["mode"] = "sweep" if self.chance.random() < 0.15 else "push"
        if self.chance.random() < 0.5:
            body |= {"shipping": "499", "tax": "137"} if site in WHOLE else {
                "shipping": "4.99", "tax": f"{self.chance.randrange(1, 9)}.37"
            }  # fmt: skip
        if self.chance.random() < 0.2:
            body |= {"discount": "150" if site in WHOLE else "1.50"}
        may_be, reason = kind.change(self, body)
        ids = self.sandbox.place(seller, platform=platform, **body)
        lines = [(line["sku"], line.get("quantity", 1)) for line in body["lines"]]
        made = [Placed(one, seller, name, lines, may_be, reason, platform=platform) for one in ids]
        self.placed += made
        if kind.later:
            self.later += [Later(one, kind.later) for one in made]

    # ── kinds: each changes the body and says where such an order may rest ───────────────────────────────────────────

    def plain(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        return CREATED, ""

    def several(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        skus = self.chance.sample(self.shelf.ordinary, self.chance.randrange(2, 5))
        body["lines"] = [self._line(body["site"], sku) for sku in skus]
        return CREATED, ""

    def marketplace_ships(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["fulfilled_by"] = "marketplace"
        return frozenset({"skipped"}), "FBA_FILTERED"

    def pending_then_paid(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["status"] = "pending"
        return CREATED, ""

    def pending(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["status"] = "pending"
        return frozenset({"imported"}), "NOT_PAID_YET"

    def canceled_at_once(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["status"] = "canceled"
        return frozenset({"canceled"}), ""

    def canceled_later(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        return frozenset({"canceled", "created"}), ""

    def unknown_sku(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        number = self.chance.randrange(10**6)
        unknown = {"sku": f"NOWHERE-{number}", "title": f"A thing nobody sells {number}"}
        body["lines"] = [self._line(body["site"]), {**self._line(body["site"]), **unknown}]
        return (CREATED, "") if self.takes_unknown else (HELD, "NO_MATCH")

    def too_many(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["lines"] = [self._line(body["site"], self.shelf.huge, 50), self._line(body["site"])]
        return HELD, "OUT_OF_STOCK"

    def last_units(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["lines"] = [self._line(body["site"], self.shelf.scarce, 1)]
        return frozenset({"created", "held"}), "OUT_OF_STOCK"

    def replacement(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["replacement_of"] = "111-0000000-0000000"
        for name in ("shipping", "tax", "discount"):
            body.pop(name, None)
        return CREATED, ""

    def shipped(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["status"] = "shipped"
        if self.merchant.store_platform == "bigcommerce":
            # This store takes stock for every order that is placed, and the parcel left before it was told (MECHANISMS 5).
            return HELD, "STORE_REFUSED"
        return CREATED, ""

    def combined(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        skus = self.chance.sample(self.shelf.ordinary, 2)
        body |= {"combined": True, "lines": [self._line(body["site"], sku) for sku in skus]}
        return CREATED, ""

    def address_withheld(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["buyer"] = {"address": None}
        return CREATED, ""

    def personalized(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["lines"][0]["customization"] = {"Initials": "A. B."}
        return CREATED, ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of order: its share in percent, how it differs, where it exists (everywhere), what happens to it later."""

    share: int
    change: Callable[[Buyers, dict[str, Any]], tuple[frozenset[str], str]]
    where: tuple[str, ...] = ()
    later: str = ""


KINDS: dict[str, Kind] = {
    "plain": Kind(37, Buyers.plain),
    "several lines": Kind(13, Buyers.several),
    "FBA": Kind(5, Buyers.marketplace_ships, ("amazon",)),
    "fulfilled by eBay": Kind(2, Buyers.marketplace_ships, ("ebay",)),
    "pending, then paid": Kind(10, Buyers.pending_then_paid, later="paid"),
    "pending": Kind(2, Buyers.pending),
    "canceled at once": Kind(3, Buyers.canceled_at_once),
    "canceled later": Kind(5, Buyers.canceled_later, later="canceled"),
    "unknown SKU": Kind(4, Buyers.unknown_sku),
    "too many units": Kind(2, Buyers.too_many),
    "the last units": Kind(3, Buyers.last_units),
    "replacement": Kind(2, Buyers.replacement, ("amazon",)),
    "shipped already": Kind(2, Buyers.shipped),
    "combined": Kind(4, Buyers.combined, ("ebay",)),
    "address withheld": Kind(3, Buyers.address_withheld, ("etsy",)),
    "personalized": Kind(3, Buyers.personalized, ("etsy",)),
}
"""Name → kind. Where a merchant has no seller for a kind, plain orders stand in."""


def learn_totals(sandbox: Sandbox, placed: list[Placed]) -> None:
    """Ask the marketplaces what each buyer paid."""
    wanted = {one.id: one for one in placed}
    for platform, seller in sorted({(one.platform, one.seller) for one in placed}):
        cursor: str | None = "0"
        while cursor is not None:
            page = sandbox.get(f"/accounts/{platform}/{seller}/orders", limit=1000, cursor=cursor)
            for row in page["results"]:
                if row["id"] in wanted:
                    wanted[row["id"]].total = Decimal(row["total"])
            cursor = page["next"]
