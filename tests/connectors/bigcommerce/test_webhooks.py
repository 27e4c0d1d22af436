"""Deliveries are verified before anything in them is acted on, and become our words."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from connectors.bigcommerce import webhooks
from connectors.contract.errors import Rejected
from connectors.contract.types import StoreEvent
from tests.connectors.bigcommerce.cast import SECRET, STORE

NOW = 1_795_000_000.0


def delivery(scope: str = "store/order/statusUpdated", data: Any = None, **changes: Any) -> bytes:
    payload = {
        "producer": f"stores/{STORE}",
        "hash": "7ee67cd1cf2ca60bc1aa9e5fe957d2de373be4ca",
        "created_at": 1561479335,
        "store_id": "1025646",
        "scope": scope,
        "data": {"type": "order", "id": 250} if data is None else data,
    }
    return json.dumps({**payload, **changes}).encode()


def signed(body: bytes, *, at: float = NOW, secret: str = SECRET) -> dict[str, str]:
    stamp = int(at)
    signature = webhooks.sign(body, secret, message_id="msg_1", timestamp=stamp)
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(stamp), "Webhook-Signature": signature}


def ours(store: str = STORE, secret: str = SECRET) -> dict[str, str]:
    return {webhooks.HOOK_HEADER: webhooks.hook_value(store, secret)}


def read(headers: dict[str, str], body: bytes, *, secret: str = SECRET, now: float = NOW) -> StoreEvent:
    return webhooks.read(headers, body, secret=secret, now=now)


def test_our_signature_is_the_one_of_standard_webhooks() -> None:
    body = delivery()
    made = int(time.time())
    headers = signed(body, at=made)

    Webhook(base64.b64encode(SECRET.encode()).decode()).verify(body, headers)


def test_a_signature_of_standard_webhooks_is_accepted() -> None:
    body = delivery()
    signer = Webhook(base64.b64encode(SECRET.encode()).decode())
    signature = signer.sign("msg_7", datetime.fromtimestamp(NOW, UTC), body.decode())

    event = read({"webhook-id": "msg_7", "webhook-timestamp": str(int(NOW)), "webhook-signature": signature}, body)

    assert event.store_key == STORE


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(signed(delivery()), id="signature alone"),
        pytest.param(ours(), id="our header alone"),
        pytest.param({**signed(delivery()), **ours()}, id="both"),
        pytest.param({**signed(delivery(), at=NOW - 86_400), **ours()}, id="our header and an old signature"),
    ],
)
def test_one_right_proof_is_enough(headers: dict[str, str]) -> None:
    event = read(headers, delivery())

    assert event.store_key == STORE
    assert event.event_id == "7ee67cd1cf2ca60bc1aa9e5fe957d2de373be4ca"
    assert event.triggered_at == datetime(2019, 6, 25, 16, 15, 35, tzinfo=UTC)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param(signed(delivery(), secret="another"), id="signed by another"),
        pytest.param(signed(b"{}"), id="signed for another body"),
        pytest.param(signed(delivery(), at=NOW - 301), id="too old"),
        pytest.param(signed(delivery(), at=NOW + 301), id="too new"),
        pytest.param({**signed(delivery()), "Webhook-Timestamp": "soon"}, id="no time"),
        pytest.param({**signed(delivery()), "Webhook-Id": "msg_2"}, id="another id"),
        pytest.param(ours("another7"), id="another store's header"),
        pytest.param({**signed(delivery()), webhooks.HOOK_HEADER: "wrong"}, id="right signature, wrong header"),
        pytest.param({**signed(b"{}"), **ours()}, id="wrong signature, right header"),
        pytest.param({"Webhook-Signature": "v1,\u00e9", **ours()}, id="not even ASCII"),
    ],
)
def test_a_missing_or_wrong_proof_refuses(headers: dict[str, str]) -> None:
    with pytest.raises(Rejected) as caught:
        read(headers, delivery())

    assert caught.value.code == "signature"


def test_one_of_several_signatures_may_fit() -> None:
    headers = signed(delivery())
    headers["Webhook-Signature"] = f"v1,bm90aGluZw== {headers['Webhook-Signature']}"

    assert read(headers, delivery()).store_key == STORE


def test_either_secret_fits_while_it_is_rotated() -> None:
    assert read(signed(delivery()), delivery(), secret=f"new-secret,{SECRET}").store_key == STORE


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 5000])
def test_a_body_that_is_no_object_is_refused_after_its_signature(body: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        read(signed(body), body)

    assert caught.value.code == "payload"


@pytest.mark.parametrize("producer", ["stores/../admin", "stores/", "", "stores/UPPER", None])
def test_a_delivery_that_names_no_store_is_refused(producer: Any) -> None:
    body = delivery(producer=producer)

    with pytest.raises(Rejected) as caught:
        read(signed(body), body)

    assert caught.value.code == "store"


@pytest.mark.parametrize(
    ("scope", "data", "topic", "objects"),
    [
        ("store/order/statusUpdated", {"id": 250, "status": {"new_status_id": 5}}, "order_canceled", ("250",)),
        ("store/order/statusUpdated", {"id": 250, "status": {"new_status_id": 11}}, "order", ("250",)),
        ("store/order/statusUpdated", {"id": 250, "status": {"new_status_id": 14}}, "refund", ("250",)),
        ("store/order/statusUpdated", {"id": 250}, "order", ("250",)),
        ("store/order/archived", {"id": 250}, "order", ("250",)),
        ("store/order/refund/created", {"id": 250, "refund": {"refund_id": 3}}, "refund", ("250", "3")),
        ("store/shipment/created", {"id": 12, "orderId": 251}, "shipment", ("251", "12")),
        ("store/product/inventory/updated", {"id": 167, "inventory": {"product_id": 167}}, "stock", ("product:167",)),
        (
            "store/sku/inventory/order/updated",
            {"id": 461, "inventory": {"product_id": 206, "variant_id": 509, "value": 5}},
            "stock",
            ("variant:509", "product:206"),
        ),
        (
            "store/channel/*/inventory/product/stock_changed",
            {"variant_id": 127, "product_id": 113, "location_id": 2},
            "stock",
            ("variant:127", "product:113"),
        ),
        ("store/channel/1/inventory/product/stock_changed", {"product_id": 113}, "stock", ("product:113",)),
        ("store/product/updated", {"id": 205}, "product", ("205",)),
        ("store/product/deleted", {"id": 205}, "product_deleted", ("205",)),
        ("store/sku/updated", {"id": 461, "sku": {"product_id": 206, "variant_id": 509}}, "product", ("206",)),
        ("store/inventory/location/updated", {"location_id": 2}, "location", ("2",)),
        ("store/information/updated", {"type": "store"}, "store", ()),
        ("store/app/uninstalled", {"type": "app"}, "uninstalled", ()),
        ("store/cart/created", {"id": "0934"}, "other", ()),
        ("store/product/updated", {"id": "not a number"}, "product", ()),
    ],
)
def test_events_become_our_words(scope: str, data: dict[str, Any], topic: str, objects: tuple[str, ...]) -> None:
    body = delivery(scope, data)

    event = read(signed(body), body)

    assert (event.topic, event.object_ids) == (topic, objects)


def test_a_delivery_without_a_hash_is_told_apart_by_its_body() -> None:
    first, other = delivery(hash=None), delivery(hash=None, created_at=2)

    assert read(signed(first), first).event_id != read(signed(other), other).event_id


def test_every_scope_is_asked_for_once() -> None:
    assert len({topic.scope for topic in webhooks.TOPICS}) == len(webhooks.TOPICS)


@pytest.mark.contract
def test_the_documented_examples_are_understood(specs: Path) -> None:
    read_ones = 0
    for file in sorted((specs / "bigcommerce/webhook-callbacks").glob("data_*.json")):
        raw = file.read_text().replace("{store_hash}", STORE)
        if not raw:
            continue
        event = read(signed(raw.encode()), raw.encode())
        if (topic := webhooks.BY_SCOPE.get(json.loads(raw)["scope"])) is not None:
            read_ones += 1
            assert event.topic in {topic.ours, *webhooks.STATUS_TOPICS.values()}
            assert event.object_ids or topic.ours in ("store", "uninstalled")

    assert read_ones > 10
