"""Etsy's webhooks: what is told, how it is signed, and how they go wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.etsy.hooks import sign
from tests.sandbox.etsy.conftest import LUMEN, WEBHOOK_SECRET, Ear, Shop


def wait_for(ear: Ear, count: int) -> list[dict[str, Any]]:
    """Return the messages' bodies once so many are there."""
    deadline = time.monotonic() + 10
    while len(ear.heard) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(ear.heard) >= count
    return [json.loads(body) for _, body in ear.heard]


def settled(shop: Shop) -> None:
    """Wait until nothing is on its way any more."""
    deadline = time.monotonic() + 10
    while shop.served.run(shop.served.core.webhooks.waiting) and time.monotonic() < deadline:
        time.sleep(0.01)


def test_an_order_is_told_of_when_it_is_paid_shipped_and_delivered(lumen: Shop, ear: Ear) -> None:
    (receipt_id,) = lumen.place(status="pending")
    settled(lumen)
    assert ear.heard == []
    for place, status in enumerate(("paid", "shipped", "delivered"), start=1):
        lumen.patch(receipt_id, status=status)
        wait_for(ear, place)

    resource = f"https://openapi.etsy.com/v3/application/shops/{LUMEN}/receipts/{receipt_id}"
    assert [json.loads(body) for _, body in ear.heard] == [
        {"event_type": event, "resource_url": resource, "shop_id": int(LUMEN)}
        for event in ("order.paid", "order.shipped", "order.delivered")
    ]


def test_a_cancellation_is_told_of_and_a_second_parcel_is_not(lumen: Shop, ear: Ear) -> None:
    (canceled,) = lumen.place()
    wait_for(ear, 1)
    lumen.patch(canceled, status="canceled")
    assert [body["event_type"] for body in wait_for(ear, 2)] == ["order.paid", "order.canceled"]

    (shipped,) = lumen.place(mode="sweep")
    lumen.patch(shipped, mode="push")
    for number in ("A1", "A2"):
        assert lumen.ship(shipped, tracking_code=number, carrier_name="usps").status_code == 200
    settled(lumen)
    assert [body["event_type"] for body in wait_for(ear, 3)][2:] == ["order.shipped"]


def test_each_message_is_signed_over_its_raw_body(lumen: Shop, ear: Ear) -> None:
    lumen.place()
    wait_for(ear, 1)
    headers, body = ear.heard[0]

    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{right}"
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


@pytest.mark.contract
def test_the_signature_is_that_of_the_saved_vector(specs: Path) -> None:
    vector = json.loads((specs / "etsy" / "webhook_signature_vector_computed.json").read_text())
    given = vector["headers"]
    made = sign(vector["secret"], vector["body"].encode(), int(given["webhook-timestamp"]), given["webhook-id"])

    assert made == given


def test_a_repeated_message_keeps_its_id(lumen: Shop, ear: Ear) -> None:
    with lumen.fault("webhook_repeat", times=3):
        lumen.place()
        wait_for(ear, 3)

    assert len({headers["webhook-id"] for headers, _ in ear.heard}) == 1


def test_messages_may_be_lost(lumen: Shop, ear: Ear) -> None:
    with lumen.fault("webhook_drop", "order.paid"):
        lumen.place()
    lumen.place()

    assert len(wait_for(ear, 1)) == 1
    settled(lumen)
    assert len(ear.heard) == 1


def test_a_message_not_taken_comes_again_with_the_same_id(lumen: Shop, ear: Ear) -> None:
    ear.status = 503
    lumen.place()
    wait_for(ear, 1)
    ear.status = 200
    wait_for(ear, 2)

    assert ear.heard[0][0]["webhook-id"] == ear.heard[1][0]["webhook-id"]


def test_nothing_is_told_of_a_shop_that_withdrew_or_in_other_modes(lumen: Shop, ear: Ear) -> None:
    lumen.place(mode="sweep")
    lumen.place(mode="silent")
    key = lumen.served.run(lumen.served.control.add, "93000001", {})["key"]
    lumen.served.run(lumen.served.control.revoke, key)
    Shop(lumen.served, key, None).place()
    settled(lumen)

    assert ear.heard == []


def test_a_message_can_be_sent_once_more_by_hand(lumen: Shop, ear: Ear) -> None:
    (receipt_id,) = lumen.place(mode="push")
    wait_for(ear, 1)
    lumen.action("webhook", id=receipt_id, event="order.paid")

    first, second = wait_for(ear, 2)
    assert first == second
    assert ear.heard[0][0]["webhook-id"] != ear.heard[1][0]["webhook-id"]
