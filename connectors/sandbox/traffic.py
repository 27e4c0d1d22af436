"""A believable stream of orders over the demo sellers, so that a newcomer has something to look at.

It begins when the demo seed says so (`POST /_control/traffic {"start": true}`), after the accounts were connected: an
order placed before an account was connected is never imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any, NamedTuple

from aiohttp import web

from connectors.sandbox import catalog
from connectors.sandbox.platforms import Doc, MarketplaceControl, Refusal
from connectors.sandbox.server import CORE, Core

logger = logging.getLogger("sandbox")

STARTING_SET = 45
BUSY_SECONDS = 60.0
UNPAID = "traffic_unpaid"
"""The pending orders of the stream, by id: on which marketplace, whose, and when they are paid."""
_STARTING_KINDS = {3: "fba", 9: "fba", 12: "pending", 17: "canceled", 20: "gift"}
"""What the starting set's ordinary orders are; all others are paid."""
_TAX = {"US": Decimal("0.0825"), "CA": Decimal("0.13")}
"""About what marketplaces collect as sales tax beside the price, by site; elsewhere the price holds it."""
_GIFTS = ("Happy birthday! See you at the lake.", "For the new kitchen. With love from both of us.")


class Stand(NamedTuple):
    """A demo seller who sells: on which marketplace, and how much of the stream is theirs."""

    control: MarketplaceControl
    key: str
    weight: int


class Traffic:
    """The stream. It goes on after a restart when it was on."""

    def __init__(self, core: Core, *, allowed: bool) -> None:
        self.core = core
        self.world = core.world
        self.allowed = allowed
        self._random = random.Random()
        self._task: asyncio.Task[None] | None = None

    def _doc(self) -> Doc:
        return self.world.table("traffic").get("state", {})

    def start(self) -> None:
        """Place the starting set if it never was, and begin the stream. With `--no-traffic` nothing happens."""
        if not self.allowed:
            return
        if not self._doc().get("seeded"):
            self._starting_set()
        self.world.put("traffic", "state", {"seeded": True, "on": True})
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """End the stream."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.world.put("traffic", "state", {**self._doc(), "on": False})

    def resume(self) -> None:
        """Go on when the stream was on before a restart."""
        if self._doc().get("on"):
            self.start()

    def describe(self) -> dict[str, Any]:
        """Return whether the stream is allowed and runs."""
        running = self._task is not None and not self._task.done()
        return {"allowed": self.allowed, "running": running, "seeded": bool(self._doc().get("seeded"))}

    async def close(self) -> None:
        """End the task at the end of the process; the stream counts as on still."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        began = time.monotonic()
        while True:
            busy = time.monotonic() - began < BUSY_SECONDS
            await asyncio.sleep(self._random.uniform(3, 6) if busy else self._random.uniform(8, 20))
            self._one()
            self._pay_later()
            self.world.commit()

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def stands(self) -> list[Stand]:
        """Return the demo's sellers of the marketplaces this sandbox has."""
        return [
            Stand(control, row["key"], row["weight"])
            for platform, control in self.core.marketplaces.items()
            for row in catalog.sellers(platform)
            if row["weight"]
        ]

    def _starting_set(self) -> None:
        """Place the orders a newcomer should meet and ordinary ones, each seller's share by weight."""
        stands = self.stands()
        for wanted in catalog.first_orders():
            control = self.core.marketplaces.get(wanted["platform"])
            if control is not None:
                self._wanted(control, wanted)
        given = dict.fromkeys((stand.key for stand in stands), 0)
        for number in range(STARTING_SET - len(catalog.first_orders()) if stands else 0):
            # Whoever is furthest behind their share is next: the same mix at each first start.
            stand = min(stands, key=lambda s: (given[s.key] + 1) / s.weight)
            given[stand.key] += 1
            self._one(_STARTING_KINDS.get(number, "paid"), stand)

    def _wanted(self, control: MarketplaceControl, wanted: Doc) -> None:
        """Place one of `catalog.first_orders`."""
        key, kind = wanted["key"], wanted["kind"]
        rows = [row for row in control.listings(key) if _fits(control.platform, key, row, kind)]
        if not rows:
            return
        # A product of which there is one unit shows best what "more than the store has" means, and one with a SKU of
        # the seller's what "not in the store" means.
        chosen = sorted(rows, key=lambda row: (not row["sku"], row["quantity"] != 1))[: wanted.get("lines", 1)]
        if kind == "plain":
            chosen = self._random.sample(rows, min(len(rows), wanted.get("lines", 1)))
        body: Doc = {"lines": [_line(row, wanted.get("units", 1)) for row in chosen], **wanted.get("body", {})}
        asked = _listed(control.platform, key).get(_identity(chosen[0]), {}).get("personalization")
        if asked:
            body["customization"] = {asked[0]["question"]: "For M. & T., 2026"}
        self._place(control, key, body)

    def _one(self, kind: str = "", stand: Stand | None = None) -> None:
        """Place one order of a kind (`paid`, `fba`, `pending`, `canceled`, `gift`); both by chance when not given."""
        chance, stands = self._random, self.stands()
        if not stands:
            return
        # Several sellers share a shelf: the starting set leaves those alone that could run short by chance.
        least = 3 if stand is None else 15
        stand = stand or chance.choices(stands, [known.weight for known in stands])[0]
        control, key = stand.control, stand.key
        kind = kind or chance.choices(("paid", "fba", "pending", "canceled", "gift"), (78, 9, 6, 4, 3))[0]
        listings = control.listings(key)
        sold = [row for row in listings if kind == "fba" and row["kind"] == "fba" and row["quantity"] > 0]
        if not sold:
            kind = "paid" if kind == "fba" else kind
            fits = [row for row in listings if row["quantity"] > least and row["kind"] in ("plain", "title")]
            sold = [row for row in fits if _fits(control.platform, key, row, row["kind"])]
        if not sold:
            return
        site = chance.choice(control.seller(key)["sites"])
        chosen = chance.sample(sold, min(len(sold), chance.choices((1, 2, 3), (70, 22, 8))[0]))
        lines = [_line(row, chance.choices((1, 2, 3), (82, 14, 4))[0]) for row in chosen]
        body: Doc = {"lines": lines, "site": site}
        if site in _TAX:
            body["tax"] = _tax(chosen, lines, site)
        if kind == "fba":
            body["fulfilled_by"] = "marketplace"
        if kind in ("pending", "canceled"):
            body["status"] = kind
        if kind == "gift":
            body["gift_wrap"] = {"message": chance.choice(_GIFTS), "price": "3.99"}
        if chance.random() < 0.3:
            body["shipping"] = "5.99"
        self._place(control, key, body)

    def _place(self, control: MarketplaceControl, key: str, body: Doc) -> None:
        try:
            ids = control.place(key, body)
        except Refusal as refusal:
            # The stream goes on: one marketplace that has no gift wrap does not silence the others.
            logger.warning("the order stream: %s refused %s: %s", control.platform, refusal.field, refusal)
            return
        if body.get("status") == "pending":
            due = time.time() + self._random.uniform(20, 60)
            self.world.put(UNPAID, ids[0], {"platform": control.platform, "key": key, "due": due})

    def _pay_later(self) -> None:
        """Pay pending orders whose time came; one in six is canceled instead."""
        now = time.time()
        for order_id, entry in [row for row in self.world.table(UNPAID).items() if row[1]["due"] <= now]:
            self.world.drop(UNPAID, order_id)
            control = self.core.marketplaces.get(entry["platform"])
            if control is None:
                continue
            try:
                if control.order(entry["key"], order_id)["status"] != "pending":
                    continue
                status = "canceled" if self._random.random() < 1 / 6 else "paid"
                control.change(entry["key"], order_id, {"status": status})
            except Refusal as refusal:
                logger.warning("the order stream: %s refused to pay %s: %s", entry["platform"], order_id, refusal)


def _identity(row: Doc) -> str:
    """What tells a seller's listings apart: the SKU, or title and variation where there is none."""
    return row["sku"] or f"{row['title']}|{sorted(row['variation'].items())}"


@cache
def _listed(platform: str, key: str) -> dict[str, Doc]:
    """Return the seller's listings as the catalog has them."""
    seller = catalog.seller(platform, key)
    return {_identity(row): row for row in seller["listings"]} if seller else {}


def _fits(platform: str, key: str, row: Doc, kind: str) -> bool:
    """Say whether a listing is of a kind; those a store sells only with a choice, or does not show, are plain to
    nobody."""
    known = _listed(platform, key).get(_identity(row), {})
    if kind == "personalized":
        return bool(known.get("personalization")) and not known.get("needs_options")
    if kind == "digital":
        return bool(known.get("digital"))
    plain = not (known.get("needs_options") or known.get("hidden") or known.get("digital"))
    asked = any(question["required"] for question in known.get("personalization", ()))
    return row["kind"] == kind and plain and not asked


def _line(row: Doc, units: int) -> Doc:
    """A line of an order for a listing, which is named by its numbers where the seller gave no SKU."""
    line: Doc = {"sku": row["sku"], "quantity": units}
    if not row["sku"]:
        line |= {name: row[name] for name in ("item_id", "variation_id") if row.get(name)}
    return line


def _tax(rows: list[Doc], lines: list[Doc], site: str) -> str:
    """The tax on an order's lines, as a decimal string."""
    price = sum(
        Decimal(r.get("prices", {}).get(site, r["price"])) * x["quantity"] for r, x in zip(rows, lines, strict=True)
    )
    return str((price * _TAX[site]).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


TRAFFIC: web.AppKey[Traffic] = web.AppKey("traffic", Traffic)


def setup(app: web.Application, *, allowed: bool) -> None:
    """Add the stream to the application; it goes on when it was on."""
    traffic = app[TRAFFIC] = Traffic(app[CORE], allowed=allowed)

    async def run(app: web.Application) -> AsyncIterator[None]:
        traffic.resume()
        yield
        await traffic.close()

    app.cleanup_ctx.append(run)
