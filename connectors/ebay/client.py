"""One method an endpoint: raw JSON in and out, through `connectors.http`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from connectors.contract.errors import (
    AuthorizationExpired,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    TransientError,
    UnexpectedReply,
)
from connectors.contract.tokens import BudgetStore, TokenSource
from connectors.ebay import errors, limits
from connectors.ebay.auth import AppTokens
from connectors.ebay.config import PLATFORM, EbayConfig
from connectors.http import Caller, Reply, retry_after
from connectors.ratelimit import Limiter

logger = logging.getLogger(__name__)

TAX_BREAKDOWN = "TAX_BREAKDOWN"
"""Makes totals hold the tax eBay collects: what the buyer paid. Asked for in every read, so that all totals agree."""

PAGES = 50
"""Pages of a list of ours at eBay (destinations, subscriptions) read at most."""


class _Answer(NamedTuple):
    body: dict[str, Any]
    headers: Mapping[str, str]


def _object(reply: Reply) -> dict[str, Any]:
    """Return the body of a success as a JSON object; raise what an answer of 4xx means."""
    if reply.status >= 400:
        raise errors.rejection(reply)
    if not reply.body:
        return {}
    body = reply.json()
    if not isinstance(body, dict):
        raise odd(reply.operation, "answered with something that is no object", write=reply.write)
    return body


def odd(operation: str, words: str, *, write: bool = False) -> OutcomeUnknown | TransientError:
    """Return the error for a success that makes no sense: a gateway speaking."""
    kind = OutcomeUnknown if write else TransientError
    return kind(f"eBay {words}", platform=PLATFORM, operation=operation)


class Client:
    """The endpoints we use, for one seller (`seller_key` "" and no `tokens`: for our application alone).

    Thread-safe; keep it.
    """

    def __init__(
        self,
        *,
        seller_key: str,
        tokens: TokenSource | None,
        limiter: Limiter,
        config: EbayConfig,
        budgets: BudgetStore | None = None,
    ) -> None:
        self._learning = limits.LearningClock.shared(f"{config.client_id}@{config.api}")
        self.budget = limits.Budget(budgets, limiter, who=seller_key)
        self._refusals = 0

        def caller(source: TokenSource | None, account: str, base_url: str) -> Caller:
            return Caller(
                platform=PLATFORM,
                base_url=base_url,
                tokens=source,
                limiter=self.budget,
                account=account,
                deadlines=config.deadlines,
                token_prefix="Bearer ",  # noqa: S106 - the scheme's name
                pause_of=self._pause,
                user_agent=config.user_agent,
            )

        app = AppTokens.shared(config)
        self._seller = caller(tokens, seller_key, config.api)
        self._identity = caller(tokens, seller_key, config.apiz)
        self._app = caller(app, "app", config.api)

    @property
    def clock_offset(self) -> timedelta:
        """How far eBay's clock is ahead of ours, as its last answer to this seller said."""
        return self._seller.clock_offset

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def orders(self, *, filter: str, limit: int, offset: int) -> dict[str, Any]:
        """Return one page of getOrders, tax broken down."""
        operation = "getOrders"
        page = self._call(
            limits.FULFILLMENT,
            operation,
            "/sell/fulfillment/v1/order",
            params={"filter": filter, "limit": limit, "offset": offset, "fieldGroups": TAX_BREAKDOWN},
        )
        if not isinstance(page.get("orders"), list):
            raise odd(operation, "answered without a list of orders")
        return page

    def order(self, order_id: str, *, urgent: bool = False) -> dict[str, Any]:
        """Return one order, whole: with its cancellation requests and the buyer's tax id. Raises `NotFound`."""
        operation = "getOrder"
        order = self._call(
            limits.FULFILLMENT,
            operation,
            f"/sell/fulfillment/v1/order/{quote(order_id, safe='')}",
            params={"fieldGroups": TAX_BREAKDOWN},
            urgent=urgent,
        )
        if not order.get("orderId"):
            raise odd(operation, "answered without an order")
        return order

    def shipping_fulfillments(self, order_id: str, *, urgent: bool = False) -> list[dict[str, Any]]:
        """Return an order's parcels: carrier, number, time and which units are in it."""
        path = f"/sell/fulfillment/v1/order/{quote(order_id, safe='')}/shipping_fulfillment"
        answer = self._call(limits.FULFILLMENT, "getShippingFulfillments", path, urgent=urgent)
        listed = answer.get("fulfillments")
        return [line for line in listed if isinstance(line, dict)] if isinstance(listed, list) else []

    # ── the seller ───────────────────────────────────────────────────────────────────────────────────────────────────

    def user(self) -> dict[str, Any]:
        """Return who the seller is: userId, username, status, registrationMarketplaceId."""
        return self._call(limits.IDENTITY, "getUser", "/commerce/identity/v1/user/", caller=self._identity)

    def opted_in_programs(self) -> set[str]:
        """Return the seller programs switched on (SELLING_POLICY_MANAGEMENT, OUT_OF_STOCK_CONTROL)."""
        answer = self._call(limits.ACCOUNT, "getOptedInPrograms", "/sell/account/v1/program/get_opted_in_programs")
        listed = answer.get("programs")
        return {str(line.get("programType")) for line in listed or () if isinstance(line, dict)}

    def privileges(self) -> dict[str, Any]:
        """Return whether the registration is complete, and the monthly selling limit."""
        return self._call(limits.ACCOUNT, "getPrivileges", "/sell/account/v1/privilege")

    # ── notifications ────────────────────────────────────────────────────────────────────────────────────────────────

    def notification_config(self) -> dict[str, Any]:
        """Return our application's notification configuration. Raises `NotFound` when there is none."""
        return self._notify("getConfig", "/config", app=True)

    def update_notification_config(self, alert_email: str) -> None:
        """Set where eBay writes when our address does not answer."""
        self._notify("updateConfig", "/config", app=True, method="PUT", json={"alertEmail": alert_email})

    def topic(self, topic_id: str) -> dict[str, Any]:
        """Return a topic: its scope (USER or APPLICATION) and payload versions. Raises `NotFound`."""
        return self._notify("getTopic", f"/topic/{topic_id}", app=True)

    def destinations(self) -> list[dict[str, Any]]:
        """Return our application's destinations."""
        return self._every("getDestinations", "/destination", "destinations", app=True)

    def create_destination(self, destination: Mapping[str, Any]) -> str:
        """Make a destination (eBay asks it the challenge meanwhile); return its id."""
        return self._made("createDestination", "/destination", destination, app=True)

    def update_destination(self, destination_id: str, destination: Mapping[str, Any]) -> None:
        """Replace a destination."""
        path = f"/destination/{quote(destination_id, safe='')}"
        self._notify("updateDestination", path, app=True, method="PUT", json=destination)

    def subscriptions(self, *, app: bool) -> list[dict[str, Any]]:
        """Return the seller's subscriptions, or our application's own."""
        return self._every("getSubscriptions", "/subscription", "subscriptions", app=app)

    def create_subscription(self, subscription: Mapping[str, Any], *, app: bool) -> str:
        """Make a subscription; return its id. Raises `AccessDenied` when this app may not have the topic."""
        return self._made("createSubscription", "/subscription", subscription, app=app)

    def update_subscription(self, subscription_id: str, subscription: Mapping[str, Any], *, app: bool) -> None:
        """Replace a subscription's destination, payload and status."""
        path = f"/subscription/{quote(subscription_id, safe='')}"
        self._notify("updateSubscription", path, app=app, method="PUT", json=subscription)

    def delete_subscription(self, subscription_id: str) -> None:
        """End a subscription of the seller. Raises `NotFound` when it is gone."""
        path = f"/subscription/{quote(subscription_id, safe='')}"
        self._notify("deleteSubscription", path, app=False, method="DELETE")

    def public_key(self, key_id: str) -> dict[str, Any]:
        """Return the key a push was signed with. Raises `NotFound`."""
        return self._notify("getPublicKey", f"/public_key/{quote(key_id, safe='')}", app=True)

    # ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def rate_limits(self) -> dict[str, Any]:
        """Return our application's limits in force; empty when eBay tells none (204)."""
        return self._send(
            self._app, limits.ANALYTICS, "getRateLimits", "GET", "/developer/analytics/v1_beta/rate_limit/"
        ).body

    # ── how calls are made ───────────────────────────────────────────────────────────────────────────────────────────

    def _call(
        self,
        api: limits.Api,
        operation: str,
        path: str,
        *,
        caller: Caller | None = None,
        params: Mapping[str, Any] | None = None,
        urgent: bool = False,
    ) -> dict[str, Any]:
        """Read in the seller's name."""
        self._learn_limits()
        return self._send(caller or self._seller, api, operation, "GET", path, params=params, urgent=urgent).body

    def _notify(self, operation: str, path: str, *, app: bool, method: str = "GET", json: Any = None) -> dict[str, Any]:
        return self._notified(operation, path, app=app, method=method, json=json).body

    def _notified(self, operation: str, path: str, *, app: bool, method: str, json: Any) -> _Answer:
        caller = self._app if app else self._seller
        return self._send(caller, limits.NOTIFICATION, operation, method, f"/commerce/notification/v1{path}", json=json)

    def _every(self, operation: str, path: str, key: str, *, app: bool) -> list[dict[str, Any]]:
        """Return all entries of a list with continuation tokens."""
        found: list[dict[str, Any]] = []
        query = "limit=100"
        for _ in range(PAGES):
            page = self._notify(operation, f"{path}?{query}", app=app)
            found += [line for line in page.get(key) or () if isinstance(line, dict)]
            # Of the address eBay gives only the token is used: our own settings say where eBay is.
            token = dict(parse_qsl(urlsplit(str(page.get("next") or "")).query)).get("continuation_token", "")
            if not token:
                return found
            query = f"limit=100&continuation_token={quote(token, safe='')}"
        raise odd(operation, "gave more pages than can be")

    def _made(self, operation: str, path: str, body: Mapping[str, Any], *, app: bool) -> str:
        """Make something and return its id, the last part of the Location header."""
        answer = self._notified(operation, path, app=app, method="POST", json=body)
        made = urlsplit(answer.headers.get("Location", "")).path.rstrip("/").rpartition("/")[2]
        if not made:
            raise odd(operation, "answered without a Location", write=True)
        return made

    def _send(
        self,
        caller: Caller,
        api: limits.Api,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        urgent: bool = False,
    ) -> _Answer:
        try:
            reply = caller.call(
                operation,
                method,
                path,
                params=params,
                json=json,
                write=method != "GET",
                limits=limits.takes(api, urgent=urgent),
            )
        except RateLimited as error:
            if not error.ours:
                self._learning.hurry()
            raise
        except AuthorizationExpired as error:
            if caller is not self._app:
                raise
            raise UnexpectedReply(
                "eBay refuses our application's own token", platform=PLATFORM, operation=operation, status=error.status
            ) from error
        self._refusals = 0
        return _Answer(_object(reply), reply.headers)

    def _pause(self, headers: Mapping[str, str]) -> float:
        """Return the pause after a 429: what eBay names, else longer each time."""
        told = retry_after(headers)
        if told is not None:
            return told
        seconds: float = min(limits.THROTTLED_SECONDS * 2**self._refusals, limits.THROTTLED_MOST_SECONDS)
        self._refusals = min(self._refusals + 1, 10)
        return seconds

    def _learn_limits(self) -> None:
        """Ask eBay for the limits in force when it is time. Orders go on with those known when it does not answer."""
        if not self.budget.counts or not self._learning.claim():
            return
        try:
            self.budget.believe(limits.read(self.rate_limits()))
        except ConnectorError as error:
            logger.warning("eBay's limits could not be read", extra={"cause": type(error).__name__})
            self._learning.hurry()
