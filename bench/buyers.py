"""Buyers for the storm: orders of mixed kinds, chosen by a seed, each with the states it may rest in."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.census import Placed
from bench.outside import Merchant, Sandbox

PLENTY = 100_000
"""Units the ordinary goods get before the storm, so that only what should be short is short."""
SCARCE_UNITS = 12

CREATED = frozenset({"created"})
HELD = frozenset({"held"})

SHARES: dict[str, int] = {
    "plain": 46,
    "several lines": 14,
    "FBA": 8,
    "pending, then paid": 9,
    "pending": 2,
    "canceled at once": 3,
    "canceled later": 5,
    "unknown SKU": 4,
    "too many units": 2,
    "the last units": 2,
    "replacement": 3,
    "shipped already": 2,
}
"""Kind → its share in percent."""


@dataclass(slots=True)
class Later:
    """Something that happens to an order after it was placed."""

    seller: str
    order_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The SKUs of the storm: ordinary ones, one with few units, one nobody can deliver."""

    ordinary: list[str]
    scarce: str
    huge: str


def stock_up(sandbox: Sandbox, store: str) -> Shelf:
    """Give the store's goods units for the storm and say which SKU plays which part."""
    good = [
        row
        for row in sandbox.variants(store)
        if row["sku"] and row["tracked"] and row["policy"] == "deny" and row["status"] == "active"
    ]
    names = [row["sku"] for row in good]
    single = [row for row in good if names.count(row["sku"]) == 1][:62]
    for row in single[2:]:
        sandbox.set_variant(store, row["id"], available=PLENTY)
    for row, units in ((single[0], SCARCE_UNITS), (single[1], 3)):
        for number, place in enumerate(row["locations"]):
            sandbox.set_variant(store, row["id"], available=units if number == 0 else 0, location=place["name"])
    return Shelf([row["sku"] for row in single[2:]], single[0]["sku"], single[1]["sku"])


class Buyers:
    """Places orders at random over the sellers, the same ones for the same seed."""

    def __init__(self, sandbox: Sandbox, merchant: Merchant, shelf: Shelf, chance: random.Random) -> None:
        self.sandbox, self.shelf, self.chance = sandbox, shelf, chance
        self.places = [(a["key"], site) for a in merchant.facts["accounts"] for site in a["sites"]]
        self.placed: list[Placed] = []
        self.later: list[Later] = []

    def buy(self, orders: int) -> Iterator[int]:
        """Place so many orders, a handful a call; yields how many stand after each call."""
        kinds = [kind for kind, share in SHARES.items() for _ in range(round(orders * share / 100))]
        kinds += ["plain"] * (orders - len(kinds))
        kinds = kinds[:orders]
        self.chance.shuffle(kinds)
        waiting = dict.fromkeys(SHARES, 0)
        for number, kind in enumerate(kinds, 1):
            waiting[kind] += 1
            if waiting[kind] == 5 or number == orders:
                for name, count in waiting.items():
                    if count and (name == kind or number == orders):
                        self._place(name, count)
                        waiting[name] = 0
                yield len(self.placed)

    def _line(self, sku: str | None = None, quantity: int | None = None) -> dict[str, Any]:
        chosen = sku or self.chance.choice(self.shelf.ordinary)
        return {"sku": chosen, "quantity": quantity or self.chance.choice((1, 1, 1, 2, 3)),
                "unit_price": f"{self.chance.randrange(3, 200)}.{self.chance.randrange(100):02d}"}  # fmt: skip

    def _place(self, kind: str, count: int) -> None:
        seller, site = self.chance.choice(self.places)
        body: dict[str, Any] = {"site": site, "count": count, "lines": [self._line()]}
        body["mode"] = "sweep" if self.chance.random() < 0.15 else "push"
        if self.chance.random() < 0.5:
            body |= {"shipping": "4.99", "tax": f"{self.chance.randrange(1, 9)}.37"}
        if self.chance.random() < 0.2:
            body |= {"discount": "1.50"}
        may_be, reason = _KINDS[kind](self, body)
        ids = self.sandbox.place(seller, **body)
        lines = [(line["sku"], line.get("quantity", 1)) for line in body["lines"]]
        self.placed += [Placed(one, seller, kind, lines, may_be, reason) for one in ids]
        if kind in ("pending, then paid", "canceled later"):
            self.later += [Later(seller, one, "paid" if kind.startswith("pending") else "canceled") for one in ids]

    # ── kinds: each changes the body and says where such an order may rest ───────────────────────────────────────────

    def plain(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        return CREATED, ""

    def several(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        skus = self.chance.sample(self.shelf.ordinary, self.chance.randrange(2, 5))
        body["lines"] = [self._line(sku) for sku in skus]
        return CREATED, ""

    def fba(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
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
        body["lines"] = [self._line(), {"sku": f"NOWHERE-{number}", "title": f"A thing nobody sells {number}"}]
        return HELD, "NO_MATCH"

    def too_many(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["lines"] = [self._line(self.shelf.huge, 50), self._line()]
        return HELD, "OUT_OF_STOCK"

    def last_units(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["lines"] = [self._line(self.shelf.scarce, 1)]
        return frozenset({"created", "held"}), "OUT_OF_STOCK"

    def replacement(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["replacement_of"] = "111-0000000-0000000"
        for name in ("shipping", "tax", "discount"):
            body.pop(name, None)
        return CREATED, ""

    def shipped(self, body: dict[str, Any]) -> tuple[frozenset[str], str]:
        body["status"] = "shipped"
        return CREATED, ""


_KINDS: dict[str, Callable[[Buyers, dict[str, Any]], tuple[frozenset[str], str]]] = {
    "plain": Buyers.plain,
    "several lines": Buyers.several,
    "FBA": Buyers.fba,
    "pending, then paid": Buyers.pending_then_paid,
    "pending": Buyers.pending,
    "canceled at once": Buyers.canceled_at_once,
    "canceled later": Buyers.canceled_later,
    "unknown SKU": Buyers.unknown_sku,
    "too many units": Buyers.too_many,
    "the last units": Buyers.last_units,
    "replacement": Buyers.replacement,
    "shipped already": Buyers.shipped,
}


def learn_totals(sandbox: Sandbox, placed: list[Placed]) -> None:
    """Ask the marketplace what each buyer paid."""
    wanted = {one.id: one for one in placed}
    for seller in {one.seller for one in placed}:
        cursor: str | None = "0"
        while cursor is not None:
            page = sandbox.get(f"/accounts/amazon/{seller}/orders", limit=1000, cursor=cursor)
            for row in page["results"]:
                if row["id"] in wanted:
                    wanted[row["id"]].total = Decimal(row["total"])
            cursor = page["next"]
