"""Drive whole loops through the real sandbox, in this process: the sweeper finds lanes, their tasks are called.

No worker and no beat: what is due is found as the sweeper finds it and run as functions, so a test decides when.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import close_old_connections
from django.utils.timezone import now

from accounts import connect, preferences
from accounts.models import MarketplaceAccount, Store
from connectors.contract.types import Grant
from connectors.sandbox.platforms import PLATFORMS
from inventory import refresh
from inventory.models import Stock, Variant
from notifications.alerts import open_alerts
from orders import counts
from orders.models import Order, OrderEvent, OrderLine, OrderPull
from salestio import sweep, tenancy
from salestio.celery import app

SHOP = "northpine-supply.myshopify.com"
SELLER = "A1NORTHPINEUS"


def sold(made: dict[str, Any]) -> dict[str, int]:
    """Return SKU → units of a store order; a price that does not divide to the cent may stand in two lines."""
    units: Counter[str] = Counter()
    for line in made["lines"]:
        units[line["sku"]] += line["quantity"]
    return dict(units)


def run_due() -> int:
    """Run every lane that is due now, once; return how many."""
    app.loader.import_default_modules()
    lanes = sweep.due_lanes()
    for task, merchant, target in lanes:
        app.tasks[task].run(merchant, target)
    return len(lanes)


@dataclass(slots=True)
class World:
    """A demo merchant, connected to the running sandbox: a store and, where nothing else is said, one seller."""

    sandbox: Any
    merchant_id: int
    shop: str = SHOP
    store_platform: str = "shopify"
    seller: str = SELLER
    platform: str = "amazon"

    def buy(self, *lines: tuple[str, int], seller: str = "", **more: Any) -> list[str]:
        """Let buyers place orders of (SKU, units); return their marketplace ids."""
        return self.place([{"sku": sku, "quantity": quantity} for sku, quantity in lines], seller=seller, **more)

    def place(self, lines: list[dict[str, Any]], *, seller: str = "", **more: Any) -> list[str]:
        """Let buyers place orders with lines in the control API's words; return their marketplace ids."""
        path = f"/accounts/{self.platform}/{seller or self.seller}/orders"
        ids: list[str] = self.sandbox.control("POST", path, {"lines": lines, **more})["ids"]
        return ids

    def change(self, reference: str, **what: Any) -> dict[str, Any]:
        """Let an order's life go on at the marketplace; return it as the marketplace has it now."""
        path = f"/accounts/{self.platform}/{self.seller}/orders/{reference}"
        return dict(self.sandbox.control("PATCH", path, what))

    def at_marketplace(self, reference: str) -> dict[str, Any]:
        """Return an order as the marketplace has it."""
        path = f"/accounts/{self.platform}/{self.seller}/orders/{reference}"
        return dict(self.sandbox.control("GET", path))

    def listings(self) -> list[dict[str, Any]]:
        """Return what the seller offers."""
        found: list[dict[str, Any]] = self.sandbox.control("GET", f"/accounts/{self.platform}/{self.seller}/listings")
        return found

    def goods(self, number: int) -> list[str]:
        """Return SKUs the seller offers and the store has: counted, there once, without options to choose."""
        found: list[str] = []
        for listing in self.listings():
            if listing.get("kind") != "plain" or not listing["sku"]:
                continue
            variant = self.variant(listing["sku"])
            if variant["tracked"] and not variant.get("modifiers") and variant["status"] == "active":
                found.append(listing["sku"])
            if len(found) == number:
                return found
        raise AssertionError(f"there are {len(found)} such SKUs, not {number}")

    def listing(self, **like: Any) -> dict[str, str]:
        """Return the first listing with these values, as the line of an order names it (some have no SKU)."""
        row = next(row for row in self.listings() if all(row.get(name) == value for name, value in like.items()))
        if row["sku"]:
            return {"sku": row["sku"]}
        return {"sku": "", "item_id": row["item_id"], "variation_id": row["variation_id"]}

    def add_seller(self, platform: str, **more: Any) -> None:
        """Connect a further seller to the store, and let buyers buy there from now on."""
        # Further sellers stay over a reset of the sandbox, so that each is a new one.
        key = PLATFORMS[platform].key(secrets.randbelow(10**9))
        refresh_token = self.sandbox.control("PUT", f"/accounts/{platform}/{key}", more)["refresh_token"]
        grant = Grant(key=key, refresh_token=refresh_token, refresh_expires_at=now() + timedelta(days=365))
        sites = tuple(more["sites"])
        wish = connect.AccountWish(platform, more.get("region", ""), key, sites, self.store().pk)
        connect.keep_account(self.merchant_id, wish, grant, granted_sites=sites, actor="Ines")
        with tenancy.scope(self.merchant_id):
            MarketplaceAccount.objects.update(guard_clean=20)
        self.platform, self.seller = platform, key

    def set_stock(self, sku: str, units: int, shop: str = "") -> None:
        """Let the merchant set a variant's stock in the store's admin, at its first location; others to zero."""
        shop = shop or self.shop
        variant = self.variant(sku, shop)
        for place in variant["locations"]:
            at_first = place is variant["locations"][0]
            self.sandbox.control(
                "PUT",
                f"/stores/{shop}/variants",
                {"available": units if at_first else 0, "location": place["id"]},
                sku=sku,
            )

    def variant(self, sku: str, shop: str = "") -> dict[str, Any]:
        """Return a variant as the store's admin shows it."""
        (found,) = self.sandbox.control("GET", f"/stores/{shop or self.shop}/variants", sku=sku)["results"]
        return dict(found)

    def change_variant(self, sku: str, **what: Any) -> None:
        """Let the merchant change a variant in the store's admin."""
        self.sandbox.control("PUT", f"/stores/{self.shop}/variants", what, sku=sku)

    def units(self, sku: str, shop: str = "") -> int:
        """Return a variant's available units over all locations, by the store's own word."""
        return sum(place["available"] for place in self.variant(sku, shop)["locations"])

    def store_orders(self, reference: str, shop: str = "") -> list[dict[str, Any]]:
        """Return the store orders that carry a marketplace order id, by the store's own word."""
        path = f"/stores/{shop or self.shop}/orders"
        found: list[dict[str, Any]] = self.sandbox.control("GET", path, reference=reference)["results"]
        return found

    def writes(self, kind: str) -> list[dict[str, Any]]:
        """Return the sandbox's record of accepted writes of a kind."""
        found: list[dict[str, Any]] = self.sandbox.control("GET", "/writes", kind=kind, limit=1000)
        return found

    def fault(self, **body: Any) -> None:
        """Break something in the sandbox."""
        self.sandbox.control("POST", "/faults", body)

    def mend(self) -> None:
        """End all faults."""
        self.sandbox.control("DELETE", "/faults")

    def order(self, reference: str) -> Order | None:
        """Return our order of a marketplace id."""
        with tenancy.scope(self.merchant_id):
            return Order.objects.filter(marketplace_order_id=reference).first()

    def known(self, reference: str) -> Order:
        """Return our order of a marketplace id, which must be there."""
        order = self.order(reference)
        assert order is not None, f"{reference} is not known"
        return order

    def lines(self, reference: str) -> list[OrderLine]:
        """Return our lines of an order."""
        with tenancy.scope(self.merchant_id):
            return list(OrderLine.objects.filter(order__marketplace_order_id=reference).order_by("number"))

    def alerts(self) -> list[str]:
        """Return the texts of the open alerts."""
        with tenancy.scope(self.merchant_id):
            return [f"{reading.title} {reading.text}" for reading in open_alerts()]

    def events(self, reference: str) -> list[str]:
        """Return the codes of an order's log, oldest first."""
        with tenancy.scope(self.merchant_id):
            rows = OrderEvent.objects.filter(order__marketplace_order_id=reference).order_by("id")
            return list(rows.values_list("code", flat=True))

    def states(self) -> dict[str, int]:
        """Return the counts by export state."""
        with tenancy.scope(self.merchant_id):
            return counts.summary()["states"]

    def account(self, key: str = "") -> MarketplaceAccount:
        with tenancy.scope(self.merchant_id):
            return MarketplaceAccount.objects.select_related("store", "merchant").get(key=key or self.seller)

    def store(self, key: str = "") -> Store:
        with tenancy.scope(self.merchant_id):
            return Store.objects.select_related("merchant").get(key=key or self.shop)

    def settings(self, target: Store | MarketplaceAccount, **chosen: Any) -> None:
        """Choose settings of the store or the account, as its page does."""
        with tenancy.scope(self.merchant_id):
            preferences.write(target, chosen, actor="Ines")

    def read(self, *skus: str) -> None:
        """Read the figures of these SKUs now, as a webhook would make it happen."""
        with tenancy.scope(self.merchant_id):
            ids = list(Variant.objects.filter(sku__in=skus).values_list("pk", flat=True))
        refresh.read_now(self.merchant_id, self.store().pk, variant_ids=ids)

    def free(self, sku: str) -> int:
        """Return the units of a SKU that orders may still take, as we see it."""
        with tenancy.scope(self.merchant_id):
            return sum(row.figure - row.reserved for row in Stock.objects.filter(variant__sku=sku))

    def reserved(self, sku: str) -> int:
        """Return the units of a SKU we keep for orders."""
        with tenancy.scope(self.merchant_id):
            return sum(row.reserved for row in Stock.objects.filter(variant__sku=sku))

    def work(
        self,
        *references: str,
        until: tuple[str, ...] = ("created", "held", "skipped", "canceled"),
        seconds: float = 20.0,
    ) -> None:
        """Run what is due until these orders are in one of the states; fails after `seconds` with what they are in."""
        deadline = time.monotonic() + seconds
        while True:
            self.pull()
            run_due()
            close_old_connections()
            rows = {reference: self.order(reference) for reference in references}
            if all(row is not None and row.export_state in until for row in rows.values()):
                return
            if time.monotonic() > deadline:
                raise AssertionError(
                    {
                        ref: (row.export_state, row.reason_code, row.reason_data) if row else None
                        for ref, row in rows.items()
                    }
                )
            time.sleep(0.02)

    def work_until(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        """Run what is due until something is true; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, "it did not become true"
            self.pull()
            run_due()
            time.sleep(0.02)

    def ready(self) -> bool:
        """Say whether the catalog is read."""
        with tenancy.scope(self.merchant_id):
            return Store.objects.filter(catalog_synced_at__isnull=False).exists()

    def pull(self) -> None:
        """Make the accounts due, and forget the list call's limit: it allows one call in three minutes."""
        with tenancy.scope(self.merchant_id):
            OrderPull.objects.update(next_attempt_at=now(), limit_tat=0)

    def work_for(self, seconds: float) -> None:
        """Run what is due for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.pull()
            run_due()
            time.sleep(0.02)
