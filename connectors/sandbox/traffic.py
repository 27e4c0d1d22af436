"""A believable stream of orders over the demo sellers, so that a newcomer has something to look at.

It begins when the demo seed says so (`POST /_control/traffic {"start": true}`), after the accounts were connected: an
order placed before an account was connected is never imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from aiohttp import web

from connectors.sandbox.amazon.buying import Buyers
from connectors.sandbox.amazon.sites import SITES
from connectors.sandbox.amazon.state import Doc, amount
from connectors.sandbox.server import CORE
from connectors.sandbox.world import World

STARTING_SET = 25
BUSY_SECONDS = 60.0
_SELLERS = ("A1NORTHPINEUS", "A1NORTHPINEUS", "A1NORTHPINEUS", "A2NORTHPINEUK", "A3NORTHPINEOUT", "A4HARBOURKILN")
"""Who sells how much: the first seller half of it."""


class Traffic:
    """The stream. It goes on after a restart when it was on."""

    def __init__(self, world: World, buyers: Buyers, *, allowed: bool) -> None:
        self.world = world
        self.buyers = buyers
        self.allowed = allowed
        self._random = random.Random()
        self._task: asyncio.Task[None] | None = None
        self._unpaid: list[tuple[float, str]] = []

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

    def _starting_set(self) -> None:
        """About 25 orders of the last minutes, among them one the store has too little of and one it does not know."""
        first = _SELLERS[0]
        scarce = [row for row in self._rows(first, "scarce") if row["quantity"] == 1] or self._rows(first, "scarce")
        missing = self._rows(first, "missing")
        if scarce:
            self._place(first, {"lines": [{"sku": scarce[0]["sku"], "quantity": 2}]})
        if missing:
            self._place(first, {"lines": [{"sku": missing[0]["sku"], "quantity": 1}]})
        for number in range(STARTING_SET - 2):
            # The same mix at each first start: mostly paid, some shipped by Amazon, one pending, one canceled.
            kind = {3: "fba", 9: "fba", 12: "pending", 17: "canceled", 20: "gift"}.get(number, "paid")
            self._one(kind, _SELLERS[number % len(_SELLERS)])

    def _rows(self, seller: str, kind: str) -> list[Doc]:
        return [row for row in self.buyers.state.listings_of[seller] if row["kind"] == kind]

    def _one(self, kind: str = "", seller: str = "") -> None:
        chance = self._random
        seller = seller or chance.choice(_SELLERS)
        kind = kind or chance.choices(("paid", "fba", "pending", "canceled", "gift"), (78, 9, 6, 4, 3))[0]
        if kind == "fba":
            sold = [row for row in self._rows(seller, "fba") if row["quantity"] > 0]
        else:
            sold = [row for row in self.buyers.state.listings_of[seller] if row["kind"] in ("plain", "title")]
            sold = [row for row in sold if row["quantity"] > 3]
        if not sold:
            return
        site = chance.choice(self.buyers.state.sellers[seller]["sites"])
        count = min(len(sold), chance.choices((1, 2, 3), (70, 22, 8))[0])
        lines = [self._line(row, site) for row in chance.sample(sold, count)]
        body: Doc = {"lines": lines, "site": site}
        if kind == "fba":
            body["fulfilled_by"] = "marketplace"
        if kind in ("pending", "canceled"):
            body["status"] = kind
        if kind == "gift":
            body["gift_wrap"] = {"message": "Happy birthday! See you at the lake.", "price": "3.99"}
        if chance.random() < 0.3:
            body["shipping"] = "5.99"
        self._place(seller, body)

    def _line(self, row: Doc, site: str) -> Doc:
        units = self._random.choices((1, 2, 3), (82, 14, 4))[0]
        line: Doc = {"sku": row["sku"], "quantity": units}
        if SITES[site].tax:
            price = Decimal(row["prices"][site]) * units
            line["tax"] = amount(price * Decimal(SITES[site].tax), SITES[site].currency)
        return line

    def _place(self, seller: str, body: Doc) -> None:
        ids = self.buyers.place(seller, body)
        if body.get("status") == "pending":
            self._unpaid.append((time.monotonic() + self._random.uniform(20, 60), ids[0]))

    def _pay_later(self) -> None:
        """Pay pending orders whose time came; one in six is canceled instead."""
        now = time.monotonic()
        for due, order_id in [entry for entry in self._unpaid if entry[0] <= now]:
            self._unpaid.remove((due, order_id))
            order = self.buyers.state.orders.get(order_id)
            if order is None or order["status"] != "PENDING":
                continue
            if self._random.random() < 1 / 6:
                self.buyers.cancel(order, {})
            else:
                self.buyers.pay(order)


TRAFFIC: web.AppKey[Traffic] = web.AppKey("traffic", Traffic)


def setup(app: web.Application, buyers: Buyers, *, allowed: bool) -> None:
    """Add the stream to the application; it goes on when it was on."""
    traffic = app[TRAFFIC] = Traffic(app[CORE].world, buyers, allowed=allowed)

    async def run(app: web.Application) -> AsyncIterator[None]:
        traffic.resume()
        yield
        await traffic.close()

    app.cleanup_ctx.append(run)
