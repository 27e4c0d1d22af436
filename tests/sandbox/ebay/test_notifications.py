"""Destinations with their challenge, subscriptions, and signed pushes."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.sandbox.ebay.conftest import CANDLE, LUMEN, VERIFICATION, Ear, Seller, Served

BASE = "/commerce/notification/v1"
PAYLOAD = {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"}


def error_of(answer: Any) -> tuple[int, int]:
    return answer.status_code, answer.json()["errors"][0]["errorId"]


def last(answer: Any) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"].rsplit("/", 1)[1])


def destination(seller: Seller, ear: Ear, **changed: Any) -> Any:
    config = {"endpoint": f"{ear.url}/webhooks/ebay", "verificationToken": VERIFICATION}
    body = {"name": "Salestio", "status": "ENABLED", "deliveryConfig": config} | changed
    return seller.call("POST", f"{BASE}/destination", token=seller.app_token(), json=body)


def subscribe(seller: Seller, topic: str, destination_id: str, *, app: bool = False, **changed: Any) -> Any:
    body = {"topicId": topic, "status": "ENABLED", "destinationId": destination_id, "payload": PAYLOAD} | changed
    return seller.call("POST", f"{BASE}/subscription", token=seller.app_token() if app else seller.token, json=body)


def configure(seller: Seller) -> None:
    body = {"alertEmail": "alerts@salestio.example"}
    answer = seller.call("PUT", f"{BASE}/config", token=seller.app_token(), json=body)
    assert answer.status_code == 204


@pytest.fixture
def subscribed(seller: Seller, ear: Ear) -> str:
    """A destination with the seller's ORDER_CONFIRMATION; returns the destination's id."""
    configure(seller)
    destination_id = last(destination(seller, ear))
    last(subscribe(seller, "ORDER_CONFIRMATION", destination_id))
    return destination_id


def test_an_endpoint_must_answer_the_challenge(seller: Seller, ear: Ear) -> None:
    assert error_of(destination(seller, ear)) == (409, 195003), "first the configuration"
    configure(seller)
    ear.token = "w" * 40
    assert error_of(destination(seller, ear)) == (409, 195020)
    ear.token = VERIFICATION
    created = last(destination(seller, ear))

    assert ear.challenges == 2
    assert error_of(destination(seller, ear)) == (409, 195021)
    shown = seller.call("GET", f"{BASE}/destination/{created}", token=seller.app_token()).json()
    assert shown["deliveryConfig"]["endpoint"] == f"{ear.url}/webhooks/ebay"
    listed = seller.call("GET", f"{BASE}/destination", token=seller.app_token()).json()
    assert [row["destinationId"] for row in listed["destinations"]] == [created]


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"name": ""}, 195016),
        ({"status": "ON"}, 195018),
        ({"deliveryConfig": {"endpoint": "http://example.com/x", "verificationToken": VERIFICATION}}, 195017),
        ({"deliveryConfig": {"endpoint": "http://[x", "verificationToken": VERIFICATION}}, 195017),
        ({"deliveryConfig": {"endpoint": "https://127.0.0.1:1/x", "verificationToken": "short"}}, 195019),
    ],
)
def test_what_is_wrong_with_a_destination(seller: Seller, ear: Ear, changed: dict[str, Any], wanted: int) -> None:
    configure(seller)

    assert error_of(destination(seller, ear, **changed)) == (400, wanted)


def test_each_line_of_an_order_is_confirmed_and_the_payment_done_again_repeats_it(
    seller: Seller, ear: Ear, subscribed: str
) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE}, {"title": "Brass Snuffer"}])
    first = ear.wait(2)
    seller.patch(order_id, payment="failed")
    seller.patch(order_id, status="paid")
    all_of_them = ear.wait(4)

    assert {message["notification"]["data"]["orderId"] for message in all_of_them} == {order_id}
    lines = {message["notification"]["data"]["orderLineItemId"] for message in first}
    assert lines == {line["lineItemId"] for line in seller.order(order_id)["lineItems"]}
    assert len({message["notification"]["notificationId"] for message in all_of_them}) == 4
    assert {message["notification"]["data"]["userId"] for message in first} == {LUMEN}


def test_an_unpaid_order_is_confirmed_when_it_is_paid_under_its_new_id(
    seller: Seller, ear: Ear, subscribed: str
) -> None:
    (first,) = seller.place(status="pending")
    assert ear.heard == []
    now = seller.patch(first, status="paid")["id"]

    (message,) = ear.wait(1)

    assert message["notification"]["data"]["orderId"] == now


def test_an_order_placed_without_push_is_not_told_of(seller: Seller, ear: Ear, subscribed: str) -> None:
    seller.place(mode="sweep")
    (told,) = seller.place()

    (message,) = ear.wait(1)

    assert message["notification"]["data"]["orderId"] == told


def test_a_push_is_signed_with_the_key_ebay_publishes(seller: Seller, ear: Ear, subscribed: str) -> None:
    seller.place()
    ear.wait(1)
    headers, body = ear.heard[0]
    signature = json.loads(base64.b64decode(headers["x-ebay-signature"]))
    published = seller.call("GET", f"{BASE}/public_key/{signature['kid']}", token=seller.app_token()).json()
    pem = published["key"].replace("-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\n")
    key = load_pem_public_key(pem.replace("-----END", "\n-----END").encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)

    key.verify(base64.b64decode(signature["signature"]), body, ec.ECDSA(hashes.SHA1()))  # noqa: S303
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(signature["signature"]), body + b" ", ec.ECDSA(hashes.SHA1()))  # noqa: S303

    assert (signature["alg"], signature["digest"]) == ("ecdsa", "SHA1")
    assert "\n" not in published["key"] and (published["algorithm"], published["digest"]) == ("ECDSA", "SHA1")
    assert error_of(seller.call("GET", f"{BASE}/public_key/other", token=seller.app_token())) == (404, 195001)


@pytest.mark.contract
def test_our_envelope_is_the_one_of_ebays_genuine_message(seller: Seller, ear: Ear, specs: Any) -> None:
    genuine = json.loads((specs / "ebay" / "notification_signature_vector.json").read_text())
    seller.action("delete-user", username="somebody")

    (ours,) = ear.wait(1)

    def shape(value: Any) -> Any:
        return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else type(value).__name__

    assert shape(ours) == shape(genuine["message"])
    header = json.loads(base64.b64decode(ear.heard[0][0]["x-ebay-signature"]))
    assert shape(header) == shape(genuine["decoded_header"])
    assert ear.heard[0][1] == json.dumps(ours, separators=(",", ":")).encode(), "compact JSON, as eBay signs it"


def test_a_member_who_leaves_is_told_to_the_address_of_the_developer_portal(seller: Seller, ear: Ear) -> None:
    (order_id,) = seller.place(buyer={"username": "ada_b", "name": "Ada Byron"})

    answer = seller.action("delete-user", username="ada_b")
    (message,) = ear.wait(1, "MARKETPLACE_ACCOUNT_DELETION")

    assert answer["orders"] == 1
    data = message["notification"]["data"]
    assert (data["username"], data["userId"]) == ("ada_b", answer["user_id"])
    assert "Ada Byron" not in json.dumps(seller.order(order_id))


def test_an_application_hears_of_a_seller_who_withdraws(seller: Seller, ear: Ear, subscribed: str) -> None:
    last(subscribe(seller, "AUTHORIZATION_REVOCATION", subscribed, app=True))

    seller.served.run(seller.served.control.revoke, LUMEN)
    (message,) = ear.wait(1, "AUTHORIZATION_REVOCATION")
    seller.place()
    time.sleep(0.1)

    assert message["notification"]["data"]["userId"] == LUMEN
    assert len(ear.heard) == 1, "what was subscribed to with the seller's token ended with it"
    seller.served.run(seller.served.control.ebay.new_refresh_token, LUMEN)


def test_topics_say_whose_subscription_they_are(seller: Seller, ear: Ear, subscribed: str) -> None:
    topics = seller.call("GET", f"{BASE}/topic", token=seller.app_token()).json()["topics"]

    assert {topic["topicId"]: topic["scope"] for topic in topics}["ORDER_CONFIRMATION"] == "USER"
    assert error_of(subscribe(seller, "ORDER_CONFIRMATION", subscribed, app=True)) == (403, 195011)
    assert error_of(subscribe(seller, "MARKETPLACE_ACCOUNT_DELETION", subscribed)) == (403, 195011)
    assert error_of(subscribe(seller, "ITEM_MARKED_SHIPPED", subscribed)) == (403, 195011)
    assert error_of(subscribe(seller, "NONE", subscribed)) == (400, 195027)
    assert error_of(subscribe(seller, "ORDER_CONFIRMATION", subscribed)) == (409, 195012)
    assert error_of(subscribe(seller, "ORDER_CONFIRMATION", "nowhere")) == (400, 195007)


def test_a_subscription_rests_and_wakes(seller: Seller, ear: Ear, subscribed: str) -> None:
    (subscription,) = seller.call("GET", f"{BASE}/subscription").json()["subscriptions"]
    path = f"{BASE}/subscription/{subscription['subscriptionId']}"

    assert seller.call("POST", f"{path}/disable").status_code == 204
    seller.place()
    assert seller.call("GET", path).json()["status"] == "DISABLED"
    assert seller.call("POST", f"{path}/enable").status_code == 204
    (told,) = seller.place()
    (message,) = ear.wait(1)
    assert message["notification"]["data"]["orderId"] == told
    assert seller.call("POST", f"{path}/test").status_code == 202
    ear.wait(2)
    assert error_of(seller.call("DELETE", f"{BASE}/destination/{subscribed}", token=seller.app_token())) == (
        409,
        195024,
    )
    assert seller.call("DELETE", path).status_code == 204
    assert seller.call("DELETE", f"{BASE}/destination/{subscribed}", token=seller.app_token()).status_code == 204


def test_nobody_sees_anothers_subscription(seller: Seller, stranger: Seller, ear: Ear, subscribed: str) -> None:
    (subscription,) = seller.call("GET", f"{BASE}/subscription").json()["subscriptions"]

    assert stranger.call("GET", f"{BASE}/subscription").json()["subscriptions"] == []
    answer = stranger.call("GET", f"{BASE}/subscription/{subscription['subscriptionId']}")
    assert error_of(answer) == (404, 195013)
    stranger.place()
    seller.place()
    ear.wait(1)
    time.sleep(0.1)
    assert len(ear.heard) == 1, "a stranger's order is told to the stranger's subscribers only"


def test_a_push_that_is_not_taken_comes_again_with_the_same_id(
    fresh: Served, seller: Seller, ear: Ear, subscribed: str
) -> None:
    ear.status = 500
    seller.place()
    messages = ear.wait(2)
    ear.status = 204

    assert len({message["notification"]["notificationId"] for message in messages}) == 1
