"""What an order of the pretend eBay costs: its sums, and money as the control API writes it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.sandbox.ebay.state import amount
from connectors.sandbox.platforms import Refusal

Doc = dict[str, Any]
ZERO = Decimal(0)


def price(line: Doc) -> Decimal:
    """Return a line's units times their price, before any discount."""
    return Decimal(line["unit_price"]) * int(line["quantity"])


def line_total(line: Doc, *, ebay_tax: bool, tax_by: str) -> Decimal:
    """Return what a line costs; `ebay_tax` counts a tax in that eBay collects and remits itself (`tax_by` ebay)."""
    tax = Decimal(line["tax"]) if ebay_tax or tax_by == "seller" else ZERO
    delivery = Decimal(line["shipping"]) - Decimal(line["shipping_discount"])
    return price(line) - Decimal(line["discount"]) + delivery + tax


def tax(order: Doc) -> Decimal:
    """Return the tax on the whole order, whoever collects it."""
    return sum((Decimal(line["tax"]) for line in order["lines"]), ZERO)


def total(order: Doc, *, ebay_tax: bool = True) -> Decimal:
    """Return what the buyer pays; without `ebay_tax`, less what eBay collects and remits itself."""
    lines = (line_total(line, ebay_tax=ebay_tax, tax_by=order["tax_by"]) for line in order["lines"])
    return sum(lines, ZERO) - Decimal(order["order_discount"]) + Decimal(order["adjustment"])


def refunded(order: Doc, *states: str) -> Decimal:
    """Return how much of the order was given back, counting refunds in these states."""
    return sum((Decimal(r["amount"]) for r in order["refunds"] if r["status"] in states), ZERO)


def read(body: Doc, name: str, default: Decimal = ZERO, field: str = "", *, signed: bool = False) -> Decimal:
    """Return money of a control body, a decimal string; raises Refusal."""
    value = body.get(name)
    if value is None:
        return default
    try:
        money = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        money = None
    if money is None or not money.is_finite() or abs(money) > 10**9 or (money < 0 and not signed):
        raise Refusal(field or name, 'money is a decimal string such as "12.50"')
    return money


def share(lines: list[Doc], name: str, whole: Decimal) -> None:
    """Spread an amount of the whole order over its lines by their price; the last takes what rounding leaves."""
    if not whole:
        return
    prices = [price(line) for line in lines]
    left = whole
    for line, worth in zip(lines[:-1], prices, strict=False):
        part = Decimal(amount(whole * worth / (sum(prices) or 1)))
        line[name] = amount(Decimal(line[name]) + part)
        left -= part
    lines[-1][name] = amount(Decimal(lines[-1][name]) + left)
