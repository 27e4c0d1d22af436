"""How the pretend eBay words its errors: the shapes of its API families, and the entries of its catalogue in use.

Ids, domains, categories and texts: `x-response-codes` of eBay's contracts (a test compares them). 1001 to 1100 and 2001
stand in none of the contracts; their form is the one eBay's gateway is known for.
"""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from connectors.sandbox.server import Face, Interrupted, Operation

Doc = dict[str, Any]

_FULFILLMENT, _NOTIFICATION, _ACCOUNT = "API_FULFILLMENT", "API_NOTIFICATION", "API_ACCOUNT"
_REQUEST, _BUSINESS, _APPLICATION = "REQUEST", "BUSINESS", "APPLICATION"

ERRORS: dict[int, tuple[int, str, str, str]] = {
    # id: (HTTP status, domain, category, text)
    30500: (500, _FULFILLMENT, _APPLICATION, "System error"),
    30700: (400, _FULFILLMENT, _REQUEST, "Invalid filter name: {fieldname}"),
    30800: (400, _FULFILLMENT, _REQUEST, "Invalid filter value {fieldvalue} for filter {fieldname}"),
    30810: (400, _FULFILLMENT, _REQUEST, "Invalid date format"),
    30820: (400, _FULFILLMENT, _REQUEST, "Start date is missing"),
    30830: (400, _FULFILLMENT, _REQUEST, "Time range between start date and end date must be within "
                                         "'{allowedTime}' years."),
    30840: (400, _FULFILLMENT, _REQUEST, "Start date should be before end date"),
    30850: (400, _FULFILLMENT, _REQUEST, "Start and end dates can't be in the future"),
    30900: (400, _FULFILLMENT, _REQUEST, "Exceeded maximum number of order IDs (the current limit is 50 )"),
    31000: (400, _FULFILLMENT, _REQUEST, "Invalid offset: {offsetvalue}"),
    31100: (400, _FULFILLMENT, _REQUEST, "Invalid limit: {limitvalue}"),
    32100: (400, _FULFILLMENT, _REQUEST, "Invalid order ID: {orderId}"),
    32110: (400, _FULFILLMENT, _REQUEST, "Invalid shipping fulfillment ID: {fulfillmentId}"),
    32200: (400, _FULFILLMENT, _REQUEST, "Invalid line item id: {lineItemId}"),
    32210: (400, _FULFILLMENT, _REQUEST, "Duplicate line item in the request"),
    32300: (400, _FULFILLMENT, _REQUEST, "Invalid shipment tracking number or carrier"),
    32500: (400, _FULFILLMENT, _REQUEST, "Invalid shipped date"),
    32600: (400, _FULFILLMENT, _REQUEST, "Invalid input data"),
    32800: (400, _FULFILLMENT, _REQUEST, "Invalid field group: {fieldGroup}"),
    34100: (400, _FULFILLMENT, _REQUEST, "Maximum tracking number for order is exceeded"),
    34300: (400, _FULFILLMENT, _REQUEST, "Mark As Shipped for multiple Global Shipping Program line "
                                         "items is not supported"),
    34900: (500, _FULFILLMENT, _APPLICATION, "There was a problem with an eBay internal system or process. "
                                             "Contact eBay developer support for assistance."),
    34902: (400, _FULFILLMENT, _REQUEST, "Request can't be empty."),
    34903: (400, _FULFILLMENT, _REQUEST, "The refund reason must be specified."),
    34905: (400, _FULFILLMENT, _REQUEST, "Either orderLevelRefundAmount or refundItems must be specified."),
    34906: (400, _FULFILLMENT, _REQUEST, "The amount value must be specified."),
    34907: (400, _FULFILLMENT, _REQUEST, "The amount value must be positive and within two decimals."),
    34908: (400, _FULFILLMENT, _REQUEST, "The amount currency must be specified."),
    34909: (400, _FULFILLMENT, _REQUEST, "The amount currency isn't correct."),
    34910: (400, _FULFILLMENT, _REQUEST, "Either legacyReference or lineItemId must be specified for "
                                         "item level refund."),
    34913: (404, _FULFILLMENT, _REQUEST, "Can not find the order."),
    34914: (400, _FULFILLMENT, _REQUEST, "Can't find the item in the order."),
    34915: (400, _FULFILLMENT, _REQUEST, "The refund amount exceeds order amount."),
    34917: (400, _FULFILLMENT, _BUSINESS, "This order was already refunded."),
    34921: (400, _FULFILLMENT, _REQUEST, "The comment exceeds the length limit, please make sure it "
                                         "doesn't exceed 1000 characters."),
    34922: (400, _FULFILLMENT, _REQUEST, "Refund can't be issued while previous refund is processing."),
    34924: (409, _FULFILLMENT, _BUSINESS, "The item refund amount exceeds the item remaining amount."),
    34929: (409, _FULFILLMENT, _REQUEST, "You cannot refund this order yet since the buyer payment "
                                         "has not been processed. Please try again later."),
    195000: (500, _NOTIFICATION, _APPLICATION, "There was a problem with an eBay internal system or "
                                               "process. Contact eBay developer support for assistance."),
    195001: (404, _NOTIFICATION, _REQUEST, "The specified key id is invalid."),
    195002: (404, _NOTIFICATION, _REQUEST, "Invalid or missing topic id."),
    195003: (409, _NOTIFICATION, _REQUEST, "Please provide configurations required for "
                                           "notifications. Refer to /config"),
    195004: (400, _NOTIFICATION, _REQUEST, "Invalid limit. Supported ranges 10 - 100."),
    195005: (400, _NOTIFICATION, _REQUEST, "Invalid continuation token."),
    195006: (400, _NOTIFICATION, _REQUEST, "Invalid or missing subscription status."),
    195007: (400, _NOTIFICATION, _REQUEST, "Invalid or missing destination id."),
    195008: (400, _NOTIFICATION, _REQUEST, "Invalid or missing schema version. Please refer to "
                                           "/topic/{topic_id} for supported schema versions."),
    195009: (400, _NOTIFICATION, _REQUEST, "Specified format is not supported for the topic."),
    195010: (400, _NOTIFICATION, _REQUEST, "Invalid or missing protocol"),
    195011: (403, _NOTIFICATION, _REQUEST, "Not authorized for this topic."),
    195012: (409, _NOTIFICATION, _REQUEST, "Subscription already exists"),
    195013: (404, _NOTIFICATION, _REQUEST, "The subscription id does not exist."),
    195015: (409, _NOTIFICATION, _REQUEST, "The subscription cannot be enabled since the destination "
                                           "is not enabled."),
    195016: (400, _NOTIFICATION, _REQUEST, "Invalid name. Markups or lengths greater than 64 not supported"),
    195017: (400, _NOTIFICATION, _REQUEST, "Invalid or missing endpoint."),
    195018: (400, _NOTIFICATION, _REQUEST, "Invalid or missing destination status. Supported "
                                           "values:[ENABLED,DISABLED]"),
    195019: (400, _NOTIFICATION, _REQUEST, "Invalid or missing verification token for this endpoint."),
    195020: (409, _NOTIFICATION, _REQUEST, "Challenge verification failed for requested endpoint"),
    195021: (409, _NOTIFICATION, _REQUEST, "Destination exists for this endpoint"),
    195022: (404, _NOTIFICATION, _REQUEST, "Invalid or missing destination id."),
    195024: (409, _NOTIFICATION, _REQUEST, "Destination is in use and cannot be deleted."),
    195025: (400, _NOTIFICATION, _REQUEST, "Invalid or missing email."),
    195027: (400, _NOTIFICATION, _REQUEST, "Invalid or missing topic id."),
    195026: (404, _NOTIFICATION, _APPLICATION, "Configuration Not Found."),
    20500: (500, _ACCOUNT, _APPLICATION, "System error."),
    1001: (401, "OAuth", _REQUEST, "Invalid access token"),
    1002: (401, "OAuth", _REQUEST, "Missing access token"),
    1003: (401, "OAuth", _REQUEST, "Token type in the Authorization header is invalid"),
    1100: (403, "ACCESS", _REQUEST, "Access denied"),
    2001: (429, "ACCESS", _REQUEST, "Too many requests."),
    2002: (404, "ACCESS", _REQUEST, "Resource not found"),
}  # fmt: skip
_LONG = {
    1001: "Invalid access token. Check the value of the Authorization HTTP request header.",
    1002: "Access token is missing in the Authorization HTTP request header.",
    1100: "Insufficient permissions to fulfill the request.",
    2001: "The request limit has been reached for the resource.",
    2002: "The resource was not found. The pretend eBay does not know this operation.",
}
_SYSTEM = {"notification": 195000, "account": 20500, "refund": 34900}
"""What each family says when something in eBay itself fails; 30500 in all others."""
POST_ORDER = (
    "createCancellation", "approveCancellationRequest", "rejectCancellationRequest", "checkCancellationEligibility",
    "getCancellation", "searchCancellations",
)  # fmt: skip


def answer(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON answer with the headers eBay's gateway adds; empty for None, bytes are JSON already."""
    sent = {
        "X-EBAY-C-REQUEST-ID": f"ri={uuid.uuid4().hex[:12]},rci={uuid.uuid4().hex[:8]}",
        "X-EBAY-C-VERSION": "1.0.0",
    }
    sent |= headers or {}
    if body is None:
        return web.Response(status=status, headers=sent)
    if isinstance(body, bytes):
        return web.Response(body=body, status=status, headers=sent, content_type="application/json", charset="utf-8")
    return web.json_response(body, status=status, headers=sent)


def error(error_id: int, values: dict[str, str] | None = None, *, status: int = 0, message: str = "") -> web.Response:
    """Return an error of the catalogue in the REST shape; `values` fill the text and stand in `parameters`."""
    usual, domain, category, text = ERRORS.get(error_id) or ERRORS[30500]
    said = message or text
    for name, value in (values or {}).items():
        said = said.replace("{" + name + "}", value)
    entry: Doc = {"errorId": error_id, "domain": domain, "category": category, "message": said}
    entry["longMessage"] = _LONG.get(error_id, said)
    if values:
        entry["parameters"] = [{"name": name, "value": value} for name, value in values.items()]
    return answer({"errors": [entry]}, status=status or usual)


def refused(error_id: int, **values: str) -> Interrupted:
    """Return what to raise for a request that eBay refuses."""
    return Interrupted(error(error_id, values))


def oauth_error(status: int, code: str, description: str) -> web.Response:
    """Return an error in the shape of the token endpoint (RFC 6749)."""
    return answer({"error": code, "error_description": description}, status=status)


def post_order_error(status: int, code: int, message: str) -> web.Response:
    """Return an error in the shape of the Post-Order API."""
    entry = {
        "errorId": code,
        "domain": "returnErrorDomain" if code == 1616 else "Post-Order",
        "severity": "ERROR",
        "category": "REQUEST" if status < 500 else "SYSTEM",
        "message": message,
        "longMessage": message,
    }
    return answer({"error": [entry]}, status=status)


def family(operation: str) -> str:
    """Return which of eBay's API families an operation belongs to."""
    if operation == "token":
        return "token"
    if operation in POST_ORDER:
        return "post_order"
    if operation in ("getOptedInPrograms", "getPrivileges"):
        return "account"
    if any(word in operation for word in ("Destination", "Subscription", "Topic", "PublicKey", "Config")):
        return "notification"
    return "refund" if operation == "issueRefund" else "rest"


def face() -> Face:
    """Return how eBay words what the core makes go wrong."""

    def failed(operation: Operation, status: int, code: str, message: str) -> web.Response:
        kind = family(operation.name)
        if kind == "token":
            usual = "server_error" if status >= 500 else "invalid_request"
            return oauth_error(status, code or usual, message or "An internal error occurred.")
        if kind == "post_order":
            return post_order_error(status, int(code) if code.isdigit() else 1, message or "System error")
        if code.isdigit():
            return error(int(code), status=ERRORS[int(code)][0] if int(code) in ERRORS else status, message=message)
        if status == 429:
            return error(2001)
        return error(_SYSTEM.get(kind, 30500), status=status, message=message)

    def throttled(operation: Operation, headers: bool) -> web.Response:
        if family(operation.name) == "token":
            return oauth_error(429, "too_many_requests", "The request limit has been reached.")
        return error(2001)

    def revoked(operation: Operation) -> web.Response:
        kind = family(operation.name)
        if kind == "token":
            return oauth_error(
                400,
                "invalid_grant",
                "the provided authorization refresh token is invalid or was issued to another client",
            )
        return post_order_error(401, 1001, "Invalid access token") if kind == "post_order" else error(1001)

    return Face("ebay", failed, throttled, revoked)
