"""Deliveries are believed only when signed, and say only what to look at again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.contract.errors import Rejected
from connectors.contract.types import StoreEvent
from connectors.shopify import webhooks
from tests.connectors.shopify.cast import SHOP

SECRET = "shpss_secret-of-ours"


def deliver(topic: str, payload: Any, *, secret: str = SECRET, **headers: str) -> StoreEvent:
    """Read a delivery signed the way Shopify's documentation says."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    given = {
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Event-Id": "event-1",
        "X-Shopify-Webhook-Id": "delivery-1",
        "X-Shopify-Triggered-At": "2026-11-20T10:31:00.123456789Z",
    }
    return webhooks.read({**given, **headers}, body, secret=SECRET)


EVENTS: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "inventory_levels/update": (
        {"inventory_item_id": 271878346596884015, "location_id": 24826418, "available": 10},
        "stock",
        ("gid://shopify/InventoryItem/271878346596884015",),
    ),
    "inventory_items/update": ({"id": 7}, "stock", ("gid://shopify/InventoryItem/7",)),
    "products/update": ({"id": 5}, "product", ("gid://shopify/Product/5",)),
    "products/delete": ({"id": 5}, "product_deleted", ("gid://shopify/Product/5",)),
    "orders/edited": ({"order_edit": {"id": 1, "order_id": 9}}, "order", ("gid://shopify/Order/9",)),
    "orders/delete": ({"id": 9}, "order", ("gid://shopify/Order/9",)),
    "orders/cancelled": ({"id": 9}, "order_canceled", ("gid://shopify/Order/9",)),
    "fulfillments/create": (
        {"id": 3, "order_id": 9},
        "shipment",
        ("gid://shopify/Order/9", "gid://shopify/Fulfillment/3"),
    ),
    "refunds/create": ({"id": 4, "order_id": 9}, "refund", ("gid://shopify/Order/9", "gid://shopify/Refund/4")),
    "locations/deactivate": ({"id": 2}, "location", ("gid://shopify/Location/2",)),
    "shop/update": ({"id": 1}, "store", ()),
    "app/uninstalled": ({"id": 1}, "uninstalled", ()),
    "app/scopes_update": ({"current": ["read_products"]}, "scopes", ()),
    "customers/redact": (
        {"orders_to_redact": [1, 2]},
        "redact_customer",
        ("gid://shopify/Order/1", "gid://shopify/Order/2"),
    ),
    "customers/data_request": ({"orders_requested": [1]}, "data_request", ("gid://shopify/Order/1",)),
    "shop/redact": ({"shop_id": 1}, "redact_store", ()),
    "carts/update": ({"id": 1}, "other", ()),
}


@pytest.mark.parametrize(("topic", "told"), list(EVENTS.items()), ids=EVENTS)
def test_a_delivery_says_what_to_look_at_again(topic: str, told: tuple[dict[str, Any], str, tuple[str, ...]]) -> None:
    payload, ours, objects = told

    event = deliver(topic, payload)

    assert (event.topic, event.object_ids, event.store_key) == (ours, objects, SHOP)
    assert event.payload == payload
    assert event.triggered_at == datetime(2026, 11, 20, 10, 31, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "changed",
    [
        {"X-Shopify-Hmac-Sha256": ""},
        {"X-Shopify-Hmac-Sha256": "AAAA"},
        {"X-Shopify-Hmac-Sha256": "\u00fcber"},
    ],
)
def test_a_delivery_without_a_good_signature_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(Rejected) as caught:
        deliver("orders/cancelled", {"id": 9}, **changed)

    assert caught.value.code == "signature"


def test_a_delivery_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(Rejected) as caught:
        deliver("orders/cancelled", {"id": 9}, secret="another app's")

    assert caught.value.code == "signature"


def test_no_secret_at_all_verifies_nothing() -> None:
    body = b"{}"
    headers = {"X-Shopify-Hmac-Sha256": webhooks.sign(body, ""), "X-Shopify-Shop-Domain": SHOP}

    with pytest.raises(Rejected):
        webhooks.read(headers, body, secret="")


def test_while_the_secret_is_rotated_both_are_good() -> None:
    body = b'{"id": 9}'
    headers = {
        "x-shopify-hmac-sha256": webhooks.sign(body, "the-old-one"),
        "x-shopify-shop-domain": SHOP,
        "x-shopify-topic": "orders/delete",
    }

    assert webhooks.read(headers, body, secret="the-new-one,the-old-one").topic == "order"


@pytest.mark.parametrize(
    "shop", ["", "evil.com", f"{SHOP}.evil.com", f"{SHOP}\n", "-x.myshopify.com", "a/b.myshopify.com"]
)
def test_a_delivery_for_something_that_is_no_shop_is_refused(shop: str) -> None:
    with pytest.raises(Rejected) as caught:
        deliver("orders/delete", {"id": 9}, **{"X-Shopify-Shop-Domain": shop})

    assert caught.value.code == "shop"


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff"])
def test_a_signed_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        deliver("orders/delete", body)

    assert caught.value.code == "payload"


def test_a_repeat_has_the_same_id_and_a_sibling_has_another() -> None:
    first = deliver("inventory_levels/update", {"inventory_item_id": 1})
    repeat = deliver("inventory_levels/update", {"inventory_item_id": 1}, **{"X-Shopify-Webhook-Id": "delivery-2"})
    sibling = deliver("inventory_levels/update", {"inventory_item_id": 2})
    other_topic = deliver("inventory_items/update", {"id": 1})

    assert first.event_id == repeat.event_id
    assert len({first.event_id, sibling.event_id, other_topic.event_id}) == 3


def test_the_table_reads_both_ways() -> None:
    assert webhooks.BY_HEADER["orders/cancelled"].enum == "ORDERS_CANCELLED"
    assert {topic.header for topic in webhooks.BY_OURS["shipment"]} == {"fulfillments/create", "fulfillments/update"}
    assert sum(len(topics) for topics in webhooks.BY_OURS.values()) == len(webhooks.TOPICS)


def test_orders_we_make_ourselves_are_not_asked_for() -> None:
    asked = {topic.enum for topic in webhooks.SUBSCRIPTIONS}

    assert not asked & {"ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_PAID"}
    assert not asked & {"CUSTOMERS_REDACT", "CUSTOMERS_DATA_REQUEST", "SHOP_REDACT"}


@pytest.mark.contract
@pytest.mark.parametrize("topic", webhooks.TOPICS, ids=lambda topic: topic.header)
def test_shopifys_own_examples_are_understood(specs: Path, topic: webhooks.Topic) -> None:
    name = f"{topic.header.replace('/', '_')}.json"
    example = json.loads((specs / "shopify" / "webhooks" / "examples" / name).read_text())["response"]

    event = deliver(topic.header, example)

    assert event.topic == topic.ours
    assert bool(event.object_ids) is (topic.ours not in {"store", "uninstalled", "scopes", "redact_store"})
