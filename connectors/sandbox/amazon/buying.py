"""What buyers and the marketplace do: orders are placed, paid, shipped, canceled, refunded.

Bodies are the control API's (`POST` and `PATCH /_control/accounts/amazon/{key}/orders`); money is decimal strings in
the order's currency. `Refusal` names the field that is wrong.
"""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connectors.sandbox import order_bodies
from connectors.sandbox.amazon import people
from connectors.sandbox.amazon.common import Amazon
from connectors.sandbox.amazon.sites import SITES, Site
from connectors.sandbox.amazon.state import Doc, amount
from connectors.sandbox.order_bodies import MODES, choice, money, share
from connectors.sandbox.platforms import Refusal
from connectors.sandbox.world import iso_ms

STATUSES = {"pending": "PENDING", "paid": "UNSHIPPED", "shipped": "SHIPPED", "canceled": "CANCELLED"}
"""The control API's words for the states a buyer's order may be placed in."""
WORDS = {
    "PENDING_AVAILABILITY": "pending",
    "PENDING": "pending",
    "UNSHIPPED": "paid",
    "PARTIALLY_SHIPPED": "partially_shipped",
    "SHIPPED": "shipped",
    "CANCELLED": "canceled",
    "UNFULFILLABLE": "unfulfillable",
}
ZERO = Decimal(0)


class Buyers:
    """Places orders and moves them on. `chance` makes people and ids; give it a seed for a repeatable world."""

    def __init__(self, amazon: Amazon, chance: random.Random | None = None) -> None:
        self.amazon = amazon
        self.world = amazon.world
        self.state = amazon.state
        self.chance = chance or random.Random()

    # ── placing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def place(self, seller: str, body: Doc) -> list[str]:
        """Place `count` orders and return their ids. Raises Refusal."""
        count = order_bodies.count_of(body)
        status = choice(body, "status", tuple(STATUSES), "paid")
        choice(body, "mode", MODES, "push")
        site = order_bodies.site_of(SITES, self.state.sellers[seller]["sites"], body)
        lines = self._lines(seller, site, body)
        ids = []
        for _ in range(count):
            order = self._order(seller, site, body, [dict(line) for line in lines])
            ids.append(order["id"])
            order_bodies.live_up_to(self, order, status)
        return ids

    def _lines(self, seller: str, site: Site, body: Doc) -> list[Doc]:
        lines = [self._line(seller, site, line, field) for line, field in order_bodies.lines_of(body)]
        for name in ("discount", "shipping", "tax"):
            share(lines, name, money(body, name), lambda value: amount(value, site.currency))
        for name in ("gift_wrap", "customization"):
            if body.get(name) and not lines[0].get(name):
                lines[0][name] = _gift(body, site) if name == "gift_wrap" else body[name]
        if body.get("replacement_of"):
            for line in lines:
                line.update(unit_price="0", discount="0", shipping="0", tax="0", gift_wrap=None)
        return lines

    def _line(self, seller: str, site: Site, line: Any, field: str) -> Doc:
        if not isinstance(line, dict) or not isinstance(line.get("sku"), str) or not line["sku"]:
            raise Refusal(f"{field}.sku", "the seller's SKU is wanted")
        quantity = order_bodies.whole(line, "quantity", 9999, f"{field}.quantity")
        variation = order_bodies.variation_of(line, field)
        listing = self.state.listing(seller, line["sku"]) or {}
        usual = listing.get("prices", {}).get(site.code, "20.00")
        title = line.get("title") or listing.get("title") or line["sku"]
        # SP-API has no field for a variation: sellers and Amazon write it into the title.
        shown = variation or (listing.get("variation") if listing.get("kind") == "title" else None)
        title = _with_variation(str(title), shown or {})
        return {
            "sku": line["sku"],
            "asin": listing.get("asin") or f"B0{self.chance.randrange(16**8):08X}",
            "title": title,
            "variation": variation or listing.get("variation") or {},
            "quantity": quantity,
            "shipped": 0,
            "unit_price": amount(money(line, "unit_price", Decimal(usual), f"{field}.unit_price"), site.currency),
            "discount": amount(money(line, "discount", field=f"{field}.discount"), site.currency),
            "shipping": amount(money(line, "shipping", field=f"{field}.shipping"), site.currency),
            "tax": amount(money(line, "tax", field=f"{field}.tax"), site.currency),
            "gift_wrap": _gift(line, site, field),
            "customization": line.get("customization"),
            "promotion": line.get("promotion"),
        }

    def _order(self, seller: str, site: Site, body: Doc, lines: list[Doc]) -> Doc:
        now = self.world.now()
        number = self.world.next_id("amazon_order")
        order_id = f"{self.chance.choice((111, 112, 113, 114))}-{self.chance.randrange(10**7):07d}-{number % 10**7:07d}"
        for line in lines:
            line["item_id"] = f"{self.chance.randrange(10, 99)}{self.world.next_id('amazon_item'):012d}"
        buyer, address = self._people(site, body)
        fulfilled_by = choice(body, "fulfilled_by", ("merchant", "marketplace"), "merchant")
        order: Doc = {
            "id": order_id,
            "seller": seller,
            "site": site.code,
            "marketplace_id": site.id,
            "currency": site.currency,
            "created_at": iso_ms(now),
            "updated_at": iso_ms(now),
            "status": "PENDING",
            "fulfilled_by": fulfilled_by,
            "mode": body.get("mode", "push"),
            "lines": lines,
            "buyer": buyer,
            "address": address,
            "programs": _programs(body, fulfilled_by),
            "service_level": "STANDARD" if fulfilled_by == "merchant" else "SECOND_DAY",
            "ship_by": [iso_ms(now), iso_ms(now + timedelta(days=2))],
            "deliver_by": [iso_ms(now + timedelta(days=3)), iso_ms(now + timedelta(days=7))],
            "packages": [],
            "refunds": [],
            "replacement_of": body.get("replacement_of"),
        }
        self.state.save(order)
        for line in lines:
            self.state.lower(seller, line["sku"], line["quantity"])
        return order

    def _people(self, site: Site, body: Doc) -> tuple[Doc, Doc | None]:
        given = body.get("buyer") or {}
        if not isinstance(given, dict):
            raise Refusal("buyer", "an object is wanted")
        buyer, address = people.buyer(self.chance, site.country, site.domain)
        for ours, theirs in (("name", "name"), ("email", "email"), ("company", "company"), ("po_number", "po_number")):
            if given.get(ours):
                buyer[theirs] = str(given[ours])
        if "address" not in given:
            address["name"] = buyer["name"]
            return buyer, address
        if given["address"] is None:
            return buyer, None
        if not isinstance(given["address"], dict):
            raise Refusal("buyer.address", "an object or null is wanted")
        return buyer, _address(given["address"], buyer["name"], site)

    # ── the order's life goes on ─────────────────────────────────────────────────────────────────────────────────────

    def pay(self, order: Doc, *, quiet: bool = False) -> None:
        """The payment is authorized: the order can be shipped."""
        self._move(order, "UNSHIPPED", ("PENDING", "PENDING_AVAILABILITY"), quiet=quiet)

    def ship(self, order: Doc, body: Doc) -> None:
        """Ship all that is not shipped. `carrier` and `tracking` are those of the parcel (FBA shows none)."""
        if order["status"] in ("PENDING", "CANCELLED", "UNFULFILLABLE"):
            raise Refusal("status", f"an order that is {WORDS[order['status']]} cannot be shipped", 409)
        left = {line["item_id"]: line["quantity"] - line["shipped"] for line in order["lines"]}
        if order["fulfilled_by"] == "merchant" and any(left.values()):
            now = iso_ms(self.world.now())
            order["packages"].append(
                {
                    "reference": str(len(order["packages"]) + 1),
                    "carrier": str(body.get("carrier") or "UPS"),
                    "service": str(body.get("service") or "Ground"),
                    "tracking": str(body.get("tracking") or f"1Z{self.chance.randrange(10**16):016d}"),
                    "ship_time": now,
                    "created_at": now,
                    "items": [{"item_id": item, "quantity": units} for item, units in left.items() if units],
                }
            )
        for line in order["lines"]:
            line["shipped"] = line["quantity"]
        self._move(order, "SHIPPED", ("UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"))

    def cancel(self, order: Doc, body: Doc) -> None:
        """Cancel an order nothing of which was shipped; `by` is buyer, merchant or amazon."""
        if order["status"] in ("SHIPPED", "PARTIALLY_SHIPPED"):
            raise Refusal("status", "an order that was shipped cannot be canceled", 409)
        by = str(body.get("by", "buyer")).upper()
        if by not in ("BUYER", "MERCHANT", "AMAZON"):
            raise Refusal("by", "one of buyer, merchant, amazon is wanted")
        order["canceled"] = {"by": by, "reason": str(body.get("reason") or "Order created by mistake")}
        self._move(order, "CANCELLED", ("PENDING", "PENDING_AVAILABILITY", "UNSHIPPED", "CANCELLED"))

    def _move(self, order: Doc, status: str, allowed: tuple[str, ...], *, quiet: bool = False) -> None:
        if order["status"] not in allowed:
            raise Refusal("status", f"the order is {WORDS[order['status']]}", 409)
        changed = order["status"] != status
        order["status"] = status
        self.state.save(order)
        if changed and not quiet:
            self._tell(order, "OrderStatusChange")

    def _tell(self, order: Doc, reason: str) -> None:
        if order["mode"] == "push":
            for told in self.amazon.on_change:
                told(order, reason)

    def change(self, order: Doc, body: Doc) -> None:
        """Apply a `PATCH`: status, mode, buyer, cancel_request, refund, quantities of lines. Raises Refusal."""
        known = {"status", "mode", "buyer", "cancel_request", "refund", "lines", "carrier", "tracking", "by", "reason"}
        unknown = sorted(set(body) - known)
        if unknown:
            raise Refusal(unknown[0], f"not known; known are {', '.join(sorted(known))}")
        status = choice(body, "status", tuple(STATUSES), "")
        mode = choice(body, "mode", MODES, order["mode"])
        rest = self._rest(order, body)
        order["mode"] = mode
        if status == "paid":
            self.pay(order)
        elif status == "shipped":
            self.ship(order, body)
        elif status == "canceled":
            self.cancel(order, body)
        elif status == "pending" and order["status"] != "PENDING":
            raise Refusal("status", "an order does not become pending again", 409)
        self._change_rest(order, body, rest)

    def _rest(self, order: Doc, body: Doc) -> Doc:
        """Read what a PATCH says beside the status, so that a refusal comes before anything is changed."""
        rest: Doc = {"quantities": {}}
        if "buyer" in body:
            rest["people"] = self._people(SITES[order["site"]], body)
        if body.get("refund"):
            refund = body["refund"] if isinstance(body["refund"], dict) else {"amount": body["refund"]}
            rest["refund"] = amount(money(refund, "amount", total(order), "refund.amount"), order["currency"])
        lines = body.get("lines") or []
        if not isinstance(lines, list):
            raise Refusal("lines", "a list is wanted")
        for n, given in enumerate(lines):
            line = next(
                (line for line in order["lines"] if isinstance(given, dict) and line["sku"] == given.get("sku")), None
            )
            units = given.get("quantity") if line else None
            if line is None or not isinstance(units, int) or not 0 <= units <= 9999:
                raise Refusal(f"lines[{n}]", "a SKU of the order and a quantity from 0 are wanted")
            rest["quantities"][line["item_id"]] = units
        return rest

    def _change_rest(self, order: Doc, body: Doc, rest: Doc) -> None:
        if "people" in rest:
            order["buyer"], order["address"] = rest["people"]
        if "refund" in rest:
            order["refunds"].append({"amount": rest["refund"], "at": iso_ms(self.world.now())})
        for line in order["lines"]:
            line["quantity"] = rest["quantities"].get(line["item_id"], line["quantity"])
        if body.get("cancel_request"):
            order["cancel_request"] = {"reason": str(body.get("reason") or "Bought by mistake")}
        if set(body) & {"buyer", "refund", "lines", "cancel_request", "mode"}:
            self.state.save(order)
        if body.get("cancel_request"):
            self._tell(order, "BuyerRequestedChange")


# ── money and small helpers ──────────────────────────────────────────────────────────────────────────────────────────


def line_total(line: Doc) -> Decimal:
    """Return what a line earns: units, shipping, gift wrap and tax, less the discount."""
    wrap = Decimal(line["gift_wrap"]["price"]) if line.get("gift_wrap") else ZERO
    plus = Decimal(line["unit_price"]) * line["quantity"] + Decimal(line["shipping"]) + Decimal(line["tax"]) + wrap
    return plus - Decimal(line["discount"])


def total(order: Doc) -> Decimal:
    """Return the order's grand total: the sum of its lines' proceeds."""
    return sum((line_total(line) for line in order["lines"]), ZERO)


def _with_variation(title: str, variation: Doc) -> str:
    """Return `T-Shirt: Size XL` for `T-Shirt` and {"Size": "XL"}; what the title says already is not repeated."""
    missing = [f"{name} {value}" for name, value in variation.items() if f"{name} {value}" not in title]
    return f"{title}: {', '.join(missing)}" if missing else title


def _gift(body: Doc, site: Site, field: str = "") -> Doc | None:
    """Read `gift_wrap`: true, a price, a message in an object with price and level."""
    given = body.get("gift_wrap")
    if not given:
        return None
    if isinstance(given, str):
        given = {"price": given}
    if given is True:
        given = {}
    if not isinstance(given, dict):
        raise Refusal(f"{field}.gift_wrap".lstrip("."), "true, a price, or an object is wanted")
    price = money(given, "price", Decimal("3.99"), f"{field}.gift_wrap.price".lstrip("."))
    return {
        "message": str(given.get("message") or "Happy birthday! Enjoy it outdoors."),
        "level": str(given.get("level") or "STANDARD"),
        "price": amount(price, site.currency),
    }


def _programs(body: Doc, fulfilled_by: str) -> list[str]:
    given = body.get("programs")
    if given is None:
        return ["PRIME"] if fulfilled_by == "marketplace" else []
    if not isinstance(given, list):
        raise Refusal("programs", "a list is wanted")
    return [str(program) for program in given]


_ADDRESS_NAMES = {
    "name": "name",
    "company": "companyName",
    "address1": "addressLine1",
    "address2": "addressLine2",
    "address3": "addressLine3",
    "city": "city",
    "state": "stateOrRegion",
    "province": "stateOrRegion",
    "postal_code": "postalCode",
    "zip": "postalCode",
    "country": "countryCode",
    "phone": "phone",
}


def _address(given: Doc, name: str, site: Site) -> Doc:
    """Read an address in the control API's words or in Amazon's own."""
    known = set(_ADDRESS_NAMES.values()) | {"districtOrCounty", "municipality", "addressType", "extendedFields"}
    address: Doc = {"name": name, "countryCode": site.country, "addressType": "RESIDENTIAL"}
    for key, value in given.items():
        field = _ADDRESS_NAMES.get(key, key)
        if field not in known:
            raise Refusal(f"buyer.address.{key}", f"not known; known are {', '.join(sorted(_ADDRESS_NAMES))}")
        address[field] = value
    return {key: value for key, value in address.items() if value not in (None, "")}
