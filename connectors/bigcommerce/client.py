"""One method an endpoint; raw JSON in and out. Anything but a clear answer raises a contract error.

V2 and V3 differ: V2 answers bare objects and arrays, 204 with an empty body for an empty list, and errors as an array;
V3 wraps everything in `data` and `meta`. `kind` (orders, stock, catalog) says how much of the quota a call must leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import requests

from connectors.bigcommerce import limits
from connectors.bigcommerce.config import PLATFORM, BigCommerceConfig
from connectors.bigcommerce.errors import error_of
from connectors.contract.errors import ConnectorError, NotFound, OutcomeUnknown, UnexpectedReply
from connectors.contract.tokens import TokenSource
from connectors.http import Caller, Reply
from connectors.ratelimit import Limiter

Json = dict[str, Any]
Params = Mapping[str, Any]

_WITH_LINES: Params = {"include": "consignments.line_items", "consignment_structure": "object"}
"""Asks for an order's parts with their products, which otherwise cost a call more."""

_MOST_PAGES = 2000
"""No list of a store is longer; a server that never ends a list shall not hold a worker for ever."""


class Client:
    """Calls one store's API. Thread-safe; keep it, do not rebuild it."""

    def __init__(
        self,
        *,
        store_hash: str,
        tokens: TokenSource,
        limiter: Limiter,
        config: BigCommerceConfig,
        session: requests.Session | None = None,
    ) -> None:
        self.store_hash = store_hash
        self._limiter = limiter
        self._bucket = limits.bucket(store_hash)
        self._caller = Caller(
            platform=PLATFORM,
            base_url=config.url(store_hash),
            tokens=tokens,
            limiter=limiter,
            account=store_hash,
            session=session,
            deadlines=config.deadlines,
            token_header="X-Auth-Token",  # noqa: S106 - the name of a header
            pause_of=limits.pause_of,
            user_agent=config.user_agent,
        )

    @property
    def clock_offset(self) -> timedelta:
        """How far BigCommerce's clock is ahead of ours, as its last answer said."""
        return self._caller.clock_offset

    # ── orders (V2) ──────────────────────────────────────────────────────────────────────────────────────────────────

    def create_order(self, order: Json) -> Json:
        """Create an order and return it. Raises `OutcomeUnknown` when the answer shows none."""
        reply = self._call("createOrder", "POST", "/v2/orders", json=order, write=True)
        made = reply.json()
        if not isinstance(made, dict) or not made.get("id"):
            raise OutcomeUnknown(
                "BigCommerce answered with neither an order nor a reason",
                platform=PLATFORM,
                operation=reply.operation,
                status=reply.status,
            )
        return made

    def orders(self, params: Params, *, with_lines: bool = False, kind: str = "orders") -> Iterator[Json]:
        """Yield the orders that fit the filter, page after page, archived ones too where BigCommerce shows them."""
        return self._pages_v2("getOrders", "/v2/orders", {**params, **(_WITH_LINES if with_lines else {})}, kind)

    def order(self, order_id: str, *, with_lines: bool = False, kind: str = "orders") -> Json | None:
        """Return an order or None when there is none; `with_lines`: its parts with their products where they come so."""
        params = _WITH_LINES if with_lines else {}
        try:
            reply = self._call("getOrder", "GET", f"/v2/orders/{_number(order_id)}", params=params, kind=kind)
        except NotFound:
            return None
        return _object(reply)

    def order_products(self, order_id: str, *, kind: str = "orders") -> list[Json]:
        """Return the products of an order."""
        path = f"/v2/orders/{_number(order_id)}/products"
        return list(self._pages_v2("getOrderProducts", path, {}, kind))

    def update_order(self, order_id: str, changes: Json) -> Json:
        """Change an order and return it; what is not named stays as it is."""
        reply = self._call("updateOrder", "PUT", f"/v2/orders/{_number(order_id)}", json=changes, write=True)
        return _object(reply)

    def order_statuses(self) -> list[Json]:
        """Return the statuses an order of this store may have."""
        return _list(self._call("getOrderStatuses", "GET", "/v2/order_statuses"))

    # ── customers (V3) ───────────────────────────────────────────────────────────────────────────────────────────────

    def customers(self, email: str) -> list[Json]:
        """Return the customers with this e-mail address: none or one."""
        reply = self._call("getCustomers", "GET", "/v3/customers", params={"email:in": email, "limit": 5})
        return _data(reply)

    def create_customer(self, customer: Json) -> list[Json]:
        """Create a customer; return what the store made."""
        return _data(self._call("createCustomers", "POST", "/v3/customers", json=[customer], write=True))

    # ── catalog and stock (V3) ───────────────────────────────────────────────────────────────────────────────────────

    def products(self, params: Params, *, kind: str = "catalog") -> list[Json]:
        """Return one page of products, with whatever `include` asks for."""
        return _data(self._call("getProducts", "GET", "/v3/catalog/products", params=params, kind=kind))

    def variants(self, params: Params, *, kind: str = "catalog") -> list[Json]:
        """Return one page of variants."""
        return _data(self._call("getVariants", "GET", "/v3/catalog/variants", params=params, kind=kind))

    def modifiers(self, product_id: str) -> list[Json]:
        """Return the modifiers of a product, all of them."""
        path = f"/v3/catalog/products/{_number(product_id)}/modifiers"
        return list(self._pages_v3("getProductModifiers", path, {"limit": limits.V3_PAGE}, "orders"))

    def inventory(self, params: Params, *, kind: str) -> Iterator[Json]:
        """Yield the stock items that fit the filter, each with its figures a location."""
        given = {**params, "limit": limits.INVENTORY_PAGE}
        return self._pages_v3("get-inventory-items", "/v3/inventory/items", given, kind)

    def locations(self, params: Params | None = None) -> list[Json]:
        """Return the store's locations, disabled ones too."""
        given = {**(params or {}), "limit": limits.V3_PAGE}
        return list(self._pages_v3("getLocations", "/v3/inventory/locations", given, "stock"))

    # ── the store ────────────────────────────────────────────────────────────────────────────────────────────────────

    def store(self) -> Json:
        """Return the store's own facts (V2)."""
        return _object(self._call("getStoreInformation", "GET", "/v2/store"))

    def currencies(self) -> list[Json]:
        """Return the store's currencies (V2)."""
        return list(self._pages_v2("getCurrencies", "/v2/currencies", {}, "orders"))

    def inventory_settings(self, channel_id: int | None = None) -> Json:
        """Return when orders move stock, of one channel or (None) of the whole store; a channel's null means the same."""
        params = {} if channel_id is None else {"channel_id": channel_id}
        reply = self._call("getSettingsInventory", "GET", "/v3/settings/inventory", params=params)
        return _object(reply, inside="data")

    # ── webhooks (V3) ────────────────────────────────────────────────────────────────────────────────────────────────

    def hooks(self) -> list[Json]:
        """Return the webhooks made with this token's application, inactive ones too."""
        return list(self._pages_v3("getWebhooks", "/v3/hooks", {"limit": limits.V3_PAGE}, "stock"))

    def create_hook(self, hook: Json) -> Json:
        """Create a webhook; it takes up to a minute until it works."""
        return _object(self._call("createWebhooks", "POST", "/v3/hooks", json=hook, write=True), inside="data")

    def update_hook(self, hook_id: str, changes: Json) -> Json:
        """Change a webhook or make it active again."""
        path = f"/v3/hooks/{_number(hook_id)}"
        return _object(self._call("updateWebhook", "PUT", path, json=changes, write=True), inside="data")

    def delete_hook(self, hook_id: str) -> None:
        """End a webhook; one that is gone already is what we wanted."""
        try:
            self._call("deleteWebhook", "DELETE", f"/v3/hooks/{_number(hook_id)}", write=True)
        except NotFound:
            return

    # ── how calls are made ───────────────────────────────────────────────────────────────────────────────────────────

    def _call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        write: bool = False,
        kind: str = "orders",
    ) -> Reply:
        reply = self._caller.call(
            operation,
            method,
            path,
            params=params or None,
            json=json,
            write=write,
            limits=[limits.take(self.store_hash, kind)],
        )
        self._learn(reply)
        if not reply.ok:
            raise error_of(reply)
        return reply

    def _learn(self, reply: Reply) -> None:
        """Believe what the answer says of the quota. Its own count costs a round trip: only when it runs low."""
        quota = limits.quota_of(reply.headers)
        if quota is not None:
            told = quota.left if quota.low else None
            self._limiter.learn(self._bucket, rate=quota.rate, capacity=quota.burst, available=told)

    def _pages_v2(self, operation: str, path: str, params: Params, kind: str) -> Iterator[Json]:
        for page in range(1, _MOST_PAGES):
            given = {**params, "page": page, "limit": limits.V2_PAGE}
            found = _list(self._call(operation, "GET", path, params=given, kind=kind))
            yield from found
            if len(found) < limits.V2_PAGE:
                return
        raise _endless(operation)

    def _pages_v3(self, operation: str, path: str, params: Params, kind: str) -> Iterator[Json]:
        for page in range(1, _MOST_PAGES):
            reply = self._call(operation, "GET", path, params={**params, "page": page}, kind=kind)
            found = _data(reply)
            yield from found
            pages = _total_pages(reply)
            if page >= pages if pages is not None else len(found) < params["limit"]:
                return
        raise _endless(operation)


def _endless(operation: str) -> ConnectorError:
    return UnexpectedReply("BigCommerce's list does not end", platform=PLATFORM, operation=operation)


def _number(text: str) -> str:
    """Return the text of an id; BigCommerce's are numbers, and nothing else may become part of an address."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise NotFound("This is not an id of BigCommerce", code="id", platform=PLATFORM)
    return text


def _unreadable(reply: Reply, what: str) -> ConnectorError:
    """Return the error of an answer in a form we cannot read: a write may have been done."""
    kind = OutcomeUnknown if reply.write else UnexpectedReply
    return kind(f"BigCommerce answered with {what}", platform=PLATFORM, operation=reply.operation, status=reply.status)


def _object(reply: Reply, *, inside: str = "") -> Json:
    answer = reply.json()
    if inside:
        answer = answer.get(inside) if isinstance(answer, dict) else None
    if not isinstance(answer, dict):
        raise _unreadable(reply, "something that is not an object")
    return answer


def _list(reply: Reply) -> list[Json]:
    """Return the list of a V2 answer; 204 with an empty body is how V2 says that there is nothing."""
    if reply.status == 204:
        return []
    return _objects(reply, reply.json())


def _data(reply: Reply) -> list[Json]:
    if reply.status == 204:
        return []
    answer = reply.json()
    return _objects(reply, answer.get("data") if isinstance(answer, dict) else None)


def _objects(reply: Reply, listed: Any) -> list[Json]:
    """Return a list of objects. Taking a missing list for *none* would make a second order or lose stock."""
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise _unreadable(reply, "something that is not a list")
    return listed


def _total_pages(reply: Reply) -> int | None:
    """Return how many pages a V3 list has, None when the answer does not tell."""
    meta = reply.json().get("meta")
    pagination = meta.get("pagination") if isinstance(meta, dict) else None
    told = pagination.get("total_pages") if isinstance(pagination, dict) else None
    return told if isinstance(told, int) else None


def comma(values: Sequence[str]) -> str:
    """Return values as BigCommerce's filters want several of them."""
    return ",".join(values)
