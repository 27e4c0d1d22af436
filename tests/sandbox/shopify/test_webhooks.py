"""Webhooks of the pretend shop: signed, shaped like Shopify's, sent to those who subscribed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.sandbox.shopify.conftest import SHOP, Receiver, Shop, dollars

SUBSCRIBE = """mutation($topic: WebhookSubscriptionTopic!, $s: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $s) {
    webhookSubscription { id topic uri } userErrors { field message } } }"""
UNSUBSCRIBE = "mutation($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId } }"
LIST = "{ webhookSubscriptions(first: 100) { nodes { id topic } } }"


@pytest.fixture
def hooks(shop: Shop, receiver: Receiver) -> Any:
    """Subscribe to topics; what other tests left is taken off first."""
    for node in shop.run(LIST)["webhookSubscriptions"]["nodes"]:
        shop.run(UNSUBSCRIBE, id=node["id"])

    def subscribe(*topics: str, **more: Any) -> list[str]:
        ids = []
        for topic in topics:
            answer = shop.run(SUBSCRIBE, topic=topic, s={"uri": receiver.url, **more})["webhookSubscriptionCreate"]
            assert answer["userErrors"] == [], answer
            ids.append(answer["webhookSubscription"]["id"])
        return ids

    yield subscribe
    for node in shop.run(LIST)["webhookSubscriptions"]["nodes"]:
        shop.run(UNSUBSCRIBE, id=node["id"])


def _fits(specs: Path, topic: str, payload: dict[str, Any]) -> None:
    """Hold a payload to its topic's schema, inferred from examples: null where no example had one is no fault."""
    schema = json.loads((specs / "shopify" / "webhooks" / "schemas" / (topic.replace("/", "_") + ".json")).read_text())
    errors = [
        error
        for error in jsonschema.Draft202012Validator(schema).iter_errors(payload)
        if not (error.validator in ("type", "anyOf") and error.instance is None)
    ]
    assert errors == [], f"{topic}: {[(list(e.absolute_path), e.message[:200]) for e in errors]}"


def _full(shop: Shop) -> dict[str, Any]:
    home = {
        "firstName": "Ann",
        "lastName": "Lee",
        "address1": "1 Elm St",
        "city": "Boise",
        "provinceCode": "ID",
        "countryCode": "US",
        "zip": "83702",
        "phone": "+12085550100",
    }
    order = shop.order(
        quantity=2,
        sourceIdentifier="W-1",
        email="ann@buyer.example",
        phone="+12085550100",
        shippingAddress=home,
        billingAddress=home,
        customer={"toUpsert": {"email": "ann@buyer.example", "firstName": "Ann", "lastName": "Lee"}},
        shippingLines=[{"title": "Standard", "priceSet": dollars("5.00")}],
        transactions=[{"kind": "SALE", "status": "SUCCESS", "gateway": "Amazon", "amountSet": dollars("53.00")}],
        tags=["Amazon"],
    )
    return order


@pytest.mark.contract
def test_every_payload_fits_the_schema_of_its_topic(shop: Shop, receiver: Receiver, hooks: Any, specs: Path) -> None:
    hooks(
        "ORDERS_CREATE",
        "ORDERS_CANCELLED",
        "ORDERS_FULFILLED",
        "ORDERS_PARTIALLY_FULFILLED",
        "FULFILLMENTS_CREATE",
        "REFUNDS_CREATE",
    )
    hooks(
        "INVENTORY_LEVELS_UPDATE",
        "INVENTORY_ITEMS_UPDATE",
        "PRODUCTS_CREATE",
        "PRODUCTS_UPDATE",
        "PRODUCTS_DELETE",
        "SHOP_UPDATE",
    )
    act = shop.sandbox.control
    first, second = shop.created(_full(shop)), shop.created(_full(shop))
    act(
        "POST",
        f"/stores/{SHOP}/orders/{first['id']}/ship",
        {"carrier": "UPS", "tracking": "1Z1", "lines": [{"sku": "NP-TEE-XL", "quantity": 1}]},
    )
    act("POST", f"/stores/{SHOP}/orders/{first['id']}/ship", {"carrier": "UPS", "tracking": "1Z2"})
    act(
        "POST",
        f"/stores/{SHOP}/orders/{first['id']}/refund",
        {"amount": "3.00", "lines": [{"sku": "NP-TEE-XL", "quantity": 1}]},
    )
    act("POST", f"/stores/{SHOP}/orders/{second['id']}/cancel", {})
    act("POST", f"/stores/{SHOP}/variants", {"product_title": "New", "sku": "NP-NEW", "price": "3.00", "available": 4})
    shop.change("NP-NEW", new_sku="NP-NEWER", price="4.00")
    shop.change("NP-NEWER", deleted=True)
    act("POST", f"/stores/{SHOP}/settings", {"plan": "advanced"})
    wanted = {
        *("orders/create", "orders/cancelled", "orders/fulfilled", "orders/partially_fulfilled"),
        *("fulfillments/create", "refunds/create", "inventory_levels/update", "inventory_items/update"),
        *("products/create", "products/update", "products/delete", "shop/update"),
    }
    receiver.until(lambda: {headers["x-shopify-topic"] for headers, _ in receiver.got} >= wanted)
    for headers, body in receiver.got:
        _fits(specs, headers["x-shopify-topic"], json.loads(body))
    sums = [json.loads(body) for headers, body in receiver.got if headers["x-shopify-topic"] == "orders/create"]
    assert {(row["total_price"], row["source_identifier"]) for row in sums} == {("53.00", "W-1")}


def test_a_delivery_is_signed_over_its_raw_body_and_names_shop_topic_and_event(
    shop: Shop, receiver: Receiver, hooks: Any
) -> None:
    hooks("ORDERS_CREATE", "ORDERS_PAID", "INVENTORY_LEVELS_UPDATE")
    shop.created(shop.order())
    deliveries = receiver.wait(3)
    for headers, body in deliveries:
        mark = hmac.new(shop.client["client_secret"].encode(), body, hashlib.sha256).digest()
        assert headers["x-shopify-hmac-sha256"] == base64.b64encode(mark).decode()
        assert (headers["x-shopify-shop-domain"], headers["x-shopify-api-version"]) == (SHOP, "2026-10")
        assert headers["x-shopify-triggered-at"]
    assert len({headers["x-shopify-event-id"] for headers, _ in deliveries}) == 1, "one action, one event"
    assert len({headers["x-shopify-webhook-id"] for headers, _ in deliveries}) == 3


def test_only_the_included_fields_are_sent_and_a_filter_holds_the_rest_back(
    shop: Shop, receiver: Receiver, hooks: Any
) -> None:
    hooks("PRODUCTS_UPDATE", includeFields=["id", "status", "variants.sku"], filter="variants.price:>=50")
    shop.change("NP-WHS-1", price="9.00")
    shop.change("NP-CKS-2", price="85.00")
    ((_, body),) = receiver.wait(1)
    payload = json.loads(body)
    assert set(payload) == {"id", "status", "variants"}
    assert payload["variants"] == [{"sku": "NP-CKS-2"}]


def test_a_sale_tells_of_stock_but_not_of_a_product_update(shop: Shop, receiver: Receiver, hooks: Any) -> None:
    hooks("PRODUCTS_UPDATE", "INVENTORY_LEVELS_UPDATE")
    shop.created(shop.order())
    ((headers, body),) = receiver.wait(1)
    assert headers["x-shopify-topic"] == "inventory_levels/update"
    assert json.loads(body)["available"] == shop.available("NP-TEE-XL")[0]


def test_the_same_destination_cannot_be_subscribed_twice_and_must_be_an_address(
    shop: Shop, receiver: Receiver, hooks: Any
) -> None:
    hooks("ORDERS_CREATE")
    again = shop.run(SUBSCRIBE, topic="ORDERS_CREATE", s={"uri": receiver.url})["webhookSubscriptionCreate"]
    assert "already been taken" in again["userErrors"][0]["message"]
    plain = shop.run(SUBSCRIBE, topic="ORDERS_PAID", s={"uri": "http://elsewhere.example/x"})[
        "webhookSubscriptionCreate"
    ]
    assert plain["webhookSubscription"] is None


def test_deliveries_can_be_repeated_and_lost_on_demand(shop: Shop, receiver: Receiver, hooks: Any) -> None:
    hooks("ORDERS_CREATE")
    shop.sandbox.control(
        "POST", "/faults", {"platform": "shopify", "kind": "webhook_repeat", "operation": "orders/create", "count": 1}
    )
    shop.created(shop.order())
    deliveries = receiver.wait(2)
    assert deliveries[0][1] == deliveries[1][1]
    assert deliveries[0][0]["x-shopify-event-id"] == deliveries[1][0]["x-shopify-event-id"]
    shop.sandbox.control(
        "POST", "/faults", {"platform": "shopify", "kind": "webhook_drop", "operation": "orders/create", "count": 1}
    )
    shop.created(shop.order(name="lost"))
    shop.created(shop.order(name="kept"))
    assert json.loads(receiver.wait(3)[2][1])["name"] == "kept"


def test_compliance_topics_are_sent_on_demand(shop: Shop, receiver: Receiver, specs: Path) -> None:
    made = shop.created(_full(shop))
    for topic in ("customers/redact", "customers/data_request", "shop/redact"):
        shop.sandbox.control(
            "POST", f"/stores/{SHOP}/compliance", {"topic": topic, "reference": "W-1", "uri": receiver.url}
        )
    got = {headers["x-shopify-topic"]: json.loads(body) for headers, body in receiver.wait(3)}
    assert got["customers/redact"]["orders_to_redact"] == [int(made["id"].rpartition("/")[2])]
    for topic, payload in got.items():
        _fits(specs, topic, payload)


def test_uninstalling_says_so_and_ends_the_subscriptions(
    shop: Shop, receiver: Receiver, hooks: Any, specs: Path
) -> None:
    hooks("APP_UNINSTALLED", "ORDERS_CREATE")
    shop.run("mutation { appUninstall { userErrors { message } } }")
    ((headers, body),) = receiver.wait(1)
    assert headers["x-shopify-topic"] == "app/uninstalled"
    _fits(specs, "app/uninstalled", json.loads(body))
    # Signed in again, so that the clean-up of this test can see that nothing is left.
    from tests.sandbox.shopify.test_sign_in import consent, genuine, token

    code = genuine(
        shop,
        consent(shop, "install", scope="read_orders,write_orders,read_products,read_inventory,read_locations").headers[
            "Location"
        ],
    )["code"]
    shop.token = token(shop, code=code, expiring="1").json()["access_token"]
    assert shop.run(LIST)["webhookSubscriptions"]["nodes"] == []
