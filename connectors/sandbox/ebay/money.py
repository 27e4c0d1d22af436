"""What an order of the pretend eBay costs: its sums, and what was given back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

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
