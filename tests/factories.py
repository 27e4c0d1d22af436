"""The small cast everyone knows: a merchant with a store and a seller account, and a stranger who must see nothing.

Rows are valid by default; a test spells out only what it is about. Each function opens the merchant's scope by itself.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.timezone import now

from accounts.models import AccountRoute, MarketplaceAccount, Membership, Merchant, Store, StoreRoute, User
from connectors.contract.types import (
    Address,
    FulfilledBy,
    MarketplaceOrder,
    MarketplaceOrderLine,
    OrderStatus,
    PersonalDetails,
)
from inventory.models import Location, Variant
from inventory.stock import set_from_store
from orders.pull import database_now
from salestio import tenancy
from salestio.lib.text import title_key

_number = itertools.count(1)


@dataclass(slots=True)
class Cast:
    """A merchant and what belongs to it."""

    merchant: Merchant
    store: Store
    account: MarketplaceAccount
    user: User
    location: Location

    @property
    def id(self) -> int:
        return self.merchant.pk


def make_merchant(name: str = "Northpine Supply", *, storefront: str = "shopify") -> Cast:
    """Make a merchant with an owner, a store with one location, and an Amazon account that feeds it."""
    number = next(_number)
    on_shopify = storefront == "shopify"
    key = f"shop-{number}.myshopify.com" if on_shopify else f"hash{number:05d}"
    # The owner of the tables may write outside a scope; a new merchant has no scope yet.
    with tenancy.unscoped("test: new merchant"):
        merchant = Merchant.objects.create(name=name)
    user = User.objects.create_user(f"owner{number}@example.com", "correct horse battery staple", name="Ines Okafor")
    Membership.objects.create(user=user, merchant_ref=merchant.pk, role="owner")
    with tenancy.scope(merchant.pk):
        store = Store.objects.create(
            merchant=merchant, platform=storefront, key=key, name=name, currency="USD",
            domain=key if on_shopify else f"shop-{number}.example.com",
        )  # fmt: skip
        account = MarketplaceAccount.objects.create(
            merchant=merchant, store=store, platform="amazon", key=f"A{number:012d}", name=f"{name} US", region="na",
            sites=["US"], orders_from=now() - timedelta(days=2), guard_clean=20,
        )  # fmt: skip
        location = Location.objects.create(
            merchant=merchant, store=store, name="Portland Warehouse",
            remote_id=f"gid://shopify/Location/{number}" if on_shopify else str(number),
        )  # fmt: skip
    StoreRoute.objects.create(platform=storefront, key=store.key, merchant_ref=merchant.pk, store_ref=store.pk)
    AccountRoute.objects.create(
        platform="amazon", region="na", key=account.key, merchant_ref=merchant.pk, account_ref=account.pk
    )
    return Cast(merchant, store, account, user, location)


def make_variant(cast: Cast, sku: str, *, units: int = 10, title: str = "Enamel Mug", **more: Any) -> Variant:
    """Make a variant with a figure at the cast's location."""
    number = next(_number)
    options = more.pop("options", [["Title", "Default Title"]])
    parts = [title] + [text for pair in options for text in pair if "Default Title" not in pair]
    with tenancy.scope(cast.id):
        variant = Variant.objects.create(
            merchant=cast.merchant, store=cast.store, remote_id=f"gid://shopify/ProductVariant/{number}",
            product_id=f"gid://shopify/Product/{number}", item_id=f"gid://shopify/InventoryItem/{number}", sku=sku,
            product_title=title, options=options, title_key=title_key(parts), price=Decimal("18.50"), **more,
        )  # fmt: skip
        set_figure(cast, variant, units)
    return variant


def set_figure(cast: Cast, variant: Variant, units: int) -> None:
    """Let the store's figure of this variant be read just now. Needs an open scope, or opens one."""
    with tenancy.scope(cast.id):
        as_of = database_now()
        set_from_store(
            store_id=cast.store.pk, readings=[(variant.item_id, cast.location.remote_id, units)], as_of=as_of
        )


def amazon_line(sku: str, quantity: int = 1, price: str = "18.50", **more: Any) -> MarketplaceOrderLine:
    """Return a line as Amazon tells it: items, no tax."""
    total = Decimal(price) * quantity
    fields = {"line_id": f"{next(_number):014d}", "seller_sku": sku, "title": f"Thing {sku}", "quantity": quantity,
              "item_total": total, "total": total, **more}  # fmt: skip
    return MarketplaceOrderLine(**fields)


def amazon_order(*lines: MarketplaceOrderLine, **more: Any) -> MarketplaceOrder:
    """Return a paid FBM order bought a minute ago, with a complete address."""
    number = next(_number)
    bought = more.pop("purchased_at", datetime.now(UTC) - timedelta(minutes=1))
    lines = lines or (amazon_line("NP-MUG"),)
    fields: dict[str, Any] = {
        "order_id": f"112-{number:07d}-{number:07d}",
        "status": OrderStatus.PAID,
        "raw_status": "UNSHIPPED",
        "fulfilled_by": FulfilledBy.MERCHANT,
        "purchased_at": bought,
        "updated_at": bought,
        "lines": tuple(lines),
        "site": "US",
        "currency": "USD",
        "total": sum((line.total or Decimal(0) for line in lines), Decimal(0)),
        "personal": PersonalDetails(
            buyer_name="Margaret Okonkwo",
            buyer_email="k4x9@marketplace.example",
            shipping=Address(
                name="Margaret Okonkwo", line1="4410 Larch Hollow Rd", city="Bend", region="OR", postal_code="97702",
                country="US", phone="+1 541 555 0142",
            ),
        ),
        "raw": {"orderId": f"112-{number:07d}-{number:07d}", "buyer": {"buyerName": "Margaret Okonkwo"}},
        **more,
    }  # fmt: skip
    return MarketplaceOrder(**fields)
