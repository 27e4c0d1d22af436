"""Notifications API v1 (destinations, subscriptions), and the ORDER_CHANGE messages that go into the queues."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from connectors.sandbox.amazon import sqs
from connectors.sandbox.amazon.common import AMAZON, Amazon, answer, enter, error, invalid
from connectors.sandbox.amazon.state import Doc
from connectors.sandbox.server import Interrupted
from connectors.sandbox.world import iso_ms

DESTINATIONS, SUBSCRIPTIONS = "amazon_destinations", "amazon_subscriptions"
_BASE = "/amazon/{region:na|eu|fe}/notifications/v1"
_QUEUE_TYPES = (
    "ORDER_CHANGE",
    "FBA_INVENTORY_AVAILABILITY_CHANGES",
    "FEED_PROCESSING_FINISHED",
    "REPORT_PROCESSING_FINISHED",
    "TRANSACTION_UPDATE",
    "ACCOUNT_STATUS_CHANGED",
)
"""Types that go to SQS; the LISTINGS_* ones go to EventBridge only."""
_CHANGE_TYPES = ("BuyerRequestedChange", "DeliveryTipChange", "OrderStatusChange")

_V0_STATUS = {
    "PENDING_AVAILABILITY": "PendingAvailability",
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}


def setup(app: web.Application) -> None:
    """Add the routes, and have order changes told."""
    add = app.router
    add.add_get(f"{_BASE}/destinations", get_destinations)
    add.add_post(f"{_BASE}/destinations", create_destination)
    add.add_get(f"{_BASE}/destinations/{{destination}}", get_destination)
    add.add_delete(f"{_BASE}/destinations/{{destination}}", delete_destination)
    add.add_get(f"{_BASE}/subscriptions", get_subscriptions)
    add.add_get(f"{_BASE}/subscriptions/{{type}}", get_subscription)
    add.add_post(f"{_BASE}/subscriptions/{{type}}", create_subscription)
    add.add_get(f"{_BASE}/subscriptions/{{type}}/{{subscription}}", get_subscription_by_id)
    add.add_delete(f"{_BASE}/subscriptions/{{type}}/{{subscription}}", delete_subscription)
    amazon = app[AMAZON]
    amazon.on_change.append(lambda order, reason: tell(amazon, order, reason))


# ── destinations: in our application's own name ──────────────────────────────────────────────────────────────────────


def _payload(request: web.Request, operation: str, payload: Any) -> web.Response:
    return answer({"payload": payload}, operation=operation, request=request)


def _region_rows(request: web.Request, table: str) -> list[Doc]:
    rows = request.app[AMAZON].world.table(table).values()
    return [doc for doc in rows if doc["region"] == request.match_info["region"]]


async def get_destinations(request: web.Request) -> web.Response:
    """All destinations of our application in this region."""
    await enter(request, "getDestinations", grantless=True)
    rows = [doc["shown"] for doc in _region_rows(request, DESTINATIONS)]
    return _payload(request, "getDestinations", rows)


async def create_destination(request: web.Request) -> web.Response:
    """A new destination; one a queue, as at Amazon."""
    await enter(request, "createDestination", grantless=True)
    amazon = request.app[AMAZON]
    body = await _json(request)
    spec = body.get("resourceSpecification")
    queue = spec.get("sqs") if isinstance(spec, dict) else None
    if not isinstance(body.get("name"), str) or not body["name"] or not isinstance(queue, dict):
        raise invalid("Invalid Input", "name and resourceSpecification.sqs are required")
    arn = str(queue.get("arn", ""))
    if not sqs.known_arn(amazon, arn):
        raise invalid("Invalid Input", f"The queue {arn} does not exist or refuses messages from Amazon.")
    for doc in _region_rows(request, DESTINATIONS):
        if doc["shown"]["resource"]["sqs"]["arn"] == arn:
            raise Interrupted(error(409, "Conflict", "A destination with this resource exists already."))
    shown = {"name": body["name"], "destinationId": str(uuid.uuid4()), "resource": {"sqs": {"arn": arn}}}
    doc = {"region": request.match_info["region"], "shown": shown}
    amazon.world.put(DESTINATIONS, shown["destinationId"], doc)
    return _payload(request, "createDestination", shown)


def _found(request: web.Request, table: str, key: str) -> Doc:
    doc = request.app[AMAZON].world.table(table).get(key)
    if doc is None or doc["region"] != request.match_info["region"]:
        raise Interrupted(error(404, "NotFound", "The requested resource doesn't exist."))
    return doc


async def get_destination(request: web.Request) -> web.Response:
    """One destination."""
    await enter(request, "getDestination", grantless=True)
    doc = _found(request, DESTINATIONS, request.match_info["destination"])
    return _payload(request, "getDestination", doc["shown"])


async def delete_destination(request: web.Request) -> web.Response:
    """A destination ends; its subscriptions stay and go nowhere."""
    await enter(request, "deleteDestination", grantless=True)
    _found(request, DESTINATIONS, request.match_info["destination"])
    request.app[AMAZON].world.drop(DESTINATIONS, request.match_info["destination"])
    return answer({}, operation="deleteDestination", request=request)


# ── subscriptions ────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_seller(amazon: Amazon, seller: str, kind: str = "") -> list[Doc]:
    rows = amazon.world.table(SUBSCRIPTIONS).values()
    return [doc for doc in rows if doc["seller"] == seller and (not kind or doc["type"] == kind)]


async def get_subscriptions(request: web.Request) -> web.Response:
    """The seller's subscriptions of the types asked for."""
    caller = await enter(request, "getSubscriptions")
    wanted = {t for value in request.query.getall("notificationTypes", []) for t in value.split(",")}
    if not wanted:
        raise invalid("Invalid Input", "notificationTypes is required")
    rows = [doc["shown"] for doc in _of_seller(request.app[AMAZON], caller.seller) if doc["type"] in wanted]
    return _payload(request, "getSubscriptions", {"subscriptions": rows})


async def get_subscription(request: web.Request) -> web.Response:
    """The seller's subscription of one type."""
    caller = await enter(request, "getSubscription")
    rows = _of_seller(request.app[AMAZON], caller.seller, request.match_info["type"])
    if not rows:
        raise Interrupted(error(404, "NotFound", "The requested resource doesn't exist."))
    return _payload(request, "getSubscription", rows[0]["shown"])


async def create_subscription(request: web.Request) -> web.Response:
    """Subscribe the seller; ORDER_CHANGE demands a processing directive (abuzuhri/Amazon-SP-API-CSharp#621)."""
    caller = await enter(request, "createSubscription")
    amazon, kind = request.app[AMAZON], request.match_info["type"]
    body = await _json(request)
    if kind not in _QUEUE_TYPES:
        raise invalid("Invalid Input", f"{kind} cannot be sent to an SQS queue")
    if body.get("payloadVersion") != "1.0":
        raise invalid("Invalid Input", "payloadVersion 1.0 is required")
    _found(request, DESTINATIONS, str(body.get("destinationId", "")))
    directive = body.get("processingDirective")
    if kind == "ORDER_CHANGE":
        _check_directive(directive)
    if _of_seller(amazon, caller.seller, kind):
        raise Interrupted(error(409, "Conflict", "A subscription of this type exists already."))
    shown: Doc = {
        "subscriptionId": str(uuid.uuid4()),
        "payloadVersion": "1.0",
        "destinationId": body["destinationId"],
    }
    if directive:
        shown["processingDirective"] = directive
    doc = {"region": request.match_info["region"], "seller": caller.seller, "type": kind, "shown": shown}
    amazon.world.put(SUBSCRIPTIONS, shown["subscriptionId"], doc)
    return _payload(request, "createSubscription", shown)


def _check_directive(directive: Any) -> None:
    event_filter = directive.get("eventFilter") if isinstance(directive, dict) else None
    if not isinstance(event_filter, dict) or event_filter.get("eventFilterType") != "ORDER_CHANGE":
        raise invalid("Invalid Input", "processingDirective.eventFilter of the type ORDER_CHANGE is required")
    changes = event_filter.get("orderChangeTypes")
    if not isinstance(changes, list) or not changes or any(change not in _CHANGE_TYPES for change in changes):
        raise invalid("Invalid Input", f"orderChangeTypes must be of {', '.join(_CHANGE_TYPES)}")


def _by_id(request: web.Request) -> Doc:
    doc = _found(request, SUBSCRIPTIONS, request.match_info["subscription"])
    if doc["type"] != request.match_info["type"]:
        raise Interrupted(error(404, "NotFound", "The requested resource doesn't exist."))
    return doc


async def get_subscription_by_id(request: web.Request) -> web.Response:
    """One subscription, in our application's name."""
    await enter(request, "getSubscriptionById", grantless=True)
    return _payload(request, "getSubscriptionById", _by_id(request)["shown"])


async def delete_subscription(request: web.Request) -> web.Response:
    """A subscription ends, in our application's name."""
    await enter(request, "deleteSubscriptionById", grantless=True)
    _by_id(request)
    request.app[AMAZON].world.drop(SUBSCRIPTIONS, request.match_info["subscription"])
    return answer({}, operation="deleteSubscriptionById", request=request)


async def _json(request: web.Request) -> Doc:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid("Invalid Input", "a JSON object is required")
    return body


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def tell(amazon: Amazon, order: Doc, reason: str) -> None:
    """Put an ORDER_CHANGE message into the queue of each subscription that wants it."""
    for doc in _of_seller(amazon, order["seller"], "ORDER_CHANGE"):
        wanted = doc["shown"]["processingDirective"]["eventFilter"]
        sites = wanted.get("marketplaceIds")
        if reason not in wanted["orderChangeTypes"] or (sites and order["marketplace_id"] not in sites):
            continue
        destination = amazon.world.table(DESTINATIONS).get(doc["shown"]["destinationId"])
        if destination is not None:
            message = order_change(amazon, order, reason, doc["shown"]["subscriptionId"])
            sqs.send(amazon, destination["shown"]["resource"]["sqs"]["arn"], message, match=order["id"])


def order_change(amazon: Amazon, order: Doc, reason: str, subscription_id: str) -> Doc:
    """Return the message, in the shape of Amazon's schema OrderChangeNotification: no personal data, no money."""
    now = iso_ms(amazon.world.now())
    change = {
        "NotificationLevel": "OrderLevel",
        "SellerId": order["seller"],
        "AmazonOrderId": order["id"],
        "OrderChangeType": reason,
        "OrderChangeTrigger": {
            "TimeOfOrderChange": order["updated_at"],
            "ChangeReason": "Buyer Requested Cancel" if reason == "BuyerRequestedChange" else "Order status change",
        },
        "Summary": _summary(order, reason),
    }
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": now,
        "Payload": {"OrderChangeNotification": change},
        "NotificationMetadata": {
            "ApplicationId": amazon.app["application_id"],
            "SubscriptionId": subscription_id,
            "PublishTime": now,
            "NotificationId": str(uuid.uuid4()),
        },
    }


def _summary(order: Doc, reason: str) -> Doc:
    shipped = sum(line["shipped"] for line in order["lines"])
    units = sum(line["quantity"] for line in order["lines"])
    return {
        "MarketplaceId": order["marketplace_id"],
        "OrderStatus": _V0_STATUS[order["status"]],
        "PurchaseDate": order["created_at"],
        "DestinationPostalCode": (order["address"] or {}).get("postalCode"),
        "FulfillmentType": "MFN" if order["fulfilled_by"] == "merchant" else "AFN",
        "OrderType": "StandardOrder",
        "NumberOfItemsShipped": shipped,
        "NumberOfItemsUnshipped": 0 if order["status"] == "CANCELLED" else units - shipped,
        "EarliestShipDate": order["ship_by"][0],
        "LatestShipDate": order["ship_by"][1],
        "EarliestDeliveryDate": order["deliver_by"][0],
        "LatestDeliveryDate": order["deliver_by"][1],
        "OrderPrograms": [],
        "ShippingPrograms": [],
        "OrderItems": [
            {
                "OrderItemId": line["item_id"],
                "SellerSKU": line["sku"],
                "SupplySourceId": None,
                "OrderItemStatus": "Shipped" if line["shipped"] >= line["quantity"] > 0 else "Unshipped",
                "Quantity": line["quantity"],
                "QuantityShipped": line["shipped"],
                "IsBuyerRequestedCancel": reason == "BuyerRequestedChange",
            }
            for line in order["lines"]
        ],
    }
