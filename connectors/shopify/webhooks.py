"""What Shopify tells us: which topics we ask for, and how a delivery is verified and read.

A webhook says "look again at these", never what is true now: deliveries come late, twice, out of order or not at all.
Header names and topics are in this file only; Shopify is about to rename them ("Events").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.contract.errors import Rejected
from connectors.contract.types import StoreEvent
from connectors.shopify.config import PLATFORM, is_shop
from connectors.shopify.mapping import time_of
from salestio.lib.text import storable

SIGNATURE = "x-shopify-hmac-sha256"
TOPIC = "x-shopify-topic"
SHOP = "x-shopify-shop-domain"
EVENT_ID = "x-shopify-event-id"
WEBHOOK_ID = "x-shopify-webhook-id"
TRIGGERED_AT = "x-shopify-triggered-at"

Payload = Mapping[str, Any]


def _gid(kind: str, number: Any) -> str:
    return f"gid://shopify/{kind}/{number}" if isinstance(number, int | str) and str(number).isdigit() else ""


def _ids(kind: str, name: str = "id") -> Callable[[Payload], tuple[str, ...]]:
    return lambda payload: (_gid(kind, payload.get(name)),)


def _order_and(kind: str) -> Callable[[Payload], tuple[str, ...]]:
    return lambda payload: (_gid("Order", payload.get("order_id")), _gid(kind, payload.get("id")))


def _edited(payload: Payload) -> tuple[str, ...]:
    edit = payload.get("order_edit")
    return (_gid("Order", edit.get("order_id")),) if isinstance(edit, dict) else ()


def _orders_of(name: str) -> Callable[[Payload], tuple[str, ...]]:
    def ids(payload: Payload) -> tuple[str, ...]:
        numbers = payload.get(name)
        return tuple(_gid("Order", number) for number in numbers) if isinstance(numbers, list) else ()

    return ids


def _none(payload: Payload) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: Shopify's header and enum, our word, which objects to look at again, what to ask for in the payload."""

    header: str
    ours: str
    objects: Callable[[Payload], tuple[str, ...]]
    include: tuple[str, ...] = ()
    """Fields of the payload to send; empty means all. Buyers' data is never among them."""
    subscribed: bool = True
    """False for the compliance topics, which only the app's own configuration can ask for."""

    @property
    def enum(self) -> str:
        """Return the topic as the API's enum has it."""
        return self.header.replace("/", "_").upper()


_ID = ("id", "admin_graphql_api_id", "updated_at")

TOPICS: tuple[Topic, ...] = (
    Topic("inventory_levels/update", "stock", _ids("InventoryItem", "inventory_item_id")),
    Topic("inventory_levels/connect", "stock", _ids("InventoryItem", "inventory_item_id")),
    Topic("inventory_levels/disconnect", "stock", _ids("InventoryItem", "inventory_item_id")),
    Topic("inventory_items/update", "stock", _ids("InventoryItem"), (*_ID, "sku", "tracked")),
    Topic("products/create", "product", _ids("Product"), (*_ID, "status")),
    Topic("products/update", "product", _ids("Product"), (*_ID, "status")),
    Topic("products/delete", "product_deleted", _ids("Product")),
    Topic("orders/edited", "order", _edited),
    Topic("orders/delete", "order", _ids("Order")),
    Topic("orders/cancelled", "order_canceled", _ids("Order"), (*_ID, "cancelled_at", "source_identifier")),
    Topic("fulfillments/create", "shipment", _order_and("Fulfillment"), ("id", "order_id", "status", "updated_at")),
    Topic("fulfillments/update", "shipment", _order_and("Fulfillment"), ("id", "order_id", "status", "updated_at")),
    Topic("refunds/create", "refund", _order_and("Refund"), ("id", "order_id", "created_at")),
    Topic("locations/create", "location", _ids("Location")),
    Topic("locations/update", "location", _ids("Location")),
    Topic("locations/activate", "location", _ids("Location")),
    Topic("locations/deactivate", "location", _ids("Location")),
    Topic("locations/delete", "location", _ids("Location")),
    Topic("shop/update", "store", _none, ("id", "name", "currency", "iana_timezone", "myshopify_domain")),
    Topic("app/uninstalled", "uninstalled", _none, ("id", "myshopify_domain")),
    Topic("app/scopes_update", "scopes", _none),
    Topic("customers/redact", "redact_customer", _orders_of("orders_to_redact"), subscribed=False),
    Topic("customers/data_request", "data_request", _orders_of("orders_requested"), subscribed=False),
    Topic("shop/redact", "redact_store", _none, subscribed=False),
)
"""No orders/create and no orders/updated: we make those orders, and read again what we act on."""

BY_HEADER: Mapping[str, Topic] = {topic.header: topic for topic in TOPICS}
BY_OURS: Mapping[str, tuple[Topic, ...]] = {
    ours: tuple(topic for topic in TOPICS if topic.ours == ours) for ours in {topic.ours for topic in TOPICS}
}
SUBSCRIPTIONS: tuple[Topic, ...] = tuple(topic for topic in TOPICS if topic.subscribed)


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:24]


def sign(body: bytes, secret: str) -> str:
    """Return the signature Shopify would send: base64 of HMAC-SHA256 of the raw body, keyed by the app's secret."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def read(headers: Mapping[str, str], body: bytes, *, secret: str) -> StoreEvent:
    """Verify a delivery and return what it asks us to look at again.

    `secret` is the app's client secret; several, separated by commas, while it is being rotated. Raises `Rejected`
    (code `signature`) before anything in it is believed, (code `shop`, `payload`) when it is signed but makes no sense.
    A topic we do not know comes back as `other`. The event id names topic and objects too, because Shopify gives all
    deliveries of one action the same id: that key drops repeats and nothing else.
    """
    given = {name.lower(): value for name, value in headers.items()}
    signature = given.get(SIGNATURE, "").strip().encode("utf-8", "replace")
    secrets = [part.strip() for part in secret.split(",") if part.strip()]
    # All are compared, whichever fits, so that the time taken says nothing.
    fits = [hmac.compare_digest(sign(body, part).encode(), signature) for part in secrets]
    if not signature or not any(fits):
        raise Rejected("The webhook's signature is missing or wrong", code="signature", platform=PLATFORM)
    shop = given.get(SHOP, "")
    if not is_shop(shop):
        raise Rejected("The webhook names no store", code="shop", platform=PLATFORM)
    try:
        payload = storable(json.loads(body))
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise Rejected("The webhook's body is not a JSON object", code="payload", platform=PLATFORM)
    header = given.get(TOPIC, "")
    topic = BY_HEADER.get(header)
    objects = tuple(gid for gid in topic.objects(payload) if gid) if topic else ()
    event = given.get(EVENT_ID) or given.get(WEBHOOK_ID) or hashlib.sha256(body).hexdigest()
    return StoreEvent(
        event_id=f"{event[:100]}:{_digest(header, *objects)}",
        topic=topic.ours if topic else "other",
        store_key=shop,
        object_ids=objects,
        triggered_at=time_of(given.get(TRIGGERED_AT)),
        payload=payload,
    )
