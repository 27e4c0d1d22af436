"""What all parts of the pretend eBay share: tokens, who is calling, what they may, and how often."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from connectors.sandbox.ebay.errors import post_order_error, refused
from connectors.sandbox.ebay.state import EbayState
from connectors.sandbox.server import Core, Interrupted, Operation, gate, throttle
from connectors.sandbox.world import iso_ms

Doc = dict[str, Any]

CODES, REFRESH, ACCESS = "ebay_codes", "ebay_refresh_tokens", "ebay_access_tokens"
ACCESS_SECONDS = 7200
REFRESH_SECONDS = 47304000
"""Eighteen months, counted from the seller's consent; a refresh does not lengthen it."""

SCOPE = "https://api.ebay.com/oauth/api_scope"
_SCOPE_NAMES = (
    "sell.fulfillment", "sell.fulfillment.readonly", "sell.inventory", "sell.inventory.readonly", "sell.account",
    "sell.account.readonly", "sell.finances", "sell.payment.dispute", "sell.marketing", "sell.marketing.readonly",
    "sell.analytics.readonly", "commerce.identity.readonly", "commerce.identity.email.readonly",
    "commerce.notification.subscription", "commerce.notification.subscription.readonly", "sell.reputation",
    "sell.reputation.readonly", "sell.stores", "sell.stores.readonly",
)  # fmt: skip
SCOPES = (SCOPE, *(f"{SCOPE}/{name}" for name in _SCOPE_NAMES))

DAILY: dict[str, int] = {
    "sell.fulfillment": 100_000,
    "sell.account": 25_000,
    "commerce.notification": 10_000,
    "commerce.identity": 5_000,
    "developer.analytics": 5_000,
    "post_order": 10_000,
    "token.client_credentials": 1_000,
    "token.authorization_code": 10_000,
    "token.refresh_token": 50_000,
}
"""Calls a day for the whole application, whichever seller: eBay's published figures for account, notification, analytics
and the token endpoint; a guess for the rest, whose figure is read from getRateLimits."""
_DAY = ZoneInfo("America/Los_Angeles")
"""Budgets begin anew at midnight Pacific time."""


class Ebay:
    """The pretend eBay of one sandbox."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.world = core.world
        core.world.keep(CODES, REFRESH, ACCESS, "ebay_keys", "ebay_notifications")
        self.state = EbayState(core.world)
        core.world.on_reset(self.load)
        self.used: dict[str, tuple[str, int]] = {}
        """Calls made today, by budget: the day, and how many."""
        self.on_order: list[Callable[[Doc, str], None]] = []
        """Called with (order, reason) when something happened to an order that a notification tells of."""
        self.on_revoked: list[Callable[[Doc], None]] = []
        """Called with the seller who withdrew."""
        self.on_deleted: list[Callable[[str, str], None]] = []
        """Called with user name and user id of a member who closed their account."""
        self._give_tokens()

    def load(self) -> None:
        """Sow the demo world again after a reset."""
        self.state.load()
        self.used.clear()

    @property
    def app(self) -> dict[str, str]:
        """Our application's credentials at the pretend eBay."""
        found: dict[str, str] = self.core.credentials["ebay"]
        return found

    @property
    def settings(self) -> Doc:
        """What the control API's action `settings` changed: refund_seconds, refund_outcome, daily_limits."""
        return self.world.table("ebay_settings").get("settings", {})

    def _give_tokens(self) -> None:
        """Let the demo merchants' sellers have agreed already, so that a first start needs no clicks."""
        known = {doc["seller"] for doc in self.world.table(REFRESH).values()}
        for key, seller in self.state.sellers.items():
            if seller["merchant"] and key not in known and not self.world.table("settings").get(f"ebay agreed {key}"):
                self.new_refresh_token(key)

    # ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def new_refresh_token(self, seller: str, scopes: tuple[str, ...] = SCOPES) -> str:
        """Let a seller agree to our application; earlier refresh tokens stay good until they end."""
        now = self.world.now()
        token = odd_text("v^1.1#i^1#f^0#r^1#I^3#p^3#t^Ul4x", 60)
        doc = {
            "seller": seller,
            "scopes": list(scopes),
            "agreed_at": iso_ms(now),
            "expires_at": iso_ms(now + timedelta(seconds=REFRESH_SECONDS)),
        }
        self.world.put(REFRESH, token, doc)
        # Remembered so that a seller who withdrew is not authorized again by a restart.
        self.world.put("settings", f"ebay agreed {seller}", {"seller": seller})
        return token

    def new_access_token(self, *, seller: str, scopes: tuple[str, ...] | list[str]) -> str:
        """Return an access token good for two hours; `seller` "" is our application itself."""
        now = self.world.now()
        stale = iso_ms(now - timedelta(hours=1))
        for old, doc in list(self.world.table(ACCESS).items()):
            if doc["expires_at"] < stale:
                self.world.drop(ACCESS, old)
        token = odd_text("v^1.1#i^1#p^3#r^0#I^3#f^0#t^H4sI", 90)
        ends = iso_ms(now + timedelta(seconds=ACCESS_SECONDS))
        self.world.put(ACCESS, token, {"seller": seller, "scopes": list(scopes), "expires_at": ends})
        return token

    def tell(self, order: Doc, reason: str) -> None:
        """Have notifications sent of what happened to an order, unless it was placed without."""
        if order["mode"] == "push":
            for told in self.on_order:
                told(order, reason)

    def revoke(self, seller: str) -> None:
        """End a seller's refresh tokens and what they gave."""
        for token, doc in list(self.world.table(REFRESH).items()):
            if doc["seller"] == seller:
                self.world.drop(REFRESH, token)
        for token, doc in list(self.world.table(ACCESS).items()):
            if doc["seller"] == seller:
                self.world.drop(ACCESS, token)

    def refresh_tokens(self) -> dict[str, str]:
        """Return the newest refresh token of each seller who agreed."""
        rows = sorted(self.world.table(REFRESH).items(), key=lambda row: str(row[1]["agreed_at"]))
        return {doc["seller"]: token for token, doc in rows}

    # ── budgets ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def budget(self, name: str) -> tuple[int, int, datetime]:
        """Return calls allowed a day, calls made today, and when the count begins anew. `off` allows a billion."""
        published = int(self.settings.get("daily_limits", {}).get(name, DAILY[name]))
        rate, _ = self.core.limits.in_force("ebay", published, published)
        allowed = min(int(rate) if rate != float("inf") else 10**9, 10**9)
        local = self.world.now().astimezone(_DAY)
        day, count = self.used.get(name, ("", 0))
        midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return allowed, count if day == f"{local:%Y-%m-%d}" else 0, midnight

    def spend(self, name: str) -> bool:
        """Count a call against a day's budget; False when it is used up."""
        allowed, count, midnight = self.budget(name)
        if count >= allowed:
            return False
        self.used[name] = (f"{midnight - timedelta(days=1):%Y-%m-%d}", count + 1)
        return True


EBAY: web.AppKey[Ebay] = web.AppKey("ebay", Ebay)


def odd_text(prefix: str, size: int) -> str:
    """Return a text of the kind eBay's tokens and codes are: with signs that must be encoded in an address."""
    return prefix + base64.b64encode(secrets.token_bytes(size)).decode() + "#E^260"


# ── who is calling ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a seller's token (`seller`) or our application's own (`seller` ""), and what it may."""

    seller: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an operation asks of its caller: one of these scopes, a kind of token, and the budget it is counted in."""

    budget: str
    scopes: tuple[str, ...] = ()
    caller: str = "user"
    """A seller's token (user), our application's own (app), or any."""


_FULFILL = f"{SCOPE}/sell.fulfillment"
_READ = Rule("sell.fulfillment", (_FULFILL, f"{_FULFILL}.readonly"))
_NOTIFY = f"{SCOPE}/commerce.notification.subscription"
_CANCEL = Rule("post_order")
_APP_NOTIFY = Rule("commerce.notification", (SCOPE,), "app")
_ANY_NOTIFY = Rule("commerce.notification", (SCOPE, _NOTIFY), "any")
RULES: dict[str, Rule] = {
    "getOrders": _READ,
    "getOrder": _READ,
    "getShippingFulfillments": _READ,
    "getShippingFulfillment": _READ,
    "createShippingFulfillment": Rule("sell.fulfillment", (_FULFILL,)),
    "issueRefund": Rule("sell.fulfillment", (f"{SCOPE}/sell.finances",)),
    "getUser": Rule("commerce.identity", (f"{SCOPE}/commerce.identity.readonly",)),
    "getOptedInPrograms": Rule("sell.account", (f"{SCOPE}/sell.account", f"{SCOPE}/sell.account.readonly")),
    "getPrivileges": Rule("sell.account", (f"{SCOPE}/sell.account", f"{SCOPE}/sell.account.readonly")),
    "getRateLimits": Rule("developer.analytics", (SCOPE,), "app"),
    "getUserRateLimits": Rule("developer.analytics", (f"{SCOPE}/sell.inventory", f"{SCOPE}/sell.inventory.readonly")),
    "createCancellation": _CANCEL,
    "approveCancellationRequest": _CANCEL,
    "rejectCancellationRequest": _CANCEL,
    "checkCancellationEligibility": _CANCEL,
    "getCancellation": _CANCEL,
    "searchCancellations": _CANCEL,
    "getConfig": _APP_NOTIFY,
    "updateConfig": _APP_NOTIFY,
    "getDestinations": _APP_NOTIFY,
    "createDestination": _APP_NOTIFY,
    "getDestination": _APP_NOTIFY,
    "updateDestination": _APP_NOTIFY,
    "deleteDestination": _APP_NOTIFY,
    "getPublicKey": _APP_NOTIFY,
    "getTopics": _APP_NOTIFY,
    "getTopic": _APP_NOTIFY,
    "getSubscriptions": _ANY_NOTIFY,
    "createSubscription": _ANY_NOTIFY,
    "getSubscription": _ANY_NOTIFY,
    "updateSubscription": _ANY_NOTIFY,
    "deleteSubscription": _ANY_NOTIFY,
    "enableSubscription": _ANY_NOTIFY,
    "disableSubscription": _ANY_NOTIFY,
    "testSubscription": _ANY_NOTIFY,
}
"""Scopes: the `security` of each operation in eBay's contracts. Post-Order takes any token of a seller."""


async def enter(request: web.Request, operation: str) -> Caller:
    """Check the token, its scopes and the day's budget of a call, and let faults strike; raises what ends it."""
    ebay = request.app[EBAY]
    rule = RULES[operation]
    post_order = rule.budget == "post_order"
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    doc = ebay.world.table(ACCESS).get(token.strip())
    seller = doc["seller"] if doc else ""
    place = Operation("ebay", seller or ("app" if doc else ""), operation)
    await gate(request, place)
    wanted = ("IAF",) if post_order else ("BEARER",)
    problem = 0
    if not token:
        problem = 1002
    elif scheme.upper() not in wanted:
        problem = 1003
    elif doc is None or doc["expires_at"] <= iso_ms(ebay.world.now()):
        problem = 1001
    elif not _may(rule, doc):
        problem = 1100
    if problem and post_order:
        raise Interrupted(post_order_error(403 if problem == 1100 else 401, problem, "Authentication failed."))
    if problem or doc is None:
        raise refused(problem)
    if not ebay.spend(rule.budget):
        raise throttle(request, place)
    return Caller(seller, frozenset(doc["scopes"]))


def _may(rule: Rule, token: Doc) -> bool:
    """Say whether a token is of the kind an operation asks for and has one of its scopes."""
    if rule.caller != "any" and (rule.caller == "user") != bool(token["seller"]):
        return False
    return not rule.scopes or bool(set(rule.scopes) & set(token["scopes"]))
