"""Destinations, subscriptions, ORDER_CHANGE messages, and the SQS face read with botocore's own client."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import jsonschema
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Seller

DIRECTIVE = {
    "eventFilter": {
        "eventFilterType": "ORDER_CHANGE",
        "orderChangeTypes": ["OrderStatusChange", "BuyerRequestedChange"],
    }
}


def sqs_client(world: Any, **change: str) -> Any:
    known = world.control("GET", "/endpoints")
    words = known["clients"]["sqs"] | change
    return botocore.session.get_session().create_client(
        "sqs",
        region_name=words["region"],
        endpoint_url=known["amazon"]["sqs"],
        aws_access_key_id=words["access_key_id"],
        aws_secret_access_key=words["secret_access_key"],
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


@pytest.fixture
def queue(world: Any) -> Iterator[tuple[Any, str]]:
    """A client and the URL of the queue, emptied."""
    client = sqs_client(world)
    url = client.get_queue_url(QueueName="salestio-notifications")["QueueUrl"]
    client.purge_queue(QueueUrl=url)
    yield client, url
    client.close()


def app_token(seller: Seller) -> str:
    granted = seller.lwa(grant_type="client_credentials", scope="sellingpartnerapi::notifications").json()
    return str(granted["access_token"])


def destination(seller: Seller) -> str:
    token = app_token(seller)
    listed = seller.call("GET", "/notifications/v1/destinations", token=token).json()["payload"]
    if listed:
        return str(listed[0]["destinationId"])
    arn = seller.sandbox.control("GET", "/endpoints")["clients"]["sqs"]["queue_arn"]
    body = {"name": "orders", "resourceSpecification": {"sqs": {"arn": arn}}}
    made = seller.call("POST", "/notifications/v1/destinations", token=token, json=body)
    assert made.status_code == 200, made.text
    return str(made.json()["payload"]["destinationId"])


@pytest.fixture
def subscribed(seller: Seller, queue: Any) -> Iterator[Seller]:
    """Northpine US with a subscription to order changes, ended after the test; one left by the product's own ends first."""
    known = seller.call("GET", "/notifications/v1/subscriptions/ORDER_CHANGE")
    if known.status_code == 200:
        old = f"/notifications/v1/subscriptions/ORDER_CHANGE/{known.json()['payload']['subscriptionId']}"
        seller.call("DELETE", old, token=app_token(seller))
    body = {"payloadVersion": "1.0", "destinationId": destination(seller), "processingDirective": DIRECTIVE}
    made = seller.call("POST", "/notifications/v1/subscriptions/ORDER_CHANGE", json=body)
    assert made.status_code == 200, made.text
    yield seller
    path = f"/notifications/v1/subscriptions/ORDER_CHANGE/{made.json()['payload']['subscriptionId']}"
    assert seller.call("DELETE", path, token=app_token(seller)).status_code == 200


def drain(queue: tuple[Any, str], most: int = 10) -> list[dict[str, Any]]:
    """Receive and delete what is there."""
    client, url = queue
    bodies: list[dict[str, Any]] = []
    while True:
        messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=most).get("Messages", [])
        if not messages:
            return bodies
        bodies += [json.loads(message["Body"]) for message in messages]
        entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
        assert not client.delete_message_batch(QueueUrl=url, Entries=entries).get("Failed")


def changes(bodies: list[dict[str, Any]]) -> list[tuple[str, str]]:
    found = [body["Payload"]["OrderChangeNotification"] for body in bodies]
    return [(change["AmazonOrderId"], change["Summary"]["OrderStatus"]) for change in found]


def test_a_paid_order_is_told_once_and_a_pending_one_when_it_is_paid(subscribed: Seller, queue: Any) -> None:
    paid = subscribed.place()[0]
    pending = subscribed.place(status="pending")[0]
    assert changes(drain(queue)) == [(paid, "Unshipped")]

    subscribed.patch(pending, status="paid")
    subscribed.patch(paid, status="shipped")

    assert sorted(changes(drain(queue))) == sorted([(pending, "Unshipped"), (paid, "Shipped")])


def test_sweep_and_silent_orders_are_not_told(subscribed: Seller, queue: Any) -> None:
    subscribed.place(mode="sweep")
    subscribed.place(mode="silent")

    assert drain(queue) == []


def test_a_buyer_who_asks_to_cancel_is_told(subscribed: Seller, queue: Any) -> None:
    order_id = subscribed.place()[0]
    drain(queue)

    subscribed.patch(order_id, cancel_request=True)

    change = drain(queue)[0]["Payload"]["OrderChangeNotification"]
    assert change["OrderChangeType"] == "BuyerRequestedChange"
    assert change["Summary"]["OrderItems"][0]["IsBuyerRequestedCancel"] is True


@pytest.mark.contract
def test_every_message_is_what_amazons_schema_says(subscribed: Seller, queue: Any, specs: Path) -> None:
    schema = json.loads((specs / "amazon/schemas/notifications/OrderChangeNotification.json").read_text())
    subscribed.place(count=2)
    subscribed.place(status="canceled")
    subscribed.place(status="shipped", fulfilled_by="marketplace")
    subscribed.place(buyer={"address": None})
    order_id = subscribed.place()[0]
    subscribed.patch(order_id, cancel_request=True)

    messages = drain(queue)

    assert len(messages) == 7
    for message in messages:
        jsonschema.Draft7Validator(schema).validate(message)


def test_a_message_not_deleted_comes_again_after_its_visibility_timeout(subscribed: Seller, queue: Any) -> None:
    client, url = queue
    subscribed.place()
    first = client.receive_message(QueueUrl=url, VisibilityTimeout=1)["Messages"][0]

    assert "Messages" not in client.receive_message(QueueUrl=url)
    again = client.receive_message(QueueUrl=url, WaitTimeSeconds=5, AttributeNames=["All"])["Messages"][0]

    assert again["MessageId"] == first["MessageId"] and again["ReceiptHandle"] != first["ReceiptHandle"]
    client.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])


def test_long_polling_ends_when_a_message_comes(subscribed: Seller, queue: Any) -> None:
    import threading

    client, url = queue
    timer = threading.Timer(0.5, subscribed.place)
    timer.start()
    began = time.monotonic()

    messages = client.receive_message(QueueUrl=url, WaitTimeSeconds=10).get("Messages", [])
    timer.join()

    assert len(messages) == 1 and 0.3 < time.monotonic() - began < 5


def test_queue_attributes_count_messages(subscribed: Seller, queue: Any) -> None:
    client, url = queue
    subscribed.place(count=3)
    client.receive_message(QueueUrl=url)

    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    assert attributes["ApproximateNumberOfMessages"] == "2"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert attributes["QueueArn"] == "arn:aws:sqs:us-east-1:000000000000:salestio-notifications"


def test_a_missing_queue_and_a_wrong_key_are_refused_as_aws_does(world: Any, queue: Any) -> None:
    client, url = queue
    with pytest.raises(ClientError) as missing:
        client.receive_message(QueueUrl=url + "-other")
    with pytest.raises(ClientError) as denied:
        sqs_client(world, access_key_id="AKIAWRONG").receive_message(QueueUrl=url)

    assert "NonExistentQueue" in missing.value.response["Error"]["Code"]
    assert "InvalidClientTokenId" in denied.value.response["Error"]["Code"]


def test_faults_repeat_and_drop_messages(subscribed: Seller, queue: Any) -> None:
    subscribed.sandbox.control(
        "POST", "/faults", {"platform": "amazon", "kind": "webhook_repeat", "params": {"times": 3}}
    )
    order_id = subscribed.place()[0]
    assert changes(drain(queue)) == [(order_id, "Unshipped")] * 3

    subscribed.sandbox.control("DELETE", "/faults")
    subscribed.sandbox.control("POST", "/faults", {"platform": "amazon", "kind": "webhook_drop"})
    subscribed.place()
    assert drain(queue) == []


def test_destinations_want_our_applications_own_token(seller: Seller) -> None:
    assert seller.call("GET", "/notifications/v1/destinations").status_code == 403
    token = app_token(seller)
    assert seller.call("GET", "/notifications/v1/destinations", token=token).status_code == 200
    assert seller.call("GET", "/notifications/v1/subscriptions/ORDER_CHANGE", token=token).status_code == 403


def test_a_destination_needs_a_queue_that_exists_and_is_made_once(seller: Seller, queue: Any) -> None:
    destination(seller)
    token = app_token(seller)
    arn = "arn:aws:sqs:us-east-1:000000000000:"

    answers = [
        seller.call(
            "POST",
            "/notifications/v1/destinations",
            token=token,
            json={"name": "orders", "resourceSpecification": {"sqs": {"arn": arn + name}}},
        ).status_code
        for name in ("salestio-notifications", "no-such-queue")
    ]

    assert answers == [409, 400]


def test_a_subscription_to_order_changes_needs_a_directive_and_is_one_a_seller(subscribed: Seller) -> None:
    path, body = (
        "/notifications/v1/subscriptions/ORDER_CHANGE",
        {"payloadVersion": "1.0", "destinationId": destination(subscribed)},
    )

    bare = subscribed.call("POST", path, json=body)
    second = subscribed.call("POST", path, json=body | {"processingDirective": DIRECTIVE})
    listings = subscribed.call("POST", "/notifications/v1/subscriptions/LISTINGS_ITEM_STATUS_CHANGE", json=body)

    assert [bare.status_code, second.status_code, listings.status_code] == [400, 409, 400]
    assert subscribed.call("GET", path).json()["payload"]["processingDirective"] == DIRECTIVE
