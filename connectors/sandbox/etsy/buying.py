"""What buyers, sellers and Etsy do: orders are placed, paid, shipped, delivered, canceled, refunded.

Bodies are the control API's (`POST` and `PATCH /_control/accounts/etsy/{key}/orders`); money is decimal strings in the
shop's currency. `Refusal` names the field that is wrong.
"""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from connectors.sandbox import order_bodies
from connectors.sandbox.etsy import people
from connectors.sandbox.etsy.common import Etsy
from connectors.sandbox.etsy.personalization import answers
from connectors.sandbox.etsy.state import Doc, amount, number
from connectors.sandbox.order_bodies import MODES, choice, money, share
from connectors.sandbox.platforms import Refusal

STATUSES = {
    "pending": "open",
    "processing": "payment processing",
    "paid": "paid",
    "shipped": "completed",
    "delivered": "completed",
    "canceled": "canceled",
}
"""The control API's words, and Etsy's status while nothing is refunded. `open` is placed and not paid."""
SITE = "ETSY"
ZERO = Decimal(0)

ORDER_FIELDS = (
    "lines", "site", "currency", "status", "fulfilled_by", "buyer", "count", "discount", "shipping", "tax", "vat",
    "gift_wrap", "customization", "mode", "note", "gift", "payment_method", "pattern", "shipping_upgrade",
)  # fmt: skip
_LINE_FIELDS = (
    "sku", "item_id", "variation_id", "title", "variation", "quantity", "unit_price", "discount", "shipping",
    "customization", "digital",
)  # fmt: skip
_CHANGES = ("status", "mode", "buyer", "refund", "reason", "carrier", "tracking", "note")


class Buyers:
    """Places orders and moves them on. `chance` makes people; give it a seed for a repeatable world."""

    def __init__(self, etsy: Etsy, chance: random.Random | None = None) -> None:
        self.etsy = etsy
        self.world = etsy.world
        self.state = etsy.state
        self.chance = chance or random.Random()

    # ── placing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def place(self, shop: str, body: Doc) -> list[str]:
        """Place `count` orders and return their ids. Raises Refusal."""
        count = order_bodies.count_of(body)
        status = choice(body, "status", tuple(STATUSES), "paid")
        choice(body, "mode", MODES, "push")
        choice(body, "site", (SITE,), SITE)
        if body.get("fulfilled_by", "merchant") != "merchant":
            raise Refusal("fulfilled_by", "Etsy ships nothing itself: merchant is wanted")
        currency = self.state.shops[shop]["currency"]
        if body.get("currency", currency) != currency:
            raise Refusal("currency", f"this shop sells in {currency}")
        lines = self._lines(shop, currency, body)
        ids = []
        for _ in range(count):
            receipt = self._receipt(shop, currency, body, [dict(line) for line in lines])
            ids.append(receipt["id"])
            self._move(receipt, status, {}, fresh=True)
        return ids

    def _lines(self, shop: str, currency: str, body: Doc) -> list[Doc]:
        lines = [self._line(shop, currency, line, field) for line, field in order_bodies.lines_of(body)]
        for name in ("discount", "shipping"):
            share(lines, name, money(body, name), lambda value: amount(value, currency))
        if body.get("customization") and not lines[0]["personalization"]:
            lines[0]["personalization"] = answers(body["customization"], lines[0], "customization")
        return lines

    def _line(self, shop: str, currency: str, line: Any, field: str) -> Doc:
        if not isinstance(line, dict):
            raise Refusal(field, "an object is wanted")
        for name in line:
            if name not in _LINE_FIELDS:
                raise Refusal(f"{field}.{name}", f"not known; known are {', '.join(_LINE_FIELDS)}")
        if not any(line.get(name) for name in ("sku", "item_id", "title")):
            raise Refusal(f"{field}.sku", "the listing's SKU is wanted, or its item_id or title where it has none")
        quantity = order_bodies.whole(line, "quantity", 999, f"{field}.quantity")
        variation = order_bodies.variation_of(line, field)
        row = self.state.find_row(shop, line) or {}
        usual = Decimal(row.get("price", "20.00"))
        sku = line["sku"] if "sku" in line else row.get("sku", "")
        title = str(line.get("title") or row.get("title") or sku)
        made = {
            "place": row.get("place"),
            "sku": str(sku or ""),
            "item_id": str(row.get("item_id") or number(f"{shop}:{sku or title}", 2_000_000_000, 900_000_000)),
            "product_id": row.get("product_id") or number(f"{shop}:{sku}:{variation}", 60_000_000_000, 9_000_000_000),
            "title": title,
            "variation": variation if variation is not None else dict(row.get("variation") or {}),
            "quantity": quantity,
            "unit_price": amount(money(line, "unit_price", usual, f"{field}.unit_price"), currency),
            "discount": amount(money(line, "discount", field=f"{field}.discount"), currency),
            "shipping": amount(money(line, "shipping", field=f"{field}.shipping"), currency),
            "digital": bool(line.get("digital", row.get("digital", False))),
            "questions": row.get("personalization") or [],
            "personalization": [],
        }
        if line.get("customization"):
            made["personalization"] = answers(line["customization"], made, f"{field}.customization")
        return made

    def _receipt(self, shop: str, currency: str, body: Doc, lines: list[Doc]) -> Doc:
        now = self.state.now_ms()
        for line in lines:
            line["id"] = str(4_200_000_000 + self.world.next_id("etsy_transaction") * 7)
        wrap, gift = _gift(body, currency)
        receipt: Doc = {
            "id": str(3_400_000_000 + self.world.next_id("etsy_receipt") * 11),
            "shop": shop,
            "currency": currency,
            "created_ms": now,
            "updated_ms": now,
            "paid_ms": None,
            "shipped_ms": None,
            "state": "pending",
            "delivered": False,
            "mode": body.get("mode", "push"),
            "lines": lines,
            "buyer": self._people(shop, body),
            "tax": amount(money(body, "tax"), currency),
            "vat": amount(money(body, "vat"), currency),
            "note": str(body.get("note") or ""),
            "gift_wrap": wrap,
            "is_gift": gift is not None,
            "gift_message": (gift or {}).get("message", ""),
            "gift_sender": (gift or {}).get("sender", ""),
            "pattern": bool(body.get("pattern")),
            "shipping_upgrade": str(body.get("shipping_upgrade") or ""),
            "payment_method": str(body.get("payment_method") or "cc"),
            "shipments": [],
            "mails": 0,
            "refunds": [],
            "canceled": None,
        }
        self.state.save(receipt)
        for line in lines:
            row = self.state.rows.get(f"{shop}|{line['place']}")
            if row is not None and not line["digital"]:
                self.state.lower(row, line["quantity"])
        return receipt

    def _people(self, shop: str, body: Doc) -> Doc:
        given = body.get("buyer") or {}
        if not isinstance(given, dict):
            raise Refusal("buyer", "an object is wanted")
        address = given.get("address", {})
        if address is not None and not isinstance(address, dict):
            raise Refusal("buyer.address", "an object or null is wanted")
        country = str((address or {}).get("country") or (address or {}).get("country_iso") or "")
        made = people.buyer(self.chance, country or self._usual_country(shop))
        if address:
            made["address"] = _address(address, country or self.state.shops[shop]["country"])
        if "address" in given and not address:
            made["address"] = None
        made["name"] = str((address or {}).get("name") or given.get("name") or made["name"])
        if "email" in given:
            made["email"] = str(given["email"] or "")
        return made

    def _usual_country(self, shop: str) -> str:
        """Where buyers live who say nothing of it: three of four at home, the rest abroad."""
        return (
            self.state.shops[shop]["country"] if self.chance.random() < 0.75 else self.chance.choice(("GB", "CA", "DE"))
        )

    # ── the order's life goes on ─────────────────────────────────────────────────────────────────────────────────────

    def change(self, receipt: Doc, body: Doc) -> None:
        """Apply a `PATCH`: status, mode, buyer, note, refund. Raises Refusal before anything is changed."""
        for name in body:
            if name not in _CHANGES:
                raise Refusal(name, f"not known; known are {', '.join(_CHANGES)}")
        status = choice(body, "status", tuple(STATUSES), "")
        mode = choice(body, "mode", MODES, receipt["mode"])
        refund = self._refund(receipt, body)
        buyer = self._people(receipt["shop"], body) if "buyer" in body else None
        _check_move(receipt, status)
        if mode != receipt["mode"]:
            # What is silent is not in the list by change; saving puts it back there.
            receipt["mode"] = mode
            self.state.relist(receipt)
        if buyer is not None:
            receipt["buyer"] = buyer
        if "note" in body:
            receipt["note"] = str(body["note"] or "")
        if status:
            self._move(receipt, status, body)
        if refund:
            receipt["refunds"].append(refund)
        if set(body) & {"buyer", "note", "refund", "mode"}:
            self.state.save(receipt)

    def _refund(self, receipt: Doc, body: Doc) -> Doc | None:
        if not body.get("refund"):
            return None
        if receipt["paid_ms"] is None and body.get("status") not in ("paid", "shipped", "delivered"):
            raise Refusal("refund", "an order that is not paid cannot be refunded", 409)
        given = body["refund"] if isinstance(body["refund"], dict) else {}
        if isinstance(body["refund"], str):
            given = {"amount": body["refund"]}
        left = grandtotal(receipt) - refunded(receipt)
        wanted = money(given, "amount", left, "refund.amount")
        if wanted > left:
            raise Refusal("refund.amount", f"no more than {left} is left to refund", 409)
        return {
            "amount": amount(wanted, receipt["currency"]),
            "at_ms": self.state.now_ms(),
            "reason": str(given.get("reason") or body.get("reason") or "Item arrived damaged"),
            "note": str(given.get("note") or ""),
        }

    def _move(self, receipt: Doc, status: str, body: Doc, *, fresh: bool = False) -> None:
        """Bring a receipt to a status, by way of those in between; each tells what it means."""
        _check_move(receipt, status)
        if status == receipt["state"]:
            return
        if status in ("paid", "shipped", "delivered") and receipt["paid_ms"] is None:
            self._pay(receipt)
        if status in ("shipped", "delivered") and not receipt["shipped_ms"]:
            self.ship(receipt, str(body.get("carrier") or "usps"), str(body.get("tracking") or self._number()))
        if status == "delivered":
            receipt["state"], receipt["delivered"] = "delivered", True
            self._saved(receipt, "order.delivered")
        elif status == "canceled":
            receipt["state"] = "canceled"
            receipt["canceled"] = {"reason": str(body.get("reason") or "Buyer asked to cancel")}
            self._saved(receipt, "" if fresh else "order.canceled")
        elif status == "processing":
            receipt["state"] = "processing"
            self._saved(receipt, "")

    def _pay(self, receipt: Doc) -> None:
        """The payment came: only the time of change moves, the time of creation stays."""
        receipt["state"], receipt["paid_ms"] = "paid", self.state.now_ms()
        self._saved(receipt, "order.paid")

    def ship(self, receipt: Doc, carrier: str, tracking: str) -> Doc:
        """Note a parcel (the whole receipt counts as shipped) and mail the buyer; returns the shipment."""
        now = self.state.now_ms()
        shipment = {
            "id": 1_200_000_000_000 + self.world.next_id("etsy_shipment") * 3,
            "at_ms": now,
            "carrier": carrier,
            "tracking": tracking,
        }
        receipt["shipments"].append(shipment)
        receipt["mails"] += 1
        first = receipt["shipped_ms"] is None
        receipt["shipped_ms"] = receipt["shipped_ms"] or now
        if not receipt["delivered"]:
            receipt["state"] = "shipped"
        self._saved(receipt, "order.shipped" if first else "")
        return shipment

    def _number(self) -> str:
        return f"9400{self.chance.randrange(10**18):018d}"

    def _saved(self, receipt: Doc, event: str) -> None:
        self.state.save(receipt)
        if event:
            for told in self.etsy.on_change:
                told(receipt, event)


_ORDER = ("pending", "processing", "paid", "shipped", "delivered")


def _check_move(receipt: Doc, status: str) -> None:
    """Refuse what no order's life does: out of a cancellation, or backwards."""
    here = receipt["state"]
    if not status or status == here:
        return
    if here == "canceled" or (status == "canceled" and here in ("shipped", "delivered")):
        raise Refusal("status", f"the order is {here}", 409)
    if status != "canceled" and _ORDER.index(status) < _ORDER.index(here):
        raise Refusal("status", f"an order that is {here} does not become {status} again", 409)


# ── money and small helpers ──────────────────────────────────────────────────────────────────────────────────────────


def goods(receipt: Doc) -> Decimal:
    """Return the sum of price times quantity, before coupons."""
    return sum((Decimal(line["unit_price"]) * line["quantity"] for line in receipt["lines"]), ZERO)


def part(receipt: Doc, name: str) -> Decimal:
    """Return the sum of one amount over the lines: `discount` or `shipping`."""
    return sum((Decimal(line[name]) for line in receipt["lines"]), ZERO)


def grandtotal(receipt: Doc) -> Decimal:
    """Return what the buyer paid: goods less coupons, shipping, sales tax, VAT and gift wrap."""
    plus = part(receipt, "shipping") + Decimal(receipt["tax"]) + Decimal(receipt["vat"]) + Decimal(receipt["gift_wrap"])
    return goods(receipt) - part(receipt, "discount") + plus


def refunded(receipt: Doc) -> Decimal:
    """Return what was paid back so far."""
    return sum((Decimal(refund["amount"]) for refund in receipt["refunds"]), ZERO)


def etsy_status(receipt: Doc) -> str:
    """Return Etsy's own word for where a receipt stands; a refund outweighs paid and completed."""
    if receipt["refunds"] and receipt["state"] != "canceled":
        return "fully refunded" if refunded(receipt) >= grandtotal(receipt) else "partially refunded"
    return STATUSES[receipt["state"]]


def _gift(body: Doc, currency: str) -> tuple[str, Doc | None]:
    """Read `gift_wrap` (true, a price, or {price, message, sender}) and `gift` (true or {message, sender})."""
    wrap, gift = body.get("gift_wrap"), body.get("gift")
    if wrap and wrap is not True and not isinstance(wrap, dict | str):
        raise Refusal("gift_wrap", "true, a price, or an object is wanted")
    if gift and gift is not True and not isinstance(gift, dict):
        raise Refusal("gift", "true or an object with message and sender is wanted")
    if not wrap and not gift:
        return "0", None
    given = {"price": wrap} if isinstance(wrap, str) else wrap if isinstance(wrap, dict) else {}
    price = money(given, "price", Decimal("3.99"), "gift_wrap.price") if wrap else ZERO
    words = {**given, **(gift if isinstance(gift, dict) else {})}
    said = {"message": str(words.get("message") or ""), "sender": str(words.get("sender") or "")}
    return amount(price, currency), said


_ADDRESS_NAMES = {
    "address1": "first_line",
    "address2": "second_line",
    "city": "city",
    "state": "state",
    "province": "state",
    "postal_code": "zip",
    "zip": "zip",
    "country": "country_iso",
}


def _address(given: Doc, country: str) -> Doc:
    """Read an address in the control API's words or in Etsy's own."""
    known = (*_ADDRESS_NAMES, *_ADDRESS_NAMES.values(), "name", "company", "phone")
    address: Doc = dict.fromkeys(("first_line", "second_line", "city", "state", "zip"), "")
    address["country_iso"] = country
    for key, value in given.items():
        if key not in known:
            raise Refusal(f"buyer.address.{key}", f"not known; known are {', '.join(sorted(set(known)))}")
        # A receipt has no field for a company or a telephone number.
        field = _ADDRESS_NAMES.get(key, key)
        if field in address:
            address[field] = str(value or "")
    return address
