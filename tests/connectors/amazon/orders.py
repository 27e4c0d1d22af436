"""Amazon's orders for tests: the payload files, and small ones made from their parts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.amazon import mapping
from connectors.contract.types import MarketplaceOrder

READ_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAYLOADS = Path(__file__).parent / "payloads"


def payload(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return loaded


def read(raw: Any) -> MarketplaceOrder:
    return mapping.read_order(raw, read_at=READ_AT)


def order(*items: dict[str, Any], total: str | None = "10.00", **changes: Any) -> dict[str, Any]:
    """A paid order with these lines; keyword arguments replace its parts."""
    raw: dict[str, Any] = {
        "orderId": "111-0000000-0000001",
        "createdTime": "2026-11-20T09:00:00Z",
        "lastUpdatedTime": "2026-11-20T09:00:00Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER"},
        "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
        "orderItems": list(items) or [item()],
    }
    if total is not None:
        raw["proceeds"] = {"grandTotal": usd(total)}
    return {**raw, **changes}


def item(total: str | None = "10.00", quantity: Any = 1, number: int = 1, **terms: Any) -> dict[str, Any]:
    """A line; keyword arguments are breakdowns by type in lower case: a subtotal, or (subtotal, {subtype: value})."""
    breakdowns = []
    for kind, told in terms.items():
        subtotal, details = told if isinstance(told, tuple) else (told, {})
        entry: dict[str, Any] = {"type": kind.upper(), "subtotal": usd(subtotal)}
        if details:
            entry["detailedBreakdowns"] = [{"subtype": sub, "value": usd(value)} for sub, value in details.items()]
        breakdowns.append(entry)
    proceeds: dict[str, Any] = {"breakdowns": breakdowns} if breakdowns else {}
    if total is not None:
        proceeds["proceedsTotal"] = usd(total)
    product = {"asin": "B0FICTIVE1", "title": "Camp Mug", "sellerSku": "MUG"}
    return {"orderItemId": f"1{number}", "quantityOrdered": quantity, "product": product, "proceeds": proceeds}


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currencyCode": "USD"}
