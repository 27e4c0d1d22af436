"""What all parts of the pretend Amazon share: its errors, its headers, who is calling, and how often they may."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from connectors.sandbox.amazon.state import AmazonState
from connectors.sandbox.server import CORE, Core, Face, Interrupted, Operation, gate, throttle
from connectors.sandbox.world import iso_ms

if TYPE_CHECKING:
    from connectors.sandbox.amazon.sqs import Queue

Doc = dict[str, Any]

CODES, REFRESH, ACCESS = "amazon_codes", "amazon_refresh_tokens", "amazon_access_tokens"
NOTIFICATIONS_SCOPE = "sellingpartnerapi::notifications"
GRANTLESS_SCOPES = (NOTIFICATIONS_SCOPE, "sellingpartnerapi::client_credential:rotation")

RATES: dict[str, tuple[float, float]] = {
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
    "confirmShipment": (2, 10),
    "getMarketplaceParticipations": (0.016, 15),
    "getAccount": (0.016, 15),
}
"""Published rate a second and burst; notifications are 1 and 5 (descriptions in Amazon's own contracts)."""
_NOTIFICATIONS_RATE = (1.0, 5.0)

_ERRORS = {
    400: ("InvalidInput", "Invalid Input"),
    401: ("Unauthorized", "Access to requested resource is denied."),
    403: ("Unauthorized", "Access to requested resource is denied."),
    404: ("NotFound", "The requested resource was not found."),
    413: ("RequestTooLarge", "The request size exceeds the maximum accepted size."),
    415: ("UnsupportedMediaType", "The request's content type is not supported."),
    429: ("QuotaExceeded", "You exceeded your quota for the requested resource."),
    500: ("InternalFailure", "We encountered an internal error. Please try again."),
    503: ("ServiceUnavailable", "Service is temporarily unavailable. Please try again."),
}


class Amazon:
    """The pretend Amazon of one sandbox."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.world = core.world
        self.state = AmazonState(core.world)
        core.world.on_reset(self.state.load)
        core.world.warehouses.append(self.ships)
        self.queues: dict[str, Queue] = {}
        self.closing = False
        """Set when the process ends, so that long polls end too."""
        self.on_change: list[Callable[[Doc, str], None]] = []
        """Called with (order, reason) whenever an order's status changed and a notification is due."""
        self._give_tokens()

    @property
    def app(self) -> dict[str, str]:
        """Our application's credentials at the pretend Amazon."""
        found: dict[str, str] = self.core.credentials["amazon"]
        return found

    def ships(self, order_id: str) -> bool:
        """Say whether Amazon ships this order itself (FBA)."""
        order = self.state.orders.get(order_id)
        return order is not None and order["fulfilled_by"] == "marketplace"

    def _give_tokens(self) -> None:
        """Let the demo merchants' sellers have agreed already, so that a first start needs no clicks."""
        known = {doc["seller"] for doc in self.world.table(REFRESH).values()}
        for key, seller in self.state.sellers.items():
            if seller["merchant"] and key not in known and not self.world.table("settings").get(f"authorized {key}"):
                self.new_refresh_token(key)

    def new_refresh_token(self, seller: str) -> str:
        """Authorize our application for a seller; earlier refresh tokens of the seller end."""
        self.revoke(seller, access=False)
        token = f"Atzr|{uuid.uuid4().hex}{uuid.uuid4().hex}"
        self.world.put(REFRESH, token, {"seller": seller, "authorized_at": iso_ms(self.world.now())})
        # Remembered so that a seller who withdrew is not authorized again by a restart.
        self.world.put("settings", f"authorized {seller}", {"seller": seller})
        return token

    def revoke(self, seller: str, *, access: bool = True) -> None:
        """End a seller's refresh tokens, and with `access` what they gave."""
        for token, doc in list(self.world.table(REFRESH).items()):
            if doc["seller"] == seller:
                self.world.drop(REFRESH, token)
        if access:
            for token, doc in self.world.table(ACCESS).items():
                if doc["seller"] == seller:
                    self.world.put(ACCESS, token, {**doc, "revoked": True})

    def new_access_token(self, *, seller: str = "", scope: str = "") -> str:
        """Return an access token good for an hour."""
        now = self.world.now()
        stamp = iso_ms(now)
        for old, doc in list(self.world.table(ACCESS).items()):
            if doc["expires_at"] < iso_ms(now - timedelta(hours=1)):
                self.world.drop(ACCESS, old)
        token = f"Atza|{uuid.uuid4().hex}{uuid.uuid4().hex}"
        doc = {"seller": seller, "scope": scope, "issued_at": stamp, "expires_at": iso_ms(now + timedelta(hours=1))}
        self.world.put(ACCESS, token, doc)
        return token

    def refresh_tokens(self) -> dict[str, str]:
        """Return the refresh token in force of each seller who agreed."""
        return {doc["seller"]: token for token, doc in self.world.table(REFRESH).items()}


AMAZON: web.AppKey[Amazon] = web.AppKey("amazon", Amazon)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def answer(body: Any, *, status: int = 200, operation: str = "", request: web.Request | None = None) -> web.Response:
    """Return a JSON answer with Amazon's headers, the rate in force too where it is known; bytes are JSON already."""
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    if operation and request is not None:
        headers["x-amzn-RateLimit-Limit"] = rate_text(request.app[CORE], operation)
    if body is None:
        return web.Response(status=status, headers=headers)
    if isinstance(body, bytes):
        return web.Response(body=body, status=status, headers=headers, content_type="application/json", charset="utf-8")
    return web.json_response(body, status=status, headers=headers)


def rate_text(core: Core, operation: str) -> str:
    """Return the rate in force as the header writes it."""
    rate, _ = core.limits.in_force("amazon", *RATES.get(operation, _NOTIFICATIONS_RATE))
    return f"{min(rate, 1000.0):g}"


def error(status: int, code: str = "", message: str = "", details: str = "", **known: Any) -> web.Response:
    """Return an error in SP-API's shape; empty code and message take Amazon's usual ones."""
    usual_code, usual_message = _ERRORS.get(status, ("InternalFailure", "Request failed."))
    entry = {"code": code or usual_code, "message": message or usual_message}
    if details:
        entry["details"] = details
    made = answer({"errors": [entry]}, status=status, **known)
    made.headers["x-amzn-ErrorType"] = entry["code"]
    return made


def invalid(message: str, details: str = "") -> Interrupted:
    """Return what to raise for a request Amazon refuses as invalid."""
    return Interrupted(error(400, "InvalidInput", message, details))


def lwa_error(status: int, code: str, description: str) -> web.Response:
    """Return an error in Login with Amazon's shape, which differs from SP-API's."""
    body = {"error": code, "error_description": description}
    return web.json_response(body, status=status, headers={"x-amzn-RequestId": str(uuid.uuid4())})


def face(core: Core) -> Face:
    """Return how Amazon words what the core makes go wrong."""

    def failed(operation: Operation, status: int, code: str, message: str) -> web.Response:
        if operation.name == "token":
            code = code or ("server_error" if status >= 500 else "invalid_request")
            return lwa_error(status, code, message or "An internal error occurred")
        if operation.name.startswith("sqs."):
            return web.json_response({"__type": code or "InternalError", "message": message or "failed"}, status=status)
        return error(status, code, message)

    def throttled(operation: Operation, headers: bool) -> web.Response:
        made = failed(operation, 429, "", "")
        if not headers:
            made.headers.pop("x-amzn-ErrorType", None)
        return made

    def revoked(operation: Operation) -> web.Response:
        if operation.name == "token":
            return lwa_error(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
        return error(403, details="The access token you provided is revoked, malformed or invalid.")

    return Face("amazon", failed, throttled, revoked)


# ── who is calling ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a seller's token (`seller`) or our application's own (`scope`)."""

    seller: str
    scope: str


async def enter(request: web.Request, operation: str, *, grantless: bool = False) -> Caller:
    """Check the token, the region and the rate of a call, and let faults strike; raises what ends it.

    A grantless operation needs a token of our application's own with the notifications scope.
    """
    amazon = request.app[AMAZON]
    token = request.headers.get("x-amz-access-token", "")
    doc = amazon.world.table(ACCESS).get(token)
    seller = doc["seller"] if doc else ""
    place = Operation("amazon", seller or ("app" if doc else ""), operation)
    await gate(request, place)
    if not token:
        raise Interrupted(error(403, details="The access token is missing in the request header."))
    if doc is None or doc.get("revoked"):
        raise Interrupted(error(403, details="The access token you provided is revoked, malformed or invalid."))
    if doc["expires_at"] <= iso_ms(amazon.world.now()):
        raise Interrupted(error(403, details="The access token you provided has expired."))
    if grantless != bool(doc["scope"]) or (grantless and doc["scope"] != NOTIFICATIONS_SCOPE):
        raise Interrupted(error(403))
    region = request.match_info["region"]
    if seller and amazon.state.sellers[seller]["region"] != region:
        raise Interrupted(error(403))
    owner = seller or f"app:{region}"
    if not amazon.core.limits.take("amazon", f"{owner}:{operation}", *RATES.get(operation, _NOTIFICATIONS_RATE)).ok:
        raise throttle(request, place)
    return Caller(seller, doc["scope"])
