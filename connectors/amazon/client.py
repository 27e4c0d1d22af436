"""One method an endpoint: raw JSON in and out, through python-amazon-sp-api and `connectors.http`.

The SDK builds paths, parameters and bodies. It does not send: its own transport judges an answer by its body and not
by its status (a 503 in HTML passes as an empty success), has no total deadline, caches ten tokens for the whole process
and opens two clients an account. So it is given a transport of ours, which hands every request to `Caller`, and its
other surprises are undone here: parameters it adds by itself, its Host header, its token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from connectors.amazon import errors, limits
from connectors.amazon.config import AmazonConfig
from connectors.contract.errors import (
    AuthorizationExpired,
    OutcomeUnknown,
    Rejected,
    TransientError,
    UnexpectedReply,
)
from connectors.contract.tokens import TokenSource
from connectors.http import Caller, Reply
from connectors.ratelimit import Limiter, Take

PLATFORM = "amazon"

INCLUDED_DATA = ("BUYER", "RECIPIENT", "PROCEEDS", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES", "TAX")
"""All that an order is made from. Status and fulfilledBy come only with FULFILLMENT. Payment executions (card brand,
authorization code), points and substitutions are left out: we have no use for them, and what is not asked for cannot
leak."""

PAGE_SIZE = 100
ORDER_CHANGE = "ORDER_CHANGE"


@dataclass(frozen=True, slots=True)
class _Wire:
    """Stands where the SDK keeps its transport: one call of one operation."""

    caller: Caller
    operation: str
    write: bool
    limits: Sequence[Take]
    ours: bool = False
    """The call is made in our application's name: no seller can mend a refused token."""

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        content: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        path = f"{url}?{urlencode(params)}" if params else url
        try:
            return self.caller.call(
                self.operation,
                method,
                path,
                data=content.encode() if content else None,
                headers={"Content-Type": "application/json"} if content else None,
                write=self.write,
                limits=self.limits,
            )
        except AuthorizationExpired as error:
            if not self.ours:
                raise
            raise UnexpectedReply(
                "Amazon refuses our application's own token",
                platform=PLATFORM,
                operation=self.operation,
                status=error.status,
            ) from error


@cache
def _sdk() -> dict[str, Callable[[_Wire], Any]]:
    """Import the SDK at first use (0.3 s, 18 MB) and return its clients, each bound to our transport."""
    from sp_api.api.notifications.notifications import Notifications
    from sp_api.api.orders.orders_2026_01_01 import OrdersV20260101
    from sp_api.api.sellers.sellers import Sellers

    class OnOurWire:
        """Mixed in before an SDK client: everything between building a request and reading its answer."""

        version = None
        marketplace_id = ""
        region = ""
        # Paths stay relative: the caller owns the address, so no Host header of the SDK's making is sent.
        endpoint = ""

        def __init__(self, wire: _Wire) -> None:
            # The SDK's own __init__ reads the environment and files and opens sockets. None of that is wanted.
            self._transport = wire

        @property
        def headers(self) -> dict[str, str]:
            return {}

        def _request(self, path: str, **options: Any) -> Any:
            # Left alone, it adds four spellings of marketplaceIds to every query and to the bodies of notifications.
            options["add_marketplace"] = False
            return super()._request(path, **options)  # type: ignore[misc]

        def _request_grantless_operation(self, path: str, *, data: Any = None, params: Any = None) -> Any:
            return self._request(path, data=data, params=params)

        def _check_response(self, reply: Reply, *_options: Any) -> Any:
            return read(reply)

    def bound(api: type) -> Callable[[_Wire], Any]:
        # The bases are the SDK's own classes, known at run time only.
        return type(api.__name__, (OnOurWire, api), {})

    return {"orders": bound(OrdersV20260101), "sellers": bound(Sellers), "notifications": bound(Notifications)}


def read(reply: Reply) -> dict[str, Any]:
    """Return the body of a success as a JSON object; raise what an answer of 4xx means.

    A success that is no object raises `TransientError` (`OutcomeUnknown` for a write): it is a gateway speaking.
    """
    if reply.status >= 400:
        raise errors.rejection(reply)
    if not reply.body:
        return {}
    body = reply.json()
    if not isinstance(body, dict):
        raise _odd(reply.operation, "answered with something that is no object", write=reply.write)
    if body.get("errors") and not any(key in body for key in ("payload", "orders", "order")):
        raise _odd(reply.operation, "answered 200 with errors in it", write=reply.write)
    return body


def _odd(operation: str, words: str, *, write: bool = False) -> OutcomeUnknown | TransientError:
    kind = OutcomeUnknown if write else TransientError
    return kind(f"Amazon {words}", platform=PLATFORM, operation=operation)


class Client:
    """The endpoints we use, for one seller in one region. Thread-safe; keep it.

    `app_tokens` gives the tokens of calls made in our application's own name (notification destinations).
    """

    def __init__(
        self,
        *,
        seller_key: str,
        region: str,
        tokens: TokenSource,
        app_tokens: TokenSource,
        limiter: Limiter,
        config: AmazonConfig,
    ) -> None:
        self._seller = seller_key
        self._limiter = limiter

        def caller(source: TokenSource, account: str) -> Caller:
            return Caller(
                platform=PLATFORM,
                base_url=config.endpoint(region),
                tokens=source,
                limiter=limiter,
                account=account,
                deadlines=config.deadlines,
                token_header="x-amz-access-token",  # noqa: S106 - the name of a header
                token_refused=errors.token_refused,
                rate_header=limits.RATE_HEADER,
                user_agent=config.user_agent,
            )

        self._caller = caller(tokens, seller_key)
        self._app_caller = caller(app_tokens, "app")
        self._app_owner = f"app:{region}"

    def rate_in_force(self, operation: str) -> float:
        """Return calls a second: what Amazon's header said to us, else to any worker, else the published rate."""
        known = self._caller.learned_rates.get(operation)
        if known is None:
            known = self._limiter.learned_rate(limits.bucket(operation, self._seller))
        return known or limits.RATES[operation].rate

    @property
    def clock_offset(self) -> timedelta:
        """How far Amazon's clock is ahead of ours, as its last answer said."""
        return self._caller.clock_offset

    # ── orders 2026-01-01 ────────────────────────────────────────────────────────────────────────────────────────────

    def search_orders(
        self, *, times: Mapping[str, str], marketplace_ids: Sequence[str], page_token: str
    ) -> dict[str, Any]:
        """Return one page of searchOrders; `times` holds createdAfter or lastUpdatedAfter, ISO 8601 ending in Z.

        A page token is good for 24 h and only with the same other parameters; a refused one raises `Rejected` with the
        code `errors.PAGE_TOKEN`.
        """
        operation = "searchOrders"
        parameters: dict[str, Any] = {
            **times,
            "maxResultsPerPage": PAGE_SIZE,
            "includedData": list(INCLUDED_DATA),
        }
        if marketplace_ids:
            parameters["marketplaceIds"] = list(marketplace_ids)
        if page_token:
            parameters["paginationToken"] = page_token
        try:
            page: dict[str, Any] = self._api("orders", operation).search_orders(**parameters)
        except Rejected as error:
            if page_token and error.status == 400:
                error.code = errors.PAGE_TOKEN
            raise
        self._share_rate(operation)
        if not isinstance(page.get("orders"), list):
            raise _odd(operation, "answered without a list of orders")
        return page

    def get_order(self, order_id: str, *, urgent: bool) -> dict[str, Any]:
        """Return one order. Only an urgent call may take the last tokens."""
        operation = "getOrder"
        reserve = 0 if urgent else limits.URGENT_RESERVE
        takes = limits.takes(operation, self._seller, reserve=reserve)
        answer = self._api("orders", operation, takes).get_order(order_id, includedData=list(INCLUDED_DATA))
        order = answer.get("order")
        if not isinstance(order, dict):
            raise _odd(operation, "answered without an order")
        return order

    # ── sellers v1 ───────────────────────────────────────────────────────────────────────────────────────────────────

    def marketplace_participations(self) -> list[dict[str, Any]]:
        """Return the sites this seller takes part in."""
        operation = "getMarketplaceParticipations"
        listed = self._api("sellers", operation).get_marketplace_participation().get("payload")
        if not isinstance(listed, list):
            raise _odd(operation, "answered without a list of sites")
        return [line for line in listed if isinstance(line, dict)]

    def account(self) -> dict[str, Any]:
        """Return the seller account: `sellingPlan` and where it takes part. Raises `AccessDenied` without that role."""
        operation = "getAccount"
        found = self._api("sellers", operation).get_account().get("payload")
        if not isinstance(found, dict):
            raise _odd(operation, "answered without an account")
        return found

    # ── notifications v1 ─────────────────────────────────────────────────────────────────────────────────────────────

    def destinations(self) -> list[dict[str, Any]]:
        """Return our application's destinations in this region."""
        listed = self._app_api("getDestinations").get_destinations().get("payload")
        return [line for line in listed if isinstance(line, dict)] if isinstance(listed, list) else []

    def create_destination(self, *, name: str, arn: str) -> str:
        """Make an SQS destination and return its id."""
        operation = "createDestination"
        made = self._app_api(operation, write=True).create_destination(name, arn=arn).get("payload") or {}
        return self._id(made, "destinationId", operation)

    def subscription(self) -> dict[str, Any]:
        """Return this seller's subscription to order changes. Raises `NotFound` when there is none."""
        operation = "getSubscription"
        takes = limits.takes(operation, self._seller)
        api = self._api("notifications", operation, takes)
        found: dict[str, Any] = api.get_subscription(ORDER_CHANGE, payloadVersion="1.0").get("payload") or {}
        return found

    def create_subscription(self, destination_id: str) -> str:
        """Subscribe this seller to order changes; return the subscription's id.

        Amazon refuses ORDER_CHANGE without a processing directive.
        """
        operation = "createSubscription"
        takes = limits.takes(operation, self._seller)
        directive = {
            "eventFilter": {
                "eventFilterType": ORDER_CHANGE,
                "orderChangeTypes": ["OrderStatusChange", "BuyerRequestedChange"],
            }
        }
        api = self._api("notifications", operation, takes, write=True)
        made = api.create_subscription(ORDER_CHANGE, destination_id, processingDirective=directive).get("payload") or {}
        return self._id(made, "subscriptionId", operation)

    def delete_subscription(self, subscription_id: str) -> None:
        """End a subscription; made in our application's name, so it works after the seller withdrew."""
        api = self._app_api("deleteSubscriptionById", write=True)
        api.delete_notification_subscription(ORDER_CHANGE, subscription_id)

    # ── how calls are made ───────────────────────────────────────────────────────────────────────────────────────────

    def _api(self, api: str, operation: str, takes: Sequence[Take] = (), *, write: bool = False) -> Any:
        return _sdk()[api](_Wire(self._caller, operation, write, takes))

    def _app_api(self, operation: str, *, write: bool = False) -> Any:
        takes = limits.takes(operation, self._app_owner)
        return _sdk()["notifications"](_Wire(self._app_caller, operation, write, takes, ours=True))

    def _share_rate(self, operation: str) -> None:
        """Let other workers know the rate of an operation that takes from no bucket."""
        rate = self._caller.learned_rates.get(operation)
        if rate is not None:
            self._limiter.learn(limits.bucket(operation, self._seller), rate=rate)

    @staticmethod
    def _id(made: Mapping[str, Any], key: str, operation: str) -> str:
        value = made.get(key)
        if not isinstance(value, str) or not value:
            raise _odd(operation, f"answered without a {key}", write=True)
        return value
