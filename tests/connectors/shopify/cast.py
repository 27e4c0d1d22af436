"""Drafts, a config and a shop for the Shopify tests; made-up people only."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.contract.types import (
    Address,
    DraftLine,
    DraftShipping,
    DraftTax,
    InventoryRule,
    StoreOrderDraft,
    StoreVariant,
)
from connectors.http import Deadlines
from connectors.ratelimit import NoLimiter
from connectors.shopify.config import ShopifyConfig
from connectors.shopify.connector import Shopify
from tests.connectors.contract import Tokens

SHOP = "northpine-supply.myshopify.com"
VARIANT = "gid://shopify/ProductVariant/501"
TOKEN = "shpat_" + "a1" * 16


def config(url: str = "https://{shop}", **changes: Any) -> ShopifyConfig:
    """Return a config that finds every shop at `url`."""
    given: dict[str, Any] = {
        "client_id": "client-of-ours",
        "client_secret": "shpss_secret-of-ours-that-is-long-enough",
        "url_template": url,
        "app_url": "https://app.example.com",
        "deadlines": Deadlines(connect=1.0, read=2.0, total=3.0),
    }
    return ShopifyConfig(**{**given, **changes})


def shop_at(url: str, *, shop: str = SHOP, token: str = TOKEN, limiter: Any = None) -> Shopify:
    """Return a connector whose shop answers at `url`."""
    return Shopify(shop, Tokens(token), limiter or NoLimiter(), config(url))


def whole_catalog(shop: Shopify) -> dict[str, StoreVariant]:
    """Return every variant of the shop by its id, page after page."""
    found: dict[str, StoreVariant] = {}
    token = ""
    for _ in range(500):
        page = shop.list_variants(after_token=token)
        found |= {variant.id: variant for variant in page.items}
        token = page.next_token
        if not token:
            return found
    raise AssertionError("the pages do not end")


def address(**changes: Any) -> Address:
    """Return a whole address in the US."""
    given: dict[str, Any] = {
        "name": "Ada Example",
        "line1": "1 Made-up Street",
        "city": "Portland",
        "region": "OR",
        "postal_code": "97201",
        "country": "US",
        "phone": "+1 503-555-0100 ext. 77",
    }
    return Address(**{**given, **changes})


def draft(**changes: Any) -> StoreOrderDraft:
    """Return a draft of one mug, shipping and a tax the marketplace collected: 31.37 USD."""
    given: dict[str, Any] = {
        "reference": "111-1234567-1234567",
        "key": "amazon:A1NORTHPINEUS:111-1234567-1234567:1",
        "source": "Amazon",
        "currency": "USD",
        "total": Decimal("31.37"),
        "processed_at": datetime(2026, 11, 20, 10, 30, tzinfo=UTC),
        "lines": (
            DraftLine(
                title="Enamel mug",
                quantity=2,
                unit_price=Decimal("12.00"),
                variant_id=VARIANT,
                sku="MUG-1",
                taxes=(DraftTax("Tax collected by Amazon", Decimal("2.38"), Decimal("0.0992"), True),),
            ),
        ),
        "inventory": InventoryRule.OBEY,
        "shipping": (DraftShipping("Amazon Shipping", Decimal("4.99")),),
        "email": "ada@example.com",
        "shipping_address": address(),
        "customer_name": "Ada Example",
        "tags": ("Amazon", "FBM"),
        "attributes": (("Marketplace order id", "111-1234567-1234567"),),
    }
    return StoreOrderDraft(**{**given, **changes})
