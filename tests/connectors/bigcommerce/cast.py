"""Drafts, a config, a store and its answers for the BigCommerce tests; made-up people only."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.bigcommerce.config import BigCommerceConfig
from connectors.bigcommerce.connector import BigCommerce
from connectors.contract.types import Address, DraftLine, DraftShipping, DraftTax, InventoryRule, StoreOrderDraft
from connectors.http import Deadlines
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import Tokens
from tests.connectors.wire import Step, Wire, answer

STORE = "g5cd38"
TOKEN = "bctoken" + "a1" * 12
SECRET = "client-secret-of-ours-that-is-long-enough"
KEY = "ebay:EBLUMEN5Q:12-34567-89012:1"
REFERENCE = "12-34567-89012"


def config(url: str = "https://api.example.com", **changes: Any) -> BigCommerceConfig:
    """Return a config that finds every store below `url`."""
    given: dict[str, Any] = {
        "client_id": "client-of-ours",
        "client_secret": SECRET,
        "app_id": "23456",
        "url_template": f"{url}/stores/{{hash}}",
        "login_url": url,
        "admin_template": "https://store-{hash}.example.com/manage",
        "app_url": "https://app.example.com",
        "deadlines": Deadlines(connect=1.0, read=2.0, total=3.0),
    }
    return BigCommerceConfig(**{**given, **changes})


def store_at(url: str, *, token: str = TOKEN, limiter: Any = None) -> BigCommerce:
    """Return a connector whose store answers at `url`."""
    return BigCommerce(STORE, Tokens(token), limiter or NoLimiter(), config(url))


def serve(wire: Wire, routes: Mapping[str, Step | Sequence[Step]]) -> None:
    """Let the server answer by method and path below the store ("GET /v2/store"); a list answers in turn, its last
    repeats. Braces stand for one part of a path. What is not named answers 404."""
    left = {name: list(steps) if isinstance(steps, Sequence) else [steps] for name, steps in routes.items()}

    def step(connection: socket.socket) -> bool:
        asked = wire.asked[-1]
        called = f"{asked.method} {asked.path.removeprefix(f'/stores/{STORE}')}"
        for name, steps in left.items():
            if re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(name)), called):
                return (steps.pop(0) if len(steps) > 1 else steps[0])(connection)
        return answer(404, {"status": 404, "title": "Not found"})(connection)

    wire.answer_with(step)


def calls(wire: Wire) -> list[str]:
    """Return what was asked, "GET /v2/store", in order."""
    return [f"{asked.method} {asked.path.removeprefix(f'/stores/{STORE}')}" for asked in wire.asked]


def sent(wire: Wire, call: str) -> list[Any]:
    """Return the bodies sent with a call."""
    return [asked.json for asked, name in zip(wire.asked, calls(wire), strict=True) if name == call]


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def page(*items: Mapping[str, Any], pages: int = 1, current: int = 1) -> dict[str, Any]:
    """Return a V3 list."""
    return {
        "data": list(items),
        "meta": {
            "pagination": {
                "total": len(items) * pages,
                "count": len(items),
                "per_page": 250,
                "current_page": current,
                "total_pages": pages,
                "links": {"current": f"?page={current}"},
            }
        },
    }


def store_facts(**changes: Any) -> dict[str, Any]:
    """Return GET /v2/store."""
    given: dict[str, Any] = {
        "id": STORE,
        "status": "live",
        "name": "Lumen & Loom",
        "country_code": "US",
        "admin_email": "owner@example.com",
        "timezone": {"name": "America/New_York", "raw_offset": -18000},
        "currency": "USD",
        "plan_name": "Plus",
        "is_price_entered_with_tax": False,
        "default_channel_id": 1,
    }
    return {**given, **changes}


def order(**changes: Any) -> dict[str, Any]:
    """Return an order as V2 shows it."""
    given: dict[str, Any] = {
        "id": 118,
        "date_created": "Fri, 20 Nov 2026 10:30:00 +0000",
        "status_id": 9,
        "status": "Awaiting Shipment",
        "total_inc_tax": "31.3700",
        "default_currency_code": "USD",
        "currency_code": "USD",
        "staff_notes": f"eBay order {REFERENCE}\nkey={KEY}",
        "external_order_id": REFERENCE,
        "external_source": "23456",
        "is_deleted": False,
    }
    return {**given, **changes}


def order_product(**changes: Any) -> dict[str, Any]:
    """Return a product of an order."""
    given: dict[str, Any] = {
        "id": 25,
        "order_id": 118,
        "product_id": 111,
        "variant_id": 127,
        "name": "Beeswax candle",
        "sku": "LL-CANDLE",
        "type": "physical",
        "quantity": 2,
    }
    return {**given, **changes}


def variant(**changes: Any) -> dict[str, Any]:
    """Return a variant as the catalog shows it."""
    given: dict[str, Any] = {
        "id": 127,
        "product_id": 111,
        "sku": "LL-CANDLE-S",
        "sku_id": 61,
        "price": None,
        "calculated_price": 12.5,
        "purchasing_disabled": False,
        "image_url": "",
        "upc": "0123456789012",
        "inventory_level": 7,
        "option_values": [{"id": 146, "label": "Small", "option_id": 151, "option_display_name": "Size"}],
    }
    return {**given, **changes}


def product(*variants: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a product as the catalog shows it, with its variants."""
    given: dict[str, Any] = {
        "id": 111,
        "name": "Beeswax candle",
        "type": "physical",
        "sku": "LL-CANDLE",
        "price": 12.5,
        "inventory_tracking": "variant",
        "is_visible": True,
        "availability": "available",
        "upc": "",
        "date_modified": "2026-11-20T10:00:00+00:00",
        "primary_image": {"id": 5, "product_id": 111, "url_standard": "https://cdn.example.com/candle.jpg"},
        "variants": list(variants) or [variant()],
    }
    return {**given, **changes}


def stock_row(
    *levels: tuple[int, int], variant_id: int | None = 127, product_id: int = 111, sku: str = "LL-CANDLE-S"
) -> dict[str, Any]:
    """Return a stock item with (location id, available) pairs."""
    identity: dict[str, Any] = {"sku": sku, "product_id": product_id}
    if variant_id is not None:
        identity["variant_id"] = variant_id
    return {
        "identity": identity,
        "locations": [
            {
                "location_id": place,
                "location_name": f"Place {place}",
                "available_to_sell": units,
                "total_inventory_onhand": units + 1,
                "location_enabled": True,
                "settings": {"safety_stock": 1, "is_in_stock": True, "warning_level": 0},
            }
            for place, units in levels
        ],
    }


def settings(behavior: str | None = "order_placed", restocks: bool | None = True) -> dict[str, Any]:
    """Return GET /v3/settings/inventory."""
    held = {"update_stock_behavior": behavior, "refund_order_stock_adjustment": restocks}
    return {"data": {name: value for name, value in held.items() if value is not None}, "meta": {}}


# ── drafts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def address(**changes: Any) -> Address:
    """Return a whole address in the US."""
    given: dict[str, Any] = {
        "name": "Ada Example",
        "line1": "1 Made-up Street",
        "city": "Portland",
        "region": "OR",
        "postal_code": "97201",
        "country": "US",
        "phone": "+1 503-555-0100",
    }
    return Address(**{**given, **changes})


def line(**changes: Any) -> DraftLine:
    """Return a line of two candles at 12.00 with 2.38 tax the marketplace collected."""
    given: dict[str, Any] = {
        "title": "Beeswax candle",
        "quantity": 2,
        "unit_price": Decimal("12.00"),
        "variant_id": "127",
        "product_id": "111",
        "sku": "LL-CANDLE-S",
        "taxes": (DraftTax("Tax collected by eBay", Decimal("2.38"), Decimal("0.0992"), True),),
    }
    return DraftLine(**{**given, **changes})


def draft(**changes: Any) -> StoreOrderDraft:
    """Return a draft of two candles, shipping and a tax the marketplace collected: 31.37 USD."""
    given: dict[str, Any] = {
        "reference": REFERENCE,
        "key": KEY,
        "source": "eBay",
        "currency": "USD",
        "total": Decimal("31.37"),
        "processed_at": datetime(2026, 11, 20, 10, 30, tzinfo=UTC),
        "lines": (line(),),
        "inventory": InventoryRule.OBEY,
        "shipping": (DraftShipping("eBay Shipping", Decimal("4.99")),),
        "email": "ada@example.com",
        "shipping_address": address(),
        "customer_name": "Ada Example",
        "note": f"eBay order {REFERENCE} (Lumen & Loom eBay)",
    }
    return StoreOrderDraft(**{**given, **changes})
