"""What buyers and eBay do: orders are placed, paid (and get another id), shipped, canceled, refunded.

Bodies are the control API's (`POST` and `PATCH /_control/accounts/ebay/{key}/orders`); money is decimal strings in the
order's currency. `Refusal` names the field that is wrong.
"""

from __future__ import annotations

import heapq
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connectors.sandbox import order_bodies
from connectors.sandbox.ebay import money, placing
from connectors.sandbox.ebay.common import Ebay
from connectors.sandbox.ebay.sites import SITES, Site
from connectors.sandbox.ebay.state import CANCELS, Doc, amount
from connectors.sandbox.order_bodies import MODES, choice
from connectors.sandbox.platforms import Refusal
from connectors.sandbox.world import iso_ms

WORK_SECONDS = {"real": 60.0, "demo": 2.0, "off": 0.0}
"""How long a refund stays PENDING and a cancellation IN_PROGRESS, by the profile of limits; the action `settings` can
say another."""
_CHANGES = (
    "status", "mode", "buyer", "cancel_request", "refund", "lines", "carrier", "tracking", "by", "reason", "note",
    "payment", "address", "adjustment",
)  # fmt: skip


def words(order: Doc) -> str:
    """Return the order's state in the control API's words."""
    if order["cancel"]["state"] == "CANCELED":
        return "canceled"
    if order["payment"] != "PAID":
        return "pending"
    shipped = [line["shipped"] for line in order["lines"]]
    if all(line["shipped"] >= line["quantity"] for line in order["lines"]):
        return "shipped"
    return "partially_shipped" if any(shipped) else "paid"


class Buyers:
    """Places orders and moves them on. `chance` makes people and ids; give it a seed for a repeatable world."""

    def __init__(self, ebay: Ebay, chance: random.Random | None = None) -> None:
        self.ebay = ebay
        self.world = ebay.world
        self.state = ebay.state
        self.chance = chance or random.Random()

    # ── placing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def place(self, seller: str, body: Doc) -> list[str]:
        """Place `count` orders and return the ids they are born with. Raises Refusal."""
        placing.check(body)
        status = choice(body, "status", placing.STATUSES, "paid")
        choice(body, "mode", MODES, "push")
        site = order_bodies.site_of(SITES, self.state.sellers[seller]["sites"], body)
        lines = placing.lines_of(self.state, seller, site, body)
        ids = []
        apart = bool(body.get("combined")) and status == "pending" and not body.get("immediate_payment")
        for _ in range(body.get("count", 1)):
            if apart:
                ids += self._purchases(seller, site, body, lines)
                continue
            order = self._order(seller, site, body, [dict(line) for line in lines])
            ids.append(order["id"])
            order_bodies.live_up_to(self, order, status)
        return ids

    def _purchases(self, seller: str, site: Site, body: Doc, lines: list[Doc]) -> list[str]:
        """One buyer commits to several purchases without paying: an order each, until they are paid together."""
        first = self._order(seller, site, body, [dict(lines[0])])
        made = [first]
        for line in lines[1:]:
            made.append(self._order(seller, site, {**body, "order_discount": None, "adjustment": None}, [dict(line)]))
        for order in made:
            order.update(buyer=first["buyer"], together=first["number"])
            self.state.save(order)
        return [order["id"] for order in made]

    def _order(self, seller: str, site: Site, body: Doc, lines: list[Doc]) -> Doc:
        now = self.world.now()
        programs = placing.programs_of(body)
        immediate = body.get("immediate_payment", body.get("status", "paid") != "pending")
        for line in lines:
            line["id"] = f"100{self.chance.randrange(100):02d}{self.world.next_id('ebay_line'):09d}"
        number = self.world.next_id("ebay_order")
        order: Doc = {
            "id": self._paid_id(number) if immediate else self._unpaid_id(number, lines),
            "number": number,
            "former_ids": [],
            "immediate": immediate,
            "seller": seller,
            "seller_name": self.state.sellers[seller]["username"],
            "site": site.code,
            "marketplace_id": site.id,
            "currency": site.currency,
            "buyer_currency": body.get("buyer_currency") or "",
            "created_at": iso_ms(now),
            "updated_at": iso_ms(now),
            "paid_at": None,
            "payment": "PENDING",
            "fulfilled_by": choice(body, "fulfilled_by", ("merchant", "marketplace"), "merchant"),
            "mode": body.get("mode", "push"),
            "lines": lines,
            "buyer": placing.buyer_of(self.chance, site, body, programs),
            "note": placing.note_of(body, lines),
            "order_discount": amount(order_bodies.money(body, "order_discount")),
            "adjustment": amount(order_bodies.money(body, "adjustment", signed=True)),
            "tax_by": choice(body, "tax_by", ("ebay", "seller"), "ebay"),
            "programs": programs,
            "reference": f"Reference#EBP{self.chance.randrange(10**8):08d}",
            "ship_by": iso_ms(now + timedelta(days=2)),
            "deliver_by": [iso_ms(now + timedelta(days=4)), iso_ms(now + timedelta(days=8))],
            "cancel": {"state": "NONE_REQUESTED", "requests": [], "canceled_at": None, "finish_at": None},
            "fulfillments": [],
            "refunds": [],
        }
        if money.total(order, ebay_tax=False) < 0:
            raise Refusal("discount", "the order would cost less than nothing")
        self.state.save(order)
        for line in lines:
            self.state.lower(seller, line)
        return order

    def _paid_id(self, number: int) -> str:
        """Return an id such as 07-04211-83530: the middle part is the running number, so that no two are alike."""
        head, low = divmod(number, 10**5)
        return f"{head % 90 + 10:02d}-{low:05d}-{self.chance.randrange(10**5):05d}"

    def _unpaid_id(self, number: int, lines: list[Doc]) -> str:
        """Return what an order is called before it is paid: its item and transaction, or a number for several."""
        if len(lines) == 1:
            return f"{lines[0]['item_id']}-{lines[0]['id']}"
        return str(3 * 10**11 + number)

    # ── the order's life goes on ─────────────────────────────────────────────────────────────────────────────────────

    def pay(self, order: Doc, *, quiet: bool = False) -> None:
        """The buyer pays. An order that did not ask for immediate payment gets its lasting id now."""
        _may_pay(order)
        if order["payment"] == "PAID":
            return
        if not order["immediate"] and not order["paid_at"]:
            self._take_in(order)
            self.state.rename(order, self._paid_id(order["number"]))
        order["payment"] = "PAID"
        order["paid_at"] = iso_ms(self.world.now())
        self.state.save(order)
        if not quiet:
            self.ebay.tell(order, "ORDER_CONFIRMATION")

    def _take_in(self, order: Doc) -> None:
        """Put the buyer's other unpaid purchases into the order that is being paid: they are one from now on."""
        if not order.get("together"):
            return
        for _, other_id in list(self.state.by_created[order["seller"]]):
            other = self.state.orders[other_id]
            same = other.get("together") == order["together"] and other is not order
            if not same or other["paid_at"] or other["cancel"]["state"] != "NONE_REQUESTED":
                continue
            order["lines"] = sorted([*order["lines"], *other["lines"]], key=lambda line: str(line["id"])[5:])
            order["former_ids"] += [*other["former_ids"], other["id"]]
            for name in ("order_discount", "adjustment"):
                order[name] = amount(Decimal(order[name]) + Decimal(other[name]))
            self.state.remove(other)

    def ship(self, order: Doc, body: Doc) -> None:
        """Ship all that is not shipped. `carrier` and `tracking` are those of the parcel (none for eBay's own)."""
        _may_ship(order)
        left = [
            {"id": line["id"], "quantity": line["quantity"] - line["shipped"]}
            for line in order["lines"]
            if line["quantity"] > line["shipped"]
        ]
        if left and order["fulfilled_by"] == "marketplace":
            for line in order["lines"]:
                line["shipped"] = line["quantity"]
            self.state.save(order)
        elif left:
            tracking = str(body.get("tracking") or f"9400{self.chance.randrange(10**18):018d}")
            carrier = str(body.get("carrier") or SITES[order["site"]].carrier)
            self.note_parcel(order, carrier, tracking, left, iso_ms(self.world.now()))

    def note_parcel(self, order: Doc, carrier: str, tracking: str, lines: list[Doc], shipped_at: str) -> str:
        """Note a parcel and return its id: the tracking number, or 999 for one without. Nothing is deduplicated."""
        parcel = {"id": tracking or "999", "carrier": carrier, "tracking": tracking, "at": shipped_at, "lines": lines}
        order["fulfillments"].append(parcel)
        for part in lines:
            line = next(line for line in order["lines"] if line["id"] == part["id"])
            line["shipped"] = min(line["quantity"], line["shipped"] + part["quantity"])
        self.state.save(order)
        return str(parcel["id"])

    def cancel(self, order: Doc, body: Doc) -> None:
        """Cancel the order; what was paid is given back. `by` is buyer, seller (merchant) or ebay."""
        by = _may_cancel(order, body)
        if order["cancel"]["state"] == "CANCELED":
            return
        self.start_cancel(order, by, str(body.get("reason") or "BUYER_ASKED_CANCEL"))
        self.finish_cancel(order)

    def start_cancel(self, order: Doc, by: str, reason: str) -> str:
        """Note a request to cancel and return its id; one that is under way already goes on."""
        for known in order["cancel"]["requests"]:
            if known["state"] == "REQUESTED":
                return str(known["id"])
        request: Doc = {
            "id": str(5 * 10**9 + self.world.next_id("ebay_cancel")),
            "by": by,
            "reason": reason,
            "state": "REQUESTED",
            "requested_at": iso_ms(self.world.now()),
            "completed_at": None,
        }
        order["cancel"]["requests"].append(request)
        order["cancel"]["state"] = "IN_PROGRESS"
        self.world.put(CANCELS, request["id"], {"id": request["id"], "seller": order["seller"], "order": order["id"]})
        self.state.save(order)
        return str(request["id"])

    def approve_cancel(self, order: Doc) -> None:
        """The seller agrees, or asks: an unpaid order ends at once, a paid one when eBay has worked on it."""
        if order["payment"] != "PAID":
            self.finish_cancel(order)
            return
        order["cancel"]["finish_at"] = iso_ms(self.world.now() + self._work_time())
        self.state.save(order)
        heapq.heappush(self.state.due, (order["cancel"]["finish_at"], order["id"]))
        self.settle()

    def finish_cancel(self, order: Doc) -> None:
        """The cancellation stands: the request is completed and the buyer gets back what was paid, by eBay itself."""
        now = iso_ms(self.world.now())
        order["cancel"]["finish_at"] = None
        for request in order["cancel"]["requests"]:
            if request["state"] == "REQUESTED":
                request.update(state="COMPLETED", completed_at=now)
        order["cancel"].update(state="CANCELED", canceled_at=now)
        left = money.total(order, ebay_tax=False) - money.refunded(order, "PENDING", "REFUNDED")
        if order["payment"] == "PAID" and left > 0:
            self.refund(order, left, [], "BUYER_CANCEL", "")
        else:
            self.state.save(order)

    def reject_cancel(self, order: Doc, request_id: str) -> None:
        """The seller says no: the order goes on as if nobody had asked."""
        for request in order["cancel"]["requests"]:
            if request["id"] == request_id:
                request.update(state="REJECTED", completed_at=iso_ms(self.world.now()))
        order["cancel"]["state"] = "NONE_REQUESTED"
        self.state.save(order)

    def refund(self, order: Doc, value: Decimal, items: list[Doc], reason: str, comment: str) -> str:
        """Begin a refund and return its id: PENDING until eBay has done it, or REFUNDED at once without a delay."""
        now = self.world.now()
        refund: Doc = {
            "id": str(5 * 10**10 + self.world.next_id("ebay_refund")),
            "amount": amount(value),
            "status": "PENDING",
            "items": items,
            "reason": reason,
            "comment": comment,
            "at": iso_ms(now),
            "settles_at": iso_ms(now + self._work_time()),
            "refunded_at": None,
        }
        order["refunds"].append(refund)
        self.state.save(order)
        heapq.heappush(self.state.due, (refund["settles_at"], order["id"]))
        self.settle()
        return str(refund["id"])

    def _work_time(self) -> timedelta:
        """Return how long eBay works on a refund or a cancellation."""
        usual = WORK_SECONDS[self.ebay.core.limits.profile("ebay")]
        return timedelta(seconds=float(self.ebay.settings.get("refund_seconds", usual)))

    def settle(self) -> None:
        """Finish the refunds and cancellations whose time has come. Called before every answer."""
        now = iso_ms(self.world.now())
        while self.state.due and self.state.due[0][0] <= now:
            _, order_id = heapq.heappop(self.state.due)
            order = self.state.orders.get(self.state.former.get(order_id, order_id))
            if order is None:
                continue
            if order["cancel"]["finish_at"] and order["cancel"]["finish_at"] <= now:
                self.finish_cancel(order)
            for refund in order["refunds"]:
                if refund["status"] == "PENDING" and refund["settles_at"] <= now:
                    refund.update(status=self.ebay.settings.get("refund_outcome", "REFUNDED"), refunded_at=now)
                    self.state.save(order)

    # ── changes by hand ──────────────────────────────────────────────────────────────────────────────────────────────

    def change(self, order: Doc, body: Doc) -> None:
        """Apply a `PATCH`: see `docs/sandbox.md`. Raises Refusal before anything is changed."""
        unknown = sorted(set(body) - set(_CHANGES))
        if unknown:
            raise Refusal(unknown[0], f"not known; known are {', '.join(sorted(_CHANGES))}")
        status = choice(body, "status", placing.STATUSES, "")
        payment = choice(body, "payment", ("failed",), "")
        mode = choice(body, "mode", MODES, order["mode"])
        if status == "pending" and words(order) != "pending":
            raise Refusal("status", "an order does not become pending again", 409)
        if status in ("shipped", "canceled") and (payment or body.get("cancel_request")):
            raise Refusal("status", "a failed payment or a request to cancel does not go with this status")
        if status == "paid":
            _may_pay(order)
        elif status == "shipped":
            _may_ship(order)
        elif status == "canceled":
            _may_cancel(order, body)
        rest = self._rest(order, body)
        order["mode"] = mode
        if payment == "failed":
            order["payment"] = "FAILED"
            self.state.save(order)
        if status == "paid":
            self.pay(order)
        elif status == "shipped":
            self.ship(order, body)
        elif status == "canceled":
            self.cancel(order, body)
        self._change_rest(order, body, rest)

    def _rest(self, order: Doc, body: Doc) -> Doc:
        """Read what a PATCH says beside the status, so that a refusal comes before anything is changed."""
        rest: Doc = {"quantities": {}}
        if "address" in body:
            body["buyer"] = {**(body.get("buyer") or {}), "address": body["address"]}
        if "buyer" in body:
            made = placing.buyer_of(self.chance, SITES[order["site"]], body, order["programs"])
            named = set(body["buyer"] or {})
            keep = {name: value for name, value in order["buyer"].items() if name not in named}
            rest["buyer"] = {**made, **keep} | {name: made[name] for name in named if name in made}
        if "adjustment" in body:
            rest["adjustment"] = amount(order_bodies.money(body, "adjustment", signed=True))
        if body.get("refund"):
            rest["refund"] = self._wanted_refund(order, body)
        canceled = order["cancel"]["state"] == "CANCELED"
        if canceled and (body.get("cancel_request") or body.get("payment")):
            raise Refusal("cancel_request" if body.get("cancel_request") else "payment", "the order is canceled", 409)
        if body.get("cancel_request") and any(line["shipped"] for line in order["lines"]):
            raise Refusal("cancel_request", "an order that was shipped cannot be canceled", 409)
        lines = body.get("lines") or []
        if not isinstance(lines, list):
            raise Refusal("lines", "a list is wanted")
        for n, given in enumerate(lines):
            line = next((ln for ln in order["lines"] if isinstance(given, dict) and _names(given, ln)), None)
            units: Any = given.get("quantity") if line else None
            if line is None or not isinstance(units, int) or not 0 <= units <= 9999:
                raise Refusal(f"lines[{n}]", "a SKU (or id) of the order and a quantity from 0 are wanted")
            rest["quantities"][line["id"]] = units
        return rest

    def _wanted_refund(self, order: Doc, body: Doc) -> Decimal:
        """Return how much is to be given back: all that is left unless the body says less."""
        refund = body["refund"] if isinstance(body["refund"], dict) else {"amount": body["refund"]}
        if refund.get("amount") is True:
            refund = {}
        left = money.total(order, ebay_tax=False) - money.refunded(order, "PENDING", "REFUNDED")
        wanted = order_bodies.money(refund, "amount", left, "refund.amount")
        if order["payment"] != "PAID" and body.get("status") != "paid":
            raise Refusal("refund", "the order is not paid", 409)
        if not 0 < wanted <= left:
            raise Refusal("refund.amount", f"{amount(left)} is left to give back", 409)
        return wanted

    def _change_rest(self, order: Doc, body: Doc, rest: Doc) -> None:
        if "buyer" in rest:
            order["buyer"] = rest["buyer"]
        if "note" in body:
            order["note"] = str(body["note"] or "")
        if "adjustment" in rest:
            order["adjustment"] = rest["adjustment"]
        for line in order["lines"]:
            line["quantity"] = rest["quantities"].get(line["id"], line["quantity"])
        if body.get("cancel_request"):
            self.start_cancel(order, "BUYER", str(body.get("reason") or "ORDER_MISTAKE"))
        if set(body) & {"buyer", "address", "lines", "note", "mode", "adjustment"}:
            self.state.save(order)
        if "refund" in rest:
            self.refund(order, rest["refund"], [], "OTHER_ADJUSTMENT", "")


def _may_pay(order: Doc) -> None:
    if order["cancel"]["state"] == "CANCELED":
        raise Refusal("status", "the order is canceled", 409)


def _may_ship(order: Doc) -> None:
    if words(order) in ("pending", "canceled"):
        raise Refusal("status", f"an order that is {words(order)} cannot be shipped", 409)


def _may_cancel(order: Doc, body: Doc) -> str:
    """Return who cancels, in eBay's words; raises Refusal for an order that was shipped."""
    if any(line["shipped"] for line in order["lines"]):
        raise Refusal("status", "an order that was shipped cannot be canceled", 409)
    by = str(body.get("by", "buyer")).upper().replace("MERCHANT", "SELLER")
    if by not in ("BUYER", "SELLER", "EBAY"):
        raise Refusal("by", "one of buyer, seller, ebay is wanted")
    return by


def _names(given: Doc, line: Doc) -> bool:
    return given.get("id") == line["id"] or bool(given.get("sku")) and given["sku"] == line["sku"]
