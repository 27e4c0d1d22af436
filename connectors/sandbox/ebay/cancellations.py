"""Post-Order API v2: cancellations. Whole orders only; a paid one is given back by eBay itself.

eBay's contract of this API was not to be had: paths are those of the saved hand-written one, the fields of answers from
eBay's pages on its enumerations and from memory. Clients should rely on `cancelId` and on getOrder's `cancelStatus`.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from connectors.sandbox.ebay import money
from connectors.sandbox.ebay.buying import words
from connectors.sandbox.ebay.common import EBAY, Ebay, enter
from connectors.sandbox.ebay.control import EBAY_BUYERS
from connectors.sandbox.ebay.errors import answer, post_order_error
from connectors.sandbox.ebay.state import Doc, amount
from connectors.sandbox.server import Interrupted

_BASE = "/ebay/api/post-order/v2/cancellation"
_REASONS = ("ADDRESS_ISSUES", "BUYER_ASKED_CANCEL", "BUYER_CANCEL_OR_ADDRESS_ISSUE", "OUT_OF_STOCK_OR_CANNOT_FULFILL")
_STATES = {"REQUESTED": "APPROVAL_PENDING", "COMPLETED": "CLOSED", "REJECTED": "CLOSED"}


def setup(app: web.Application) -> None:
    """Add the routes."""
    add = app.router
    add.add_post(_BASE, create)
    add.add_post(_BASE + "/check_eligibility", check)
    add.add_get(_BASE + "/search", search)
    add.add_get(_BASE + "/{cancel_id}", get)
    add.add_post(_BASE + "/{cancel_id}/approve", approve)
    add.add_post(_BASE + "/{cancel_id}/reject", reject)


async def _body(request: web.Request) -> Doc:
    try:
        body = await request.json() if request.can_read_body else {}
    except ValueError:
        raise Interrupted(post_order_error(400, 1500, "The request is not JSON.")) from None
    return body if isinstance(body, dict) else {}


def _order(ebay: Ebay, seller: str, body: Doc) -> Doc:
    """Return the order a body names: by any id it had, since this API speaks of legacy ids."""
    order = ebay.state.find(seller, str(body.get("legacyOrderId") or ""))
    if order is None:
        raise Interrupted(post_order_error(400, 1501, "legacyOrderId is not an order of this seller."))
    return order


def _why_not(order: Doc) -> str:
    if order["cancel"]["state"] == "CANCELED":
        return "ALREADY_CANCELLED"
    if order["cancel"]["state"] == "IN_PROGRESS":
        return "CANCEL_REQUEST_EXISTS"
    return "ORDER_SHIPPED" if any(line["shipped"] for line in order["lines"]) else ""


async def check(request: web.Request) -> web.Response:
    """Whether an order can be canceled."""
    caller = await enter(request, "checkCancellationEligibility")
    order = _order(request.app[EBAY], caller.seller, await _body(request))
    why = _why_not(order)
    body = {"legacyOrderId": order["id"], "eligible": not why, "eligibleCancelReason": [] if why else list(_REASONS)}
    return answer(body | ({"failureReason": [why]} if why else {}))


async def create(request: web.Request) -> web.Response:
    """The seller cancels an order."""
    caller = await enter(request, "createCancellation")
    ebay, buyers = request.app[EBAY], request.app[EBAY_BUYERS]
    buyers.settle()
    body = await _body(request)
    order = _order(ebay, caller.seller, body)
    if body.get("cancelReason") not in _REASONS:
        raise Interrupted(post_order_error(400, 1502, "cancelReason is missing or not known."))
    why = _why_not(order)
    if why:
        raise Interrupted(post_order_error(409, 1616, f"The order is not eligible for cancellation: {why}."))
    cancel_id = buyers.start_cancel(order, "SELLER", str(body["cancelReason"]))
    ebay.world.record("ebay", caller.seller, "order.cancel", order["id"], cancel_id, body)
    buyers.approve_cancel(order)
    return answer({"cancelId": cancel_id})


def _request_of(ebay: Ebay, seller: str, cancel_id: str) -> tuple[Doc, Doc]:
    """Return a request to cancel and its order."""
    known = ebay.state.cancels.get(cancel_id)
    order = ebay.state.find(seller, known["order"]) if known else None
    for request in order["cancel"]["requests"] if order else ():
        if order is not None and request["id"] == cancel_id:
            return order, request
    raise Interrupted(post_order_error(404, 1503, "There is no such cancellation."))


async def approve(request: web.Request) -> web.Response:
    """The seller agrees to what the buyer asked."""
    caller = await enter(request, "approveCancellationRequest")
    ebay, buyers = request.app[EBAY], request.app[EBAY_BUYERS]
    order, cancel = _request_of(ebay, caller.seller, request.match_info["cancel_id"])
    if cancel["state"] != "REQUESTED" or words(order) in ("shipped", "partially_shipped"):
        raise Interrupted(post_order_error(409, 1504, "This cancellation is closed."))
    ebay.world.record("ebay", caller.seller, "order.cancel", order["id"], cancel["id"], await _body(request))
    buyers.approve_cancel(order)
    return answer({})


async def reject(request: web.Request) -> web.Response:
    """The seller does not agree: the order goes on."""
    caller = await enter(request, "rejectCancellationRequest")
    ebay, buyers = request.app[EBAY], request.app[EBAY_BUYERS]
    order, cancel = _request_of(ebay, caller.seller, request.match_info["cancel_id"])
    if cancel["state"] != "REQUESTED":
        raise Interrupted(post_order_error(409, 1504, "This cancellation is closed."))
    buyers.reject_cancel(order, cancel["id"])
    return answer({})


async def get(request: web.Request) -> web.Response:
    """One cancellation."""
    caller = await enter(request, "getCancellation")
    request.app[EBAY_BUYERS].settle()
    order, cancel = _request_of(request.app[EBAY], caller.seller, request.match_info["cancel_id"])
    return answer({"cancelDetail": _detail(order, cancel)})


async def search(request: web.Request) -> web.Response:
    """The seller's cancellations, newest first, of one order when `legacy_order_id` says so."""
    caller = await enter(request, "searchCancellations")
    ebay = request.app[EBAY]
    request.app[EBAY_BUYERS].settle()
    wanted = request.query.get("legacy_order_id", "")
    found: list[dict[str, Any]] = []
    for doc in reversed(list(ebay.state.cancels.values())):
        if doc["seller"] != caller.seller:
            continue
        order, cancel = _request_of(ebay, caller.seller, doc["id"])
        if not wanted or wanted in (order["id"], *order["former_ids"]):
            found.append(_detail(order, cancel))
    page = {"limit": 200, "offset": 1, "totalEntries": len(found), "totalPages": 1 if found else 0}
    return answer({"cancellations": found[:200], "total": len(found), "paginationOutput": page})


def _detail(order: Doc, cancel: Doc) -> dict[str, Any]:
    state, status = _STATES[cancel["state"]], "CANCEL_REQUESTED"
    if cancel["state"] == "REJECTED":
        status = "CANCEL_REJECTED"
    elif cancel["state"] == "COMPLETED":
        status = "CANCEL_CLOSED_WITH_REFUND" if order["refunds"] else "CANCEL_CLOSED_FOR_COMMITMENT"
    elif order["cancel"]["finish_at"]:
        state, status = "REFUND_PENDING", "CANCEL_PENDING"
    return {
        "cancelId": cancel["id"],
        "legacyOrderId": order["id"],
        "marketplaceId": order["marketplace_id"],
        "requestorType": cancel["by"],
        "cancelReason": cancel["reason"],
        "cancelState": state,
        "cancelStatus": status,
        "cancelRequestDate": {"value": cancel["requested_at"]},
        "requestRefundAmount": {
            "value": amount(money.total(order, ebay_tax=False)),
            "currency": order["currency"],
        },
    }
