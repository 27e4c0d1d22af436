"""Fulfillment API v1: getOrders with its filters over a moving set, and getOrder."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from aiohttp import web

from connectors.sandbox.ebay.common import EBAY, Ebay, enter
from connectors.sandbox.ebay.control import EBAY_BUYERS
from connectors.sandbox.ebay.errors import answer, refused
from connectors.sandbox.ebay.shapes import View, order_json
from connectors.sandbox.ebay.state import ORDERS, Doc
from connectors.sandbox.faults import set_null
from connectors.sandbox.texts import dump, page_of
from connectors.sandbox.world import iso_ms

BASE = "/ebay/api/sell/fulfillment/v1/order"
_DEFAULT_DAYS = 90
_OLDEST = timedelta(days=730)
"""eBay shows no order older than two years."""
_MOST, _USUAL, _MOST_IDS = 200, 50, 50
_STATUSES = (frozenset({"NOT_STARTED", "IN_PROGRESS"}), frozenset({"FULFILLED", "IN_PROGRESS"}))
_FILTER = re.compile(r"\s*(\w+)\s*:\s*(\[[^\]]*\]|\{[^}]*\})\s*(?:,|$)")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")


def setup(app: web.Application) -> None:
    """Add the routes."""
    app.router.add_get(BASE, get_orders)
    app.router.add_get(BASE + "/{order_id}", get_order)


# ── getOrders ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def get_orders(request: web.Request) -> web.Response:
    """One page of orders, oldest first: by creation, by change, or those named."""
    caller = await enter(request, "getOrders")
    ebay = request.app[EBAY]
    request.app[EBAY_BUYERS].settle()
    view = view_of(request, single=False)
    if "orderIds" in request.query:
        ids = [part.strip() for part in request.query["orderIds"].split(",") if part.strip()]
        if len(ids) > _MOST_IDS:
            raise refused(30900)
        found = [ebay.state.order(caller.seller, order_id) for order_id in ids]
        named = [order for order in found if order is not None]
        body = {"href": _href(request, {}), "total": len(named), "limit": len(ids), "offset": 0}
        return _page(ebay, body, named, view)
    query = _Query(request, ebay)
    total, page, before = query.page(ebay, caller.seller)
    shown = _visible(ebay, page)
    if before and page and ebay.core.faults.pick("repeat_order", "ebay", "getOrders"):
        shown.insert(0, before)
    body = {"href": _href(request, {}), "total": total, "limit": query.limit, "offset": query.offset}
    if query.offset + query.limit < total:
        body["next"] = _href(request, {"limit": query.limit, "offset": query.offset + query.limit})
    if query.offset:
        body["prev"] = _href(request, {"limit": query.limit, "offset": max(0, query.offset - query.limit)})
    return _page(ebay, body, [ebay.state.orders[order_id] for order_id in shown], view)


def _page(ebay: Ebay, body: Doc, orders: list[Doc], view: View) -> web.Response:
    """Return an answer of getOrders with these orders."""
    rows = [order_text(ebay, order, view) for order in orders]
    if ebay.core.faults.may_spoil("ebay", "getOrders"):
        rows = [dump(_spoil(ebay, "getOrders", json.loads(row))) for row in rows]
    return answer(page_of(body, "orders", rows))


def order_text(ebay: Ebay, order: Doc, view: View) -> bytes:
    """Return an order as JSON, made anew only when it changed or grew so old that eBay shows less of it."""
    return ebay.world.texts.text(ORDERS, order["id"], view.of(order), lambda: order_json(order, view))


def view_of(request: web.Request, *, single: bool) -> View:
    """Return how orders are to be shown; raises for a field group eBay does not have."""
    group = request.query.get("fieldGroups", "")
    if group not in ("", "TAX_BREAKDOWN"):
        raise refused(32800, fieldGroup=group)
    ebay = request.app[EBAY]
    return View.at(ebay.world.now(), breakdown=group == "TAX_BREAKDOWN", single=single, base_url=ebay.core.base_url)


def _href(request: web.Request, changed: dict[str, int]) -> str:
    query = {**request.query, **{name: str(value) for name, value in changed.items()}}
    base = request.app[EBAY].core.base_url
    return f"{base}{BASE}?{urlencode(query)}" if query else f"{base}{BASE}"


@dataclass(frozen=True, slots=True)
class _Window:
    start: str
    end: str
    """Both inclusive; "" for an open end."""


class _Query:
    """The parameters of a search, checked as eBay does. Raises what ends the request."""

    def __init__(self, request: web.Request, ebay: Ebay) -> None:
        self._now = ebay.world.now()
        self._oldest = iso_ms(self._now - _OLDEST)
        lag = ebay.core.limits.list_delay("ebay") + ebay.core.faults.lag("ebay", "getOrders")
        self._latest = iso_ms(self._now - timedelta(seconds=lag))
        query = request.query
        self.limit = _number(query.get("limit"), _USUAL, 1, _MOST, 31100, "limitvalue")
        self.offset = _number(query.get("offset"), 0, 0, 10**9, 31000, "offsetvalue")
        filters = _filters(query.get("filter", ""))
        created, changed = filters.get("creationdate"), filters.get("lastmodifieddate")
        self.created = self._window(created, "creationdate") if created is not None else None
        # Both may be given; then the one by change is not looked at, not even whether it is right.
        self.changed = self._window(changed, "lastmodifieddate") if changed is not None and not self.created else None
        self.statuses = _statuses(filters.get("orderfulfillmentstatus"))

    def _window(self, text: str, name: str) -> _Window:
        start, dots, end = text[1:-1].partition("..")
        if not dots or text[0] != "[":
            raise refused(30800, fieldvalue=text, fieldname=name)
        if not start:
            raise refused(30820)
        first, last = self._time(start), self._time(end) if end else ""
        if last and last < first:
            raise refused(30840)
        if first < self._oldest:
            raise refused(30830, allowedTime="2")
        return _Window(first, last)

    def _time(self, text: str) -> str:
        if not _TIME.fullmatch(text):
            raise refused(30810)
        try:
            moment = datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            raise refused(30810) from None
        if moment > self._now:
            raise refused(30850)
        return iso_ms(moment)

    def page(self, ebay: Ebay, seller: str) -> tuple[int, list[str], str]:
        """Return how many orders match, the ids on this page, and the last id of the page before ("" on the first).

        Oldest first, by the date that was asked by. The set moves: what is changed between two calls moves to the end.
        """
        state = ebay.state
        index = (state.by_updated if self.changed else state.by_created)[seller]
        window = self.changed or self.created
        if window is None:
            window = _Window(iso_ms(self._now - timedelta(days=_DEFAULT_DAYS)), "")
        end = min(window.end or self._latest, self._latest)
        low, high = bisect_left(index, (window.start, "")), bisect_right(index, (end, "\x7f"))
        rows, orders, created = index, state.orders, state.by_created[seller]
        if self.statuses:
            rows = [row for row in rows[low:high] if orders[row[1]]["fulfillment"] in self.statuses]
            low, high = 0, len(rows)
        if self.changed and created and created[0][0] < self._oldest:
            rows = [row for row in rows[low:high] if orders[row[1]]["created_at"] >= self._oldest]
            low, high = 0, len(rows)
        first = min(low + self.offset, high)
        before = rows[first - 1][1] if first > low else ""
        return max(0, high - low), [order_id for _, order_id in rows[first : min(first + self.limit, high)]], before


def _number(text: str | None, usual: int, low: int, high: int, error_id: int, name: str) -> int:
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
        raise refused(error_id, **{name: text})
    return int(text)


def _filters(text: str) -> dict[str, str]:
    """Split `name:[a..b],name:{A|B}`; raises for what cannot be read and for names eBay does not know."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        match = _FILTER.match(text, place)
        if match is None:
            raise refused(30800, fieldvalue=text[place:], fieldname="filter")
        name = match[1].lower()
        if name not in ("creationdate", "lastmodifieddate", "orderfulfillmentstatus"):
            raise refused(30700, fieldname=match[1])
        found[name] = match[2]
        place = match.end()
    return found


def _statuses(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset()
    wanted = frozenset(part.strip() for part in text[1:-1].split("|"))
    if text[0] != "{" or wanted not in _STATUSES:
        raise refused(30800, fieldvalue=text, fieldname="orderfulfillmentstatus")
    return wanted


def _visible(ebay: Ebay, ids: list[str]) -> list[str]:
    """Leave out the orders that a fault hides: they are counted in `total` all the same."""
    hidden = ebay.core.faults.active("hide_order", "ebay", "getOrders")
    return [order_id for order_id in ids if not ebay.core.faults.hides(hidden, order_id)]


# ── getOrder ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def get_order(request: web.Request) -> web.Response:
    """One order, at once, with requests to cancel it."""
    caller = await enter(request, "getOrder")
    ebay = request.app[EBAY]
    request.app[EBAY_BUYERS].settle()
    view = view_of(request, single=True)
    order = order_of(ebay, caller.seller, request.match_info["order_id"])
    return answer(_spoil(ebay, "getOrder", order_json(order, view)))


def order_of(ebay: Ebay, seller: str, order_id: str) -> Doc:
    """Return a seller's order. An id from before the payment is no longer known, nor is one of two years ago."""
    order = ebay.state.order(seller, order_id)
    if order is None or order["created_at"] < iso_ms(ebay.world.now() - _OLDEST):
        raise refused(32100, orderId=order_id)
    return order


# ── faults in what an answer holds ───────────────────────────────────────────────────────────────────────────────────


def _spoil(ebay: Ebay, operation: str, order: Doc) -> Doc:
    """Let the faults strike that change what an answer says of an order."""
    faults, order_id = ebay.core.faults, order["orderId"]
    if not faults:
        return order
    if faults.pick("schema_extra", "ebay", operation, order_id):
        order["sustainability"] = {"score": 1, "tags": ["NEW"]}
        order["lineItems"][0]["carbonFootprint"] = {"grams": 120}
    enum = faults.pick("unknown_enum", "ebay", operation, order_id)
    if enum:
        order[enum["params"].get("field", "orderPaymentStatus")] = enum["params"].get("value", "UNDER_REVIEW")
    null = faults.pick("null_field", "ebay", operation, order_id)
    if null:
        set_null(order, str(null["params"].get("field", "buyer")))
    return order
