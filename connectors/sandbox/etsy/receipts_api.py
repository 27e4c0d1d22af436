"""Open API v3, receipts: the list, one receipt, its payments and transactions, and the tracking call."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from aiohttp import web

from connectors.sandbox.etsy.buying import Buyers, goods, part
from connectors.sandbox.etsy.common import ETSY, Etsy, enter, own_shop, refused, whole
from connectors.sandbox.etsy.shapes import payment_json, receipt_json, transaction_json
from connectors.sandbox.etsy.state import RECEIPTS, Doc, Index
from connectors.sandbox.faults import set_null
from connectors.sandbox.texts import dump, page_of

_EARLIEST = 946_684_800
"""The first second of the year 2000: Etsy takes no earlier time."""
_SORTS = ("created", "updated", "receipt_id")
_ORDERS = {"asc": False, "ascending": False, "up": False, "desc": True, "descending": True, "down": True}
_FILTERS: dict[str, Callable[[Doc], bool]] = {
    "was_paid": lambda receipt: receipt["paid_ms"] is not None,
    "was_shipped": lambda receipt: receipt["shipped_ms"] is not None,
    "was_delivered": lambda receipt: bool(receipt["delivered"]),
    "was_canceled": lambda receipt: receipt["state"] == "canceled",
}
"""Each may be asked for as true, as false, or not at all."""
_TRACKING_FROM = Decimal(10)
"""Within the United States an order of more than this many dollars needs carrier and number; to India every one."""


def setup(app: web.Application) -> None:
    """Add the routes."""
    shop = "/etsy/v3/application/shops/{shop_id}/receipts"
    app.router.add_get(shop, get_shop_receipts)
    app.router.add_get(shop + "/{receipt_id}", get_shop_receipt)
    app.router.add_get(shop + "/{receipt_id}/payments", get_payments)
    app.router.add_get(shop + "/{receipt_id}/transactions", get_transactions)
    app.router.add_post(shop + "/{receipt_id}/tracking", create_receipt_shipment)


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def get_shop_receipts(request: web.Request) -> web.Response:
    """One page of a shop's receipts: `{count, results}`, no link to the next."""
    caller = await enter(request, "getShopReceipts", "transactions_r")
    etsy = request.app[ETSY]
    shop = own_shop(etsy, caller, request.match_info["shop_id"])
    query = _Query(request, etsy)
    found = query.search(etsy, shop["key"])
    start = query.offset
    fault = etsy.core.faults.pick("repeat_order", "etsy", "getShopReceipts") if start else None
    if fault is not None:
        # An order that changed while somebody paged: the last one of the page before comes again.
        start -= 1
    ids = [receipt_id for _, receipt_id in found.cut(start, start + query.limit)]
    rows = [_text(etsy, etsy.state.receipts[receipt_id], shop) for receipt_id in ids]
    if etsy.core.faults.may_spoil("etsy", "getShopReceipts"):
        rows = [dump(spoil(etsy, "getShopReceipts", json.loads(row))) for row in rows]
    return web.Response(
        body=page_of({"count": found.count}, "results", rows), content_type="application/json", charset="utf-8"
    )


def _text(etsy: Etsy, receipt: Doc, shop: Doc) -> bytes:
    """Return a receipt as JSON, made anew only when it changed, or what the shop's region lets our app see."""
    view = (shop["address"], shop["email"])
    return etsy.world.texts.text(RECEIPTS, receipt["id"], view, lambda: receipt_json(receipt, shop))


class _Found:
    """What a search found: a piece of an index, read from either end, so that a page costs no more than its rows."""

    def __init__(self, index: Index, low: int, high: int, *, backwards: bool) -> None:
        self._index, self._low, self._high, self._backwards = index, low, high, backwards
        self.count = max(0, high - low)

    def cut(self, start: int, end: int) -> Index:
        """Return the entries from `start` to before `end`, in the order asked for."""
        start, end = min(start, self.count), min(end, self.count)
        if self._backwards:
            return self._index[self._high - end : self._high - start][::-1]
        return self._index[self._low + start : self._low + end]


class _Query:
    """The parameters of a search, checked as Etsy does. Raises what ends the request."""

    def __init__(self, request: web.Request, etsy: Etsy) -> None:
        query = request.query
        self.limit = int(whole(query.get("limit", "25"), "limit", 1, 100))
        self.offset = int(whole(query.get("offset", "0"), "offset", 0))
        self.sort = _one_of(query.get("sort_on", "created"), "sort_on", _SORTS)
        self.backwards = _ORDERS[_one_of(query.get("sort_order", "desc"), "sort_order", tuple(_ORDERS))]
        self.created = _range(query, "created")
        self.updated = _range(query, "last_modified")
        self.wanted = {name: _boolean(query[name], name) for name in _FILTERS if query.get(name, "") != ""}
        if "legacy" in query:
            _boolean(query["legacy"], "legacy")
        delay = etsy.core.limits.list_delay("etsy") + etsy.core.faults.lag("etsy", "getShopReceipts")
        self._latest = etsy.state.now_ms() - int(delay * 1000)

    def search(self, etsy: Etsy, shop: str) -> _Found:
        """Find the shop's receipts: by the index of what is asked first, the rest one by one."""
        by_change = self.sort == "updated" or self.updated != (None, None)
        index = (etsy.state.by_updated if by_change else etsy.state.by_created)[shop]
        low_s, high_s = self.updated if by_change else self.created
        low = 0 if low_s is None else bisect_left(index, (low_s * 1000, ""))
        high = bisect_left(index, (self._latest + 1, ""))
        if high_s is not None:
            high = min(high, bisect_left(index, ((high_s + 1) * 1000, "")))
        hidden = etsy.core.faults.active("hide_order", "etsy", "getShopReceipts")
        other = by_change and self.created != (None, None)
        sorted_so = self.sort == ("updated" if by_change else "created")
        if sorted_so and not (hidden or other or self.wanted):
            return _Found(index, low, high, backwards=self.backwards)
        rows = self._filtered(etsy, index[low:high], hidden)
        if not sorted_so:
            rows.sort(key=lambda row: self._place(etsy, row[1]))
        return _Found(rows, 0, len(rows), backwards=self.backwards)

    def _place(self, etsy: Etsy, receipt_id: str) -> tuple[int, int]:
        at = 0 if self.sort == "receipt_id" else int(etsy.state.receipts[receipt_id]["created_ms"])
        return at, int(receipt_id)

    def _filtered(self, etsy: Etsy, rows: Index, hidden: list[Doc]) -> Index:
        """Leave out what the rest of the query does not ask for, and what a fault hides."""
        receipts = etsy.state.receipts
        low, high = self.created
        if low is not None:
            rows = [row for row in rows if receipts[row[1]]["created_ms"] >= low * 1000]
        if high is not None:
            rows = [row for row in rows if receipts[row[1]]["created_ms"] < (high + 1) * 1000]
        for name, value in self.wanted.items():
            holds = _FILTERS[name]
            rows = [row for row in rows if holds(receipts[row[1]]) is value]
        if hidden:
            rows = [row for row in rows if not etsy.core.faults.hides(hidden, row[1])]
        return rows


def _range(query: Any, name: str) -> tuple[int | None, int | None]:
    """Return the bounds min_<name> and max_<name> in seconds, both inclusive."""
    low, high = (
        int(whole(query[f"{end}_{name}"], f"{end}_{name}", _EARLIEST)) if query.get(f"{end}_{name}") else None
        for end in ("min", "max")
    )
    return low, high


def _one_of(value: str, name: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise refused(400, f"Invalid value for parameter '{name}': must be one of {', '.join(allowed)}")
    return value


def _boolean(value: str, name: str) -> bool:
    if value.lower() not in ("true", "false", "1", "0"):
        raise refused(400, f"Invalid value for parameter '{name}': must be a boolean")
    return value.lower() in ("true", "1")


# ── one receipt ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _receipt(request: web.Request, shop: Doc) -> Doc:
    receipt_id = whole(request.match_info["receipt_id"], "receipt_id")
    receipt = request.app[ETSY].state.receipt(shop["key"], receipt_id)
    if receipt is None:
        raise refused(404, "Resource not found")
    return receipt


async def get_shop_receipt(request: web.Request) -> web.Response:
    """One receipt, at once."""
    caller = await enter(request, "getShopReceipt", "transactions_r")
    etsy = request.app[ETSY]
    shop = own_shop(etsy, caller, request.match_info["shop_id"])
    return web.json_response(spoil(etsy, "getShopReceipt", receipt_json(_receipt(request, shop), shop)))


async def get_payments(request: web.Request) -> web.Response:
    """The payment of a receipt, none while it is not paid."""
    caller = await enter(request, "getShopPaymentByReceiptId", "transactions_r")
    shop = own_shop(request.app[ETSY], caller, request.match_info["shop_id"])
    receipt = _receipt(request, shop)
    rows = [payment_json(receipt)] if receipt["paid_ms"] is not None else []
    return web.json_response({"count": len(rows), "results": rows})


async def get_transactions(request: web.Request) -> web.Response:
    """The lines of a receipt."""
    caller = await enter(request, "getShopReceiptTransactionsByReceipt", "transactions_r")
    shop = own_shop(request.app[ETSY], caller, request.match_info["shop_id"])
    receipt = _receipt(request, shop)
    rows = [transaction_json(receipt, line, shop) for line in receipt["lines"]]
    return web.json_response({"count": len(rows), "results": rows})


def spoil(etsy: Etsy, operation: str, receipt: Doc) -> Doc:
    """Let the faults strike that change what an answer holds."""
    faults = etsy.core.faults
    if not faults:
        return receipt
    receipt_id = str(receipt["receipt_id"])
    if faults.pick("schema_extra", "etsy", operation, receipt_id):
        receipt["climate_pledge"] = {"offset_grams": 840}
        receipt["transactions"][0]["maker_note"] = "Poured on a Tuesday"
    enum = faults.pick("unknown_enum", "etsy", operation, receipt_id)
    if enum is not None:
        receipt[enum["params"].get("field", "status")] = enum["params"].get("value", "in review")
    null = faults.pick("null_field", "etsy", operation, receipt_id)
    if null is not None:
        set_null(receipt, str(null["params"].get("field", "name")))
    return receipt


# ── tracking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def create_receipt_shipment(request: web.Request) -> web.Response:
    """Note a parcel and mail the buyer. Said twice, it is noted twice and mailed twice: Etsy knows no repetition."""
    caller = await enter(request, "createReceiptShipment", "transactions_w")
    etsy = request.app[ETSY]
    shop = own_shop(etsy, caller, request.match_info["shop_id"])
    receipt = _receipt(request, shop)
    if not shop["tracking"]:
        raise refused(403, "Unauthorized")
    body = await _json_body(request)
    carrier, tracking = str(body.get("carrier_name") or ""), str(body.get("tracking_code") or "")
    _check_shipment(receipt, shop, carrier, tracking)
    shipment = Buyers(etsy).ship(receipt, carrier, tracking)
    etsy.world.record("etsy", shop["key"], "order.ship", receipt["id"], str(shipment["id"]), body)
    return web.json_response(spoil(etsy, "createReceiptShipment", receipt_json(receipt, shop)))


async def _json_body(request: web.Request) -> Doc:
    """Return the body. Since May 2026 it is JSON; a form is not read, so what it says is as good as not sent."""
    if request.content_type != "application/json":
        return {}
    try:
        body = await request.json()
    except ValueError:
        raise refused(400, "The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise refused(400, "The request body must be an object")
    for name in ("carrier_name", "tracking_code", "note_to_buyer"):
        if not isinstance(body.get(name, ""), str):
            raise refused(400, f"Invalid value for parameter '{name}': must be a string")
    return body


def _check_shipment(receipt: Doc, shop: Doc, carrier: str, tracking: str) -> None:
    """Refuse a parcel that cannot be, or one Etsy wants carrier and number of."""
    if receipt["state"] == "canceled":
        raise refused(409, "This order was canceled and cannot be marked as shipped.")
    if receipt["paid_ms"] is None:
        raise refused(400, "This order has not been paid and cannot be marked as shipped.")
    country = (receipt["buyer"]["address"] or {}).get("country_iso", "")
    worth = goods(receipt) - part(receipt, "discount") + part(receipt, "shipping")
    physical = any(not line["digital"] for line in receipt["lines"])
    domestic = shop["country"] == country == "US" and worth > _TRACKING_FROM
    if physical and (domestic or country == "IN") and not (tracking and carrier):
        raise refused(400, "A tracking number is required" if not tracking else "A carrier name is required")
    if bool(tracking) != bool(carrier):
        raise refused(400, "A carrier name is required" if tracking else "A tracking number is required")
