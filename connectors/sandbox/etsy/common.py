"""What all parts of the pretend Etsy share: its errors, its headers, who is calling, and how often our app may."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from connectors.sandbox.etsy.budget import Budget
from connectors.sandbox.etsy.state import EtsyState
from connectors.sandbox.server import OPERATION, THROTTLED, Core, Face, Interrupted, Operation, gate

Doc = dict[str, Any]

CODES, REFRESH, ACCESS = "etsy_codes", "etsy_refresh_tokens", "etsy_access_tokens"
ACCESS_LIFE = 3600
REFRESH_LIFE = 90 * 86400
SCOPES = (
    "address_r", "address_w", "email_r", "listings_d", "listings_r", "listings_w", "profile_r", "profile_w", "shops_r",
    "shops_w", "transactions_r", "transactions_w",
)  # fmt: skip
"""Every scope Etsy's contract names for the operations we know."""
DEMO_SCOPES = ("listings_r", "listings_w", "shops_r", "transactions_r", "transactions_w")

_ERRORS = {
    400: "There was a problem with the request data.",
    401: "The request lacks valid authentication credentials.",
    403: "The request attempted to perform an operation it is not allowed to.",
    404: "Resource not found",
    409: "There was a request conflict with the current state of the target resource.",
    429: "Exceeded per second rate limit",
    500: "The server encountered an internal error.",
    503: "Service Temporarily Unavailable",
}


class Etsy:
    """The pretend Etsy of one sandbox."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.world = core.world
        self.world.keep("etsy_shops", CODES, REFRESH, ACCESS)
        self.state = EtsyState(core.world)
        self.budget = Budget(core)
        core.world.on_reset(self.state.load)
        core.world.on_reset(self.budget.clear)
        self.on_change: list[Callable[[Doc, str], None]] = []
        """Called with (receipt, event type) whenever something happened that Etsy's webhooks tell of."""
        self._give_tokens()

    @property
    def app(self) -> dict[str, str]:
        """Our application's credentials at the pretend Etsy."""
        found: dict[str, str] = self.core.credentials["etsy"]
        return found

    def now(self) -> int:
        """Return the sandbox's time in seconds."""
        return int(self.world.now().timestamp())

    # ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _give_tokens(self) -> None:
        """Let the demo merchants' shops have agreed already, so that a first start needs no clicks."""
        known = {doc["shop"] for doc in self.world.table(REFRESH).values()}
        for key, shop in self.state.shops.items():
            if shop["merchant"] and key not in known and not self.world.table("settings").get(f"etsy authorized {key}"):
                self.authorize(key, DEMO_SCOPES)

    def authorize(self, shop: str, scopes: tuple[str, ...]) -> str:
        """Let our application in for a shop: a new pair of tokens, of which the refresh token is returned."""
        grant = secrets.token_hex(8)
        # Remembered so that a seller who withdrew is not authorized again by a restart.
        self.world.put("settings", f"etsy authorized {shop}", {"shop": shop})
        return self.new_refresh_token(shop, scopes, grant, spare=True)

    def new_refresh_token(
        self, shop: str, scopes: tuple[str, ...] | list[str], grant: str, *, spare: bool = False
    ) -> str:
        """Return a refresh token good for 90 days; `grant` ties together what came of one consent.

        A `spare` one was asked for by no client yet: `refresh_tokens` may hand it out.
        """
        token = f"{self.state.shops[shop]['user_id']}.{secrets.token_urlsafe(48)}"
        doc = {
            "shop": shop,
            "scopes": list(scopes),
            "grant": grant,
            "expires": self.now() + REFRESH_LIFE,
            "n": self.world.next_id("etsy_refresh_token"),
            "spare": spare,
        }
        self.world.put(REFRESH, token, doc)
        return token

    def new_access_token(self, shop: str, scopes: list[str], grant: str) -> str:
        """Return an access token good for an hour, which begins with the user's id."""
        now = self.now()
        for old, doc in list(self.world.table(ACCESS).items()):
            if doc["expires"] < now - 3600:
                self.world.drop(ACCESS, old)
        token = f"{self.state.shops[shop]['user_id']}.{secrets.token_urlsafe(48)}"
        doc = {"shop": shop, "scopes": scopes, "grant": grant, "expires": now + ACCESS_LIFE}
        self.world.put(ACCESS, token, doc)
        return token

    def revoke(self, shop: str) -> None:
        """The seller withdraws access: every token of the shop ends."""
        for table in (REFRESH, ACCESS, CODES):
            for token, doc in list(self.world.table(table).items()):
                if doc["shop"] == shop:
                    self.world.drop(table, token)

    def refresh_tokens(self) -> dict[str, str]:
        """Return for each shop that agreed a refresh token that nobody has used.

        Refreshing ends the token used, so a client given the token another one lives on would lock that one out. Once
        the spare one is used up, whoever asks next gets a consent of their own, with the scopes of the newest.
        """
        # By age: the journal gives the table back in another order than it was written in.
        rows = sorted(self.world.table(REFRESH).items(), key=lambda row: int(row[1]["n"]))
        newest = {doc["shop"]: doc for _, doc in rows}
        spare = {doc["shop"]: token for token, doc in rows if doc["spare"] and doc["expires"] > self.now()}
        return {shop: spare.get(shop) or self.authorize(shop, tuple(doc["scopes"])) for shop, doc in newest.items()}

    def connected(self, shop: str) -> bool:
        """Say whether our application may see this shop."""
        return any(doc["shop"] == shop for doc in self.world.table(REFRESH).values())


ETSY: web.AppKey[Etsy] = web.AppKey("etsy", Etsy)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def error(status: int, message: str = "", description: str = "") -> web.Response:
    """Return an error in Etsy's shape; an empty message takes the usual one of the status."""
    body = {"error": message or _ERRORS.get(status, "Request failed.")}
    if description:
        body["error_description"] = description
    return web.json_response(body, status=status)


def refused(status: int, message: str, description: str = "") -> Interrupted:
    """Return what to raise for a request Etsy refuses."""
    return Interrupted(error(status, message, description))


class Bare(web.Response):
    """An answer without the headers about limits."""


def face() -> Face:
    """Return how Etsy words what the core makes go wrong."""

    def failed(operation: Operation, status: int, code: str, message: str) -> web.Response:
        if operation.name == "token":
            return error(status, code or ("server_error" if status >= 500 else "invalid_request"), message)
        return error(status, code or message, message if code else "")

    def throttled(operation: Operation, headers: bool) -> web.Response:
        made = error(429)
        if not headers:
            return Bare(body=made.body, status=429, content_type="application/json")
        made.headers.update({"x-remaining-this-second": "0", "retry-after": "1"})
        return made

    def revoked(operation: Operation) -> web.Response:
        if operation.name == "token":
            return error(400, "invalid_grant", "refresh_token is revoked")
        return error(401, "invalid_token", "access token is revoked")

    return Face("etsy", failed, throttled, revoked)


# ── who is calling ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `shop` is the key of the token's shop, "" when only our application's key was shown."""

    shop: str
    scopes: tuple[str, ...] = ()


async def enter(request: web.Request, operation: str, *scopes: str) -> Caller:
    """Check the app's key, the token, its scopes and the app's limits, and let faults strike; raises what ends it.

    Without `scopes` the operation is open to every app with a key; a token sent along must still be good.
    """
    etsy = request.app[ETSY]
    token = _bearer(request)
    doc = etsy.world.table(ACCESS).get(token) if token else None
    shop = str(doc["shop"]) if doc else ""
    place = Operation("etsy", shop, operation)
    await gate(request, place)
    _check_key(etsy, request.headers.get("x-api-key", ""))
    _spend(etsy, request)
    if not token:
        if scopes:
            raise refused(401, "invalid_token", "access token is missing")
        return Caller("")
    if doc is None:
        raise refused(401, "invalid_token", "access token is revoked")
    if doc["expires"] <= etsy.now():
        raise refused(401, "invalid_token", "access token is expired")
    if not set(scopes) <= set(doc["scopes"]):
        raise refused(403, "insufficient_scope", "Insufficient scope")
    return Caller(shop, tuple(doc["scopes"]))


def _bearer(request: web.Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _check_key(etsy: Etsy, given: str) -> None:
    """Refuse a key that is not ours with its secret (compulsory since 2026-02-09), in constant time."""
    keystring, secret = etsy.app["keystring"], etsy.app["shared_secret"]
    if not given:
        raise refused(403, "Missing x-api-key header or client_id")
    if hmac.compare_digest(given.encode(), keystring.encode()):
        raise refused(403, "Shared secret is required in x-api-key header.")
    if ":" not in given:
        raise refused(403, "Invalid API key: should be in the format 'keystring:shared_secret'.")
    if not hmac.compare_digest(given.encode(), f"{keystring}:{secret}".encode()):
        raise refused(403, "API key not found or not active, or incorrect shared secret for API key.")


def _spend(etsy: Etsy, request: web.Request) -> None:
    """Count the call against the app's second and day; over either, nothing but the refusal is done."""
    wait, words = etsy.budget.spend()
    if not words:
        return
    request[THROTTLED] = True
    made = error(429, words)
    made.headers.update({**etsy.budget.headers(), "retry-after": str(wait)})
    raise Interrupted(made)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Show the app's limits in every answer of the API, as Etsy does (a signal handler)."""
    operation: Operation | None = request.get(OPERATION)
    if operation is None or operation.platform != "etsy" or operation.name == "token" or isinstance(response, Bare):
        return
    for name, value in request.app[ETSY].budget.headers().items():
        response.headers.setdefault(name, value)


def own_shop(etsy: Etsy, caller: Caller, given: str) -> Doc:
    """Return the shop of the address, which must be the caller's own."""
    shop = etsy.state.shops.get(whole(given, "shop_id"))
    if shop is None:
        raise refused(404, "Shop not found")
    if shop["key"] != caller.shop:
        raise refused(403, "You do not have permission to access this shop.")
    return shop


def whole(text: str, name: str, low: int = 1, high: int = 2**63 - 1) -> str:
    """Return a whole number of the address or query as it was written; raises the refusal."""
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise refused(400, f"Invalid value for parameter '{name}': {text[:40]!r}")
    return text
