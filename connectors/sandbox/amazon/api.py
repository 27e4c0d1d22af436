"""SP-API: orders 2026-01-01 (searchOrders, getOrder), orders v0 (confirmShipment), sellers v1."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from connectors.sandbox.amazon import customizations
from connectors.sandbox.amazon.common import AMAZON, Amazon, Caller, answer, enter, error, invalid
from connectors.sandbox.amazon.shapes import DATASETS, order_json
from connectors.sandbox.amazon.sites import BY_ID, SITES
from connectors.sandbox.amazon.state import ORDERS, Doc
from connectors.sandbox.faults import set_null
from connectors.sandbox.server import Interrupted
from connectors.sandbox.texts import dump, page_of
from connectors.sandbox.world import iso_ms

_STATUSES = (
    "PENDING_AVAILABILITY",
    "PENDING",
    "UNSHIPPED",
    "PARTIALLY_SHIPPED",
    "SHIPPED",
    "CANCELLED",
    "UNFULFILLABLE",
)
_TOKEN_LIFE = timedelta(hours=24)
_OLDEST = timedelta(days=730)
"""Amazon shows no order older than two years."""


def setup(app: web.Application) -> None:
    """Add the routes."""
    add = app.router
    add.add_get("/amazon/{region:na|eu|fe}/orders/2026-01-01/orders", search_orders)
    add.add_get("/amazon/{region:na|eu|fe}/orders/2026-01-01/orders/{order_id}", get_order)
    add.add_post("/amazon/{region:na|eu|fe}/orders/v0/orders/{order_id}/shipmentConfirmation", confirm_shipment)
    add.add_get("/amazon/{region:na|eu|fe}/sellers/v1/marketplaceParticipations", participations)
    add.add_get("/amazon/{region:na|eu|fe}/sellers/v1/account", account)


async def unknown(request: web.Request) -> web.Response:
    """Any other path."""
    return error(404, "NotFound", "The pretend Amazon does not know this operation.")


# ── searchOrders ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def search_orders(request: web.Request) -> web.Response:
    """One page of orders by creation or by change."""
    caller = await enter(request, "searchOrders")
    amazon = request.app[AMAZON]
    query = _Query(request, amazon)
    token = request.query.get("paginationToken", "")
    place = query.open_token(token) if token else None
    bound = place["bound"] if place else query.bound
    rows = _matching(amazon, caller, query, bound, tuple(place["at"]) if place else ("", ""))
    shown: list[bytes] = []
    last: tuple[str, str] = ("", "")
    more = False
    hidden = amazon.core.faults.active("hide_order", "amazon", "searchOrders")
    for key, order in rows:
        if len(shown) == query.size:
            more = True
            break
        last = key
        if hidden and amazon.core.faults.hides(hidden, order["id"]):
            continue
        shown.append(_text(amazon, order, query.included))
    if token:
        _repeat(amazon, caller, query, place or {}, shown)
    if amazon.core.faults.may_spoil("amazon", "searchOrders"):
        shown = [dump(_spoil(amazon, "searchOrders", json.loads(row))) for row in shown]
    body: Doc = {}
    if more:
        body["pagination"] = {"nextToken": query.make_token(bound, last)}
    body["createdBefore" if query.family == "created" else "lastUpdatedBefore"] = bound
    return answer(page_of(body, "orders", shown), operation="searchOrders", request=request)


def _matching(
    amazon: Amazon, caller: Caller, query: _Query, bound: str, after: tuple[str, str]
) -> Iterator[tuple[tuple[str, str], Doc]]:
    """The seller's orders in the window, oldest first, from behind `after`."""
    state = amazon.state
    by_change = query.family == "lastUpdated"
    index = (state.by_updated if by_change else state.by_created)[caller.seller]
    start = bisect_right(index, after) if after != ("", "") else bisect_left(index, (query.after, ""))
    oldest = iso_ms(amazon.world.now() - _OLDEST)
    for place in range(start, len(index)):
        if index[place][0] > bound:
            return
        order = state.orders[index[place][1]]
        if order["created_at"] < oldest or (by_change and order["mode"] == "silent"):
            continue
        if query.wants(order):
            yield index[place], order


def _repeat(amazon: Amazon, caller: Caller, query: _Query, place: Doc, shown: list[bytes]) -> None:
    """Show the last order of the page before once more, when that fault is on."""
    fault = amazon.core.faults.pick("repeat_order", "amazon", "searchOrders")
    order = amazon.state.order(caller.seller, place["at"][1]) if fault and place else None
    if order is not None:
        shown.insert(0, _text(amazon, order, query.included))


def _shown(amazon: Amazon, order: Doc, included: frozenset[str]) -> Doc:
    base = amazon.core.base_url
    return order_json(
        order,
        included,
        personal=personal(amazon),
        customized=lambda whole, line: customizations.link(amazon, base, whole, line),
    )


def _text(amazon: Amazon, order: Doc, included: frozenset[str]) -> bytes:
    """Return an order as JSON, made anew only when it changed or other data of it is asked for."""
    if any(line.get("customization") for line in order["lines"]):
        # Its links are good for some minutes from the answer on: every answer has others.
        return dump(_shown(amazon, order, included))
    view = (included, personal(amazon))
    return amazon.world.texts.text(ORDERS, order["id"], view, lambda: _shown(amazon, order, included))


def personal(amazon: Amazon) -> bool:
    """Say whether our application holds the restricted roles, so that it sees addresses (a switch of the sandbox)."""
    return bool(amazon.world.table("settings").get("amazon", {}).get("restricted_roles", True))


class _Query:
    """The parameters of a search, checked as Amazon does. Raises what ends the request."""

    def __init__(self, request: web.Request, amazon: Amazon) -> None:
        self._secret = str(amazon.app["client_secret"]).encode()
        self._now = amazon.world.now()
        self._delay = timedelta(
            seconds=amazon.core.limits.list_delay("amazon") + amazon.core.faults.lag("amazon", "searchOrders")
        )
        query = request.query
        times = {name: _time(query[name], name) for name in _TIMES if name in query}
        if ("createdAfter" in times) == ("lastUpdatedAfter" in times):
            raise invalid("Exactly one of createdAfter and lastUpdatedAfter must be provided.")
        self.family = "created" if "createdAfter" in times else "lastUpdated"
        other = "lastUpdated" if self.family == "created" else "created"
        if f"{other}Before" in times:
            raise invalid(f"{other}Before cannot be combined with {self.family}After.")
        after = times[f"{self.family}After"]
        latest = self._now - self._delay
        before = times.get(f"{self.family}Before")
        if before is not None and before < after:
            raise invalid(f"{self.family}Before must be equal to or after {self.family}After.")
        if before is not None and before > latest:
            raise invalid(f"{self.family}Before must be at least two minutes before the time of the request.")
        self.after, self.bound = iso_ms(after), iso_ms(before or latest)
        self.size = _size(query.get("maxResultsPerPage"))
        self.included = included_data(request)
        self.statuses = _listed(request, "fulfillmentStatuses", _STATUSES)
        self.fulfilled_by = _listed(request, "fulfilledBy", ("MERCHANT", "AMAZON"))
        self.sites = _sites(request)
        same = sorted((key, value) for key, value in query.items() if key not in _MAY_CHANGE)
        self._parameters = hashlib.sha256(json.dumps(same).encode()).hexdigest()[:24]

    def wants(self, order: Doc) -> bool:
        """Say whether an order passes the filters."""
        if self.statuses and order["status"] not in self.statuses:
            return False
        if self.sites and order["marketplace_id"] not in self.sites:
            return False
        party = "MERCHANT" if order["fulfilled_by"] == "merchant" else "AMAZON"
        return not self.fulfilled_by or party in self.fulfilled_by

    def make_token(self, bound: str, at: tuple[str, str]) -> str:
        """Return a page token: where the next page begins, for which parameters, and until when it is good."""
        content = {"bound": bound, "at": at, "of": self._parameters, "made": iso_ms(self._now)}
        body = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
        return f"{body}.{self._sign(body)}"

    def open_token(self, token: str) -> Doc:
        """Return a page token's content. Refused: a made-up one, one of other parameters, one older than 24 hours."""
        body, _, signature = token.rpartition(".")
        if not body or not hmac.compare_digest(signature, self._sign(body)):
            raise invalid("The paginationToken is invalid.")
        content: Doc = json.loads(base64.urlsafe_b64decode(body))
        if content["made"] < iso_ms(self._now - _TOKEN_LIFE):
            raise invalid("The paginationToken has expired.")
        if content["of"] != self._parameters:
            raise invalid("The paginationToken was generated by a request with other parameters.")
        return content

    def _sign(self, body: str) -> str:
        return hmac.new(self._secret, body.encode(), hashlib.sha256).hexdigest()[:24]


_TIMES = ("createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore")
_MAY_CHANGE = ("paginationToken", "maxResultsPerPage", "includedData")


def _time(text: str, name: str) -> datetime:
    """Read an ISO 8601 time; one without a zone is refused, as is a date alone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("Invalid Input", f"{name} is not in ISO 8601 format") from None
    if moment.tzinfo is None:
        raise invalid("Invalid Input", f"{name} has no time zone")
    return moment.astimezone(UTC)


def _size(text: str | None) -> int:
    if text is None:
        return 100
    if not text.isdigit() or not 1 <= int(text) <= 100:
        raise invalid("maxResultsPerPage must be between 1 and 100.")
    return int(text)


def _values(request: web.Request, name: str) -> list[str]:
    """Return a list parameter, given with commas or again and again."""
    return [part for value in request.query.getall(name, []) for part in value.split(",") if part]


def _listed(request: web.Request, name: str, allowed: tuple[str, ...]) -> frozenset[str]:
    values = _values(request, name)
    wrong = [value for value in values if value not in allowed]
    if wrong:
        raise invalid("Invalid Input", f"{name}: {wrong[0]} is not one of {', '.join(allowed)}")
    return frozenset(values)


def included_data(request: web.Request) -> frozenset[str]:
    """Return the datasets a request asks for; raises for one that does not exist."""
    return _listed(request, "includedData", DATASETS)


def _sites(request: web.Request) -> frozenset[str]:
    values = _values(request, "marketplaceIds")
    if len(values) > 50:
        raise invalid("Invalid Input", "marketplaceIds holds more than 50 values")
    for value in values:
        site = BY_ID.get(value)
        if site is None:
            raise invalid("Invalid Input", f"marketplaceIds: {value} is not a marketplace")
        if site.region != request.match_info["region"]:
            raise Interrupted(error(403))
    return frozenset(values)


# ── getOrder ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def get_order(request: web.Request) -> web.Response:
    """One order, at once."""
    caller = await enter(request, "getOrder")
    amazon = request.app[AMAZON]
    included = included_data(request)
    order = _order(amazon, caller, request.match_info["order_id"])
    shown = _spoil(amazon, "getOrder", _shown(amazon, order, included))
    return answer({"order": shown}, operation="getOrder", request=request)


def _order(amazon: Amazon, caller: Caller, order_id: str) -> Doc:
    parts = order_id.split("-")
    if [len(part) for part in parts] != [3, 7, 7] or not all(part.isdigit() for part in parts):
        raise invalid("Invalid Input", "orderId is not an Amazon order id")
    order = amazon.state.order(caller.seller, order_id)
    if order is None:
        raise Interrupted(error(404, "NotFound", f"The order {order_id} was not found."))
    return order


def _spoil(amazon: Amazon, operation: str, order: Doc) -> Doc:
    """Let the faults strike that change what an answer says of an order."""
    faults, order_id = amazon.core.faults, order["orderId"]
    if not faults:
        return order
    if faults.pick("schema_extra", "amazon", operation, order_id):
        order["fulfillmentInsights"] = {"score": 1, "tags": ["NEW"]}
        order["orderItems"][0]["carbonFootprint"] = {"grams": 120}
    enum = faults.pick("unknown_enum", "amazon", operation, order_id)
    if enum and "fulfillment" in order:
        params = enum["params"]
        order["fulfillment"][params.get("field", "fulfillmentStatus")] = params.get("value", "ON_ITS_WAY")
    null = faults.pick("null_field", "amazon", operation, order_id)
    if null:
        set_null(order, str(null["params"].get("field", "recipient")))
    return order


# ── confirmShipment, v0 ──────────────────────────────────────────────────────────────────────────────────────────────


async def confirm_shipment(request: web.Request) -> web.Response:
    """Note a parcel: the same reference edits it, another adds one. 204."""
    caller = await enter(request, "confirmShipment")
    amazon = request.app[AMAZON]
    try:
        body = await request.json()
    except ValueError:
        raise invalid("Invalid Input", "the body is not JSON") from None
    order = _order(amazon, caller, request.match_info["order_id"])
    detail = _package_detail(amazon, order, body)
    _note_package(amazon, order, detail)
    amazon.world.record("amazon", caller.seller, "order.ship", order["id"], detail["packageReferenceId"], body)
    return answer(None, status=204, operation="confirmShipment", request=request)


def _package_detail(amazon: Amazon, order: Doc, body: Any) -> Doc:
    """Check a shipment confirmation and return its packageDetail."""
    detail = body.get("packageDetail") if isinstance(body, dict) else None
    if not isinstance(detail, dict) or not isinstance(body.get("marketplaceId"), str):
        raise invalid("Invalid Input", "marketplaceId and packageDetail are required")
    if body["marketplaceId"] != order["marketplace_id"]:
        raise invalid("Invalid Input", "marketplaceId is not the order's")
    for name in ("packageReferenceId", "carrierCode", "trackingNumber", "shipDate"):
        if not isinstance(detail.get(name), str) or not detail[name]:
            raise invalid("Invalid Input", f"packageDetail.{name} must be a string")
    reference = detail["packageReferenceId"]
    if not reference.isdigit() or int(reference) < 1:
        raise invalid("Invalid Input", "packageReferenceId must be a positive numeric value")
    if detail["carrierCode"] == "Other" and not detail.get("carrierName"):
        raise invalid("Invalid Input", "carrierName is required when carrierCode is Other")
    shipped = _time(detail["shipDate"], "shipDate")
    slack = timedelta(minutes=1)
    if not _time(order["created_at"], "") - slack <= shipped <= amazon.world.now() + slack:
        raise invalid("Invalid Input", "shipDate is before the purchase or in the future")
    if order["fulfilled_by"] != "merchant" or "FBM_SHIP_PLUS" in order["programs"]:
        raise invalid("Invalid Input", "Shipments of this order are not confirmed by the merchant")
    if order["status"] in ("PENDING", "PENDING_AVAILABILITY", "CANCELLED", "UNFULFILLABLE"):
        raise invalid("Invalid Input", f"The order is {order['status']}")
    _check_items(order, detail, reference)
    return detail


def _check_items(order: Doc, detail: Doc, reference: str) -> None:
    items = detail.get("orderItems")
    if not isinstance(items, list) or not items:
        raise invalid("Invalid Input", "orderItems must be a list of at least one item")
    elsewhere: dict[str, int] = {}
    for package in order["packages"]:
        for item in package["items"]:
            if package["reference"] != reference:
                elsewhere[item["item_id"]] = elsewhere.get(item["item_id"], 0) + item["quantity"]
    for item in items:
        line = next((line for line in order["lines"] if line["item_id"] == item.get("orderItemId")), None)
        if line is None:
            raise invalid("Invalid Input", "OrderItemId is invalid")
        units = item.get("quantity")
        if not isinstance(units, int) or isinstance(units, bool) or units < 1:
            raise invalid("Invalid Input", "quantity must be a positive integer")
        if elsewhere.get(line["item_id"], 0) + units > line["quantity"]:
            raise invalid("PackageToUpdateNotFound", "The items are fulfilled already or there is no such package")


def _note_package(amazon: Amazon, order: Doc, detail: Doc) -> None:
    now = iso_ms(amazon.world.now())
    known = next((p for p in order["packages"] if p["reference"] == detail["packageReferenceId"]), None)
    package = known or {"reference": detail["packageReferenceId"], "created_at": now}
    package.update(
        carrier=detail["carrierName"] if detail["carrierCode"] == "Other" else detail["carrierCode"],
        service=detail.get("shippingMethod") or "",
        tracking=detail["trackingNumber"],
        ship_time=iso_ms(_time(detail["shipDate"], "shipDate")),
        items=[{"item_id": item["orderItemId"], "quantity": item["quantity"]} for item in detail["orderItems"]],
    )
    if known is None:
        order["packages"].append(package)
    for line in order["lines"]:
        units = [i["quantity"] for p in order["packages"] for i in p["items"] if i["item_id"] == line["item_id"]]
        line["shipped"] = sum(units)
    done = all(line["shipped"] >= line["quantity"] for line in order["lines"])
    before, order["status"] = order["status"], "SHIPPED" if done else "PARTIALLY_SHIPPED"
    amazon.state.save(order)
    if order["status"] != before and order["mode"] == "push":
        for told in amazon.on_change:
            told(order, "OrderStatusChange")


# ── sellers v1 ────────────────────────────────────────────────────────────────────────────────────────────────────


async def participations(request: web.Request) -> web.Response:
    """The sites the seller takes part in."""
    operation = "getMarketplaceParticipations"
    caller = await enter(request, operation)
    rows = _participations(request.app[AMAZON], caller.seller)
    return answer({"payload": rows}, operation=operation, request=request)


async def account(request: web.Request) -> web.Response:
    """The seller's account: its plan, and where it takes part."""
    caller = await enter(request, "getAccount")
    amazon = request.app[AMAZON]
    told = {
        "businessType": "PRIVATE_LIMITED",
        "sellingPlan": amazon.state.standing(caller.seller)["plan"],
        "marketplaceParticipationList": _participations(amazon, caller.seller),
    }
    return answer({"payload": told}, operation="getAccount", request=request)


def _participations(amazon: Amazon, key: str) -> list[Doc]:
    seller, suspended = amazon.state.sellers[key], amazon.state.standing(key)["suspended"]
    return [
        {
            "marketplace": {
                "id": site.id,
                "name": site.name,
                "countryCode": site.country,
                "defaultCurrencyCode": site.currency,
                "defaultLanguageCode": site.language,
                "domainName": site.domain,
            },
            "participation": {"isParticipating": True, "hasSuspendedListings": site.code in suspended},
            "storeName": seller["name"],
        }
        for site in (SITES[code] for code in seller["sites"])
    ]
