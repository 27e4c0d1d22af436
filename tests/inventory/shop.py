"""The demo shop of the sandbox, connected: a world whose store answers over HTTP."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts import connections, credentials
from accounts.models import Store
from connectors.contract.types import Address, DraftLine, Grant, InventoryRule, StoreOrderDraft, StoreOrderFound
from inventory import catalog
from inventory.models import Location, Variant
from tests.conftest import Sandbox
from tests.inventory.world import World, clock, new_merchant

SHOP = "northpine-supply.myshopify.com"


class Shop(World):
    """Northpine's store as the sandbox has it."""

    sandbox: Sandbox

    @classmethod
    def connect(cls, sandbox: Sandbox) -> Shop:
        tokens = sandbox.control("GET", "/endpoints")["clients"]["shopify"]["tokens"][SHOP]
        merchant = new_merchant("Northpine Supply")
        shop = cls(merchant, Store(), [])
        with shop.scope():
            shop.store = Store.objects.create(merchant=merchant, platform="shopify", key=SHOP, name="Northpine Supply")
            credentials.store_grant(
                shop.store,
                Grant(
                    key=SHOP,
                    access_token=tokens["access_token"],
                    refresh_token=tokens["refresh_token"],
                    access_expires_at=datetime.now(UTC) + timedelta(hours=1),
                ),
            )
        shop.sandbox = sandbox
        return shop

    def sync(self) -> int:
        """Read the catalog whole, as the task does."""
        seen = self.sync_changes(whole=True)
        with self.scope():
            self.locations = list(Location.objects.order_by("id"))
        return seen

    def sync_changes(self, *, whole: bool = False) -> int:
        """Ask for a sync and see it through: where our own limit says wait, it goes on when the sweeper would ring."""
        with self.scope():
            catalog.sync_soon(self.store.id, whole=whole)
        seen = 0
        for _turn in range(60):
            seen += catalog.sync(self.merchant.id, self.store.id)
            with self.scope():
                self.store.refresh_from_db()
            assert self.store.catalog_next_at is not None
            wait = (self.store.catalog_next_at - clock()).total_seconds()
            if "started" not in self.store.catalog_cursor and self.store.catalog_cursor.get("full_at"):
                return seen
            time.sleep(max(wait, 0.0))
        raise AssertionError("the catalog was not read to its end")

    def of_sku(self, sku: str) -> Variant:
        with self.scope():
            return Variant.objects.get(sku=sku, deleted_at=None)

    def admin(self, sku: str, **changes: Any) -> Any:
        """The merchant changes a variant in the store's admin."""
        return self.sandbox.control("PUT", f"/stores/{SHOP}/variants", changes, sku=sku)

    def make_order(self, variant: Variant, units: int) -> StoreOrderFound:
        """Create an order in the store that takes the units, as the pipeline's third commit follows."""
        reference = f"114-{uuid.uuid4().hex[:14]}"
        draft = StoreOrderDraft(
            reference=reference,
            key=f"amazon:A1:{reference}:1",
            source="Amazon",
            currency="USD",
            total=Decimal(10 * units),
            processed_at=datetime.now(UTC),
            lines=(DraftLine("Thing", units, Decimal(10), variant.remote_id, variant.product_id, variant.sku),),
            inventory=InventoryRule.OBEY,
            shipping_address=Address(
                name="Ada Buyer", line1="1 Main St", city="Portland", region="OR", postal_code="97201", country="US"
            ),
        )
        return connections.storefront(self.store).create_order(draft)
