"""An order's sums, as Shopify makes them from what ``orderCreate`` was given.

total = items less their discount + shipping less its discount + tax (the tax only where prices do not include it). Tax
lines without an
amount are worked out from their rate. Every amount has two faces: the shop's currency and the one the buyer paid in.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.sandbox.shopify import money
from connectors.sandbox.shopify.money import NOTHING, Pair

Currencies = tuple[str, str]


def face(given: dict[str, Any] | None) -> Pair | None:
    """Read a MoneyBagInput; without a presentment amount both faces are the shop's."""
    if given is None:
        return None
    shop = money.parse(given["shopMoney"]["amount"])
    paid = given.get("presentmentMoney")
    return (shop, money.parse(paid["amount"]) if paid else shop)


def tax_lines(
    given: list[dict[str, Any]], base: Pair, *, included: bool, currencies: Currencies
) -> list[dict[str, Any]]:
    """Return stored tax lines (``title, rate, amount, channelLiable``) for the amount they are levied on."""
    lines = []
    for line in given:
        rate = money.parse(line["rate"])
        amount = face(line.get("priceSet"))
        if amount is None:
            factor = rate / (1 + rate) if included else rate
            amount = money.rounded(money.times(base, factor), currencies)
        lines.append(
            {
                "title": line["title"],
                "rate": float(rate),
                "amount": money.keep(amount, currencies),
                "channelLiable": line.get("channelLiable"),
            }
        )
    return lines


def tax_of(lines: list[dict[str, Any]]) -> Pair:
    """Add up stored tax lines."""
    return money.total(money.load(line["amount"]) for line in lines)


def discount_lines(code: dict[str, Any] | None, items: list[Pair], currencies: Currencies) -> list[Pair]:
    """Return the item discount of each line for the order's one discount code (a fixed sum or a percentage of the
    items)."""
    none = [NOTHING for _ in items]
    if not code:
        return none
    whole = money.total(items)
    fixed, percent = code.get("itemFixedDiscountCode"), code.get("itemPercentageDiscountCode")
    if fixed:
        cut = face(fixed.get("amountSet")) or NOTHING
        cut = (min(cut[0], whole[0]), min(cut[1], whole[1]))
    elif percent:
        share = Decimal(str(percent.get("percentage") or 0)) / 100
        cut = money.rounded(money.times(whole, share), currencies)
    else:
        return none
    parts = [money.spread(cut[i], [item[i] for item in items], currencies[i]) for i in (0, 1)]
    return list(zip(parts[0], parts[1], strict=True))


def order_totals(order: dict[str, Any], currencies: Currencies) -> dict[str, Any]:
    """Return the stored totals of an order document whose lines, shipping lines and tax lines are complete."""
    items = money.total(money.times(money.load(line["price"]), line["quantity"]) for line in order["lines"])
    off_items = money.total(money.load(line["discount"]) for line in order["lines"])
    shipping = money.total(money.load(line["price"]) for line in order["shipping"])
    off_shipping = money.total(money.load(line["discount"]) for line in order["shipping"])
    tax = tax_of(all_tax_lines(order))
    subtotal = money.minus(items, off_items)
    shipped = money.minus(shipping, off_shipping)
    total = money.plus(subtotal, shipped, NOTHING if order["taxesIncluded"] else tax)
    return {
        "items": money.keep(items, currencies),
        "subtotal": money.keep(subtotal, currencies),
        "discounts": money.keep(money.plus(off_items, off_shipping), currencies),
        "shipping": money.keep(shipped, currencies),
        "tax": money.keep(tax, currencies),
        "total": money.keep(total, currencies),
    }


def all_tax_lines(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Every tax line of the order: its own, else those of its lines and shipping lines."""
    if order["orderTaxLines"]:
        return list(order["orderTaxLines"])
    return [tax for line in order["lines"] + order["shipping"] for tax in line["taxLines"]]


def received(order: dict[str, Any]) -> Pair:
    """What successful sales and captures brought in."""
    return money.total(
        money.load(t["amount"])
        for t in order["transactions"]
        if t["status"] == "SUCCESS" and t["kind"] in ("SALE", "CAPTURE")
    )


def refunded(order: dict[str, Any]) -> Pair:
    """What was given back."""
    return money.total(money.load(refund["total"]) for refund in order["refunds"])


def financial_status(order: dict[str, Any]) -> str:
    """Derive the payment state from the transactions, as Shopify does where none is given."""
    total, paid = money.load(order["totals"]["total"])[0], received(order)[0]
    back = refunded(order)[0]
    if back and back >= max(total, paid):
        return "REFUNDED"
    if back:
        return "PARTIALLY_REFUNDED"
    if any(t["kind"] == "AUTHORIZATION" and t["status"] == "SUCCESS" for t in order["transactions"]) and not paid:
        return "AUTHORIZED"
    if paid >= total:
        return "PAID" if order["transactions"] or not total else "PENDING"
    return "PARTIALLY_PAID" if paid else "PENDING"


def fulfillment_status(order: dict[str, Any]) -> str:
    """Derive the shipping state from the fulfillment orders' lines."""
    lines = [line for fo in order["fulfillmentOrders"] if fo["status"] != "CANCELLED" for line in fo["lines"]]
    shipped = sum(part["quantity"] for f in order["fulfillments"] if f["status"] == "SUCCESS" for part in f["lines"])
    remaining = sum(line["remaining"] for line in lines)
    if shipped:
        return "PARTIALLY_FULFILLED" if remaining else "FULFILLED"
    return "UNFULFILLED"
