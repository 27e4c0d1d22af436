"""Amazon's proceeds → line amounts that add up to what the buyer paid.

Amazon's contract does not say everything: whether ITEM holds the tax (in its examples it does not in the US), whether a
discount is written as a negative number, whether TAX is already net of the tax on the discount. So each reading is
tried, and the one whose terms add up to Amazon's own line total is taken. None of them: the order says by how much it
does not add up, and is held. Nothing is ever adjusted to fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connectors.contract.types import MarketplaceOrderLine
from connectors.reading import Unreadable, each, nested, number, part, text
from salestio.lib.money import rounded

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Priced:
    """Lines with their amounts, the currency, what the buyer paid (None: not told yet), and what does not add up."""

    lines: tuple[MarketplaceOrderLine, ...]
    currency: str
    total: Decimal | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Terms:
    """The terms of a line in Amazon's categories; discounts are positive."""

    item: Decimal
    discount: Decimal
    shipping: Decimal
    shipping_discount: Decimal
    gift_wrap: Decimal
    other: Decimal
    tax: Decimal
    shipping_tax: Decimal

    @property
    def total(self) -> Decimal:
        plus = self.item + self.shipping + self.gift_wrap + self.other + self.tax
        return plus - self.discount - self.shipping_discount


class _Currency:
    """Collects the one currency of an order."""

    def __init__(self) -> None:
        self.code = ""

    def amount(self, raw: Mapping[str, Any], key: str) -> Decimal | None:
        """Return the amount under a key, or None when there is none. Raises `Unreadable` for an odd one."""
        value = raw.get(key)
        if value is None:
            return None
        money = part(raw, key)
        read = number(money.get("amount"))
        code = text(money, "currencyCode").upper()
        if read is None or not code:
            raise Unreadable(f"Amazon sent an amount we cannot read ({key})")
        if self.code and code != self.code:
            raise Unreadable(f"Amazon sent amounts in two currencies ({self.code} and {code})")
        self.code = code
        return read


def price(
    proceeds: Mapping[str, Any],
    lines: Sequence[tuple[MarketplaceOrderLine, Mapping[str, Any]]],
    *,
    free: bool,
) -> Priced:
    """Return the lines with their amounts.

    `proceeds` is the order's, beside each line stands its raw item. `free` says that no amounts at all mean zero (a
    replacement). Raises `Unreadable` for amounts that cannot be read or mix currencies.
    """
    currency = _Currency()
    total = currency.amount(proceeds, "grandTotal")
    priced = [_line(line, item, currency, paid=bool(total)) for line, item in lines]
    if (total == 0 or (total is None and free)) and all(line.total is None for line in priced):
        return Priced(tuple(replace(line, item_total=ZERO, total=ZERO) for line in priced), currency.code, ZERO)
    if total is None:
        return Priced(tuple(priced), currency.code, None, "Amazon gave no total for this order")
    unpriced = [line.line_id for line in priced if line.total is None]
    if unpriced:
        return Priced(tuple(priced), currency.code, total, f"Amazon gave no amounts for line {', '.join(unpriced)}")
    crooked = [line.line_id for line in priced if _sum(line) != line.total]
    if crooked:
        words = f"the amounts of line {', '.join(crooked)} do not add up to Amazon's total for it"
        return Priced(tuple(priced), currency.code, total, words)
    return _against_total(priced, currency, total, proceeds)


def _against_total(
    lines: list[MarketplaceOrderLine], currency: _Currency, total: Decimal, proceeds: Mapping[str, Any]
) -> Priced:
    difference = total - sum((line.total or ZERO for line in lines), ZERO)
    if difference and lines:
        # A delivery tip belongs to no line; the store order has only lines to carry it.
        tips = [
            currency.amount(entry, "subtotal") or ZERO
            for entry in each(proceeds, "breakdowns")
            if text(entry, "type") == "DELIVERY_TIP"
        ]
        if difference == sum(tips, ZERO):
            first = lines[0]
            lines[0] = replace(first, other=first.other + difference, total=(first.total or ZERO) + difference)
            difference = ZERO
    words = ""
    if difference:
        words = f"the lines add up to {total - difference} {currency.code}, Amazon's total is {total} {currency.code}"
    return Priced(tuple(lines), currency.code, total, words)


def _sum(line: MarketplaceOrderLine) -> Decimal:
    plus = (line.item_total or ZERO) + line.shipping + line.gift_wrap + line.other + line.tax
    return plus - line.discount - line.shipping_discount


def _line(
    line: MarketplaceOrderLine, item: Mapping[str, Any], currency: _Currency, *, paid: bool
) -> MarketplaceOrderLine:
    """Return the line with its amounts; without any told, item_total and total stay None.

    The unit price serves where a paid order tells no proceeds of a line. Unpaid and free orders may show a price too,
    but there it is not what the buyer paid.
    """
    proceeds = part(item, "proceeds")
    total = currency.amount(proceeds, "proceedsTotal")
    breakdowns = each(proceeds, "breakdowns")
    if not breakdowns:
        if total is None and paid:
            unit = currency.amount(nested(item, "product", "price"), "unitPrice")
            total = unit * line.quantity if unit is not None else None
        return replace(line, item_total=total, total=total)
    readings = list(_readings(breakdowns, currency))
    chosen = next((terms for terms in readings if terms.total == total), readings[0])
    return replace(
        line,
        item_total=chosen.item,
        discount=chosen.discount,
        shipping=chosen.shipping,
        shipping_discount=chosen.shipping_discount,
        gift_wrap=chosen.gift_wrap,
        other=chosen.other,
        tax=chosen.tax,
        shipping_tax=chosen.shipping_tax,
        total=chosen.total if total is None else total,
    )


def _readings(breakdowns: Sequence[Mapping[str, Any]], currency: _Currency) -> Iterator[_Terms]:
    """Yield the possible meanings of a line's breakdown, the likeliest first."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    details: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in breakdowns:
        kind = text(entry, "type")
        sums[kind] += currency.amount(entry, "subtotal") or ZERO
        for detail in each(entry, "detailedBreakdowns"):
            details[kind, text(detail, "subtype")] += currency.amount(detail, "value") or ZERO
    # Written as a negative number or not: a discount takes off.
    off = {subtype: abs(value) for (kind, subtype), value in details.items() if kind == "DISCOUNT"}
    discount = abs(sums["DISCOUNT"])
    shipping_off, gift_off = off.get("SHIPPING", ZERO), off.get("GIFT_WRAP", ZERO)
    other_off = off.get("COD_FEE", ZERO) + off.get("OTHER", ZERO)
    known = {"ITEM", "SHIPPING", "GIFT_WRAP", "TAX", "DISCOUNT"}
    terms = _Terms(
        item=sums["ITEM"],
        discount=discount - shipping_off - gift_off - other_off,
        shipping=sums["SHIPPING"],
        shipping_discount=shipping_off,
        gift_wrap=sums["GIFT_WRAP"] - gift_off,
        other=sum((value for kind, value in sums.items() if kind not in known), ZERO) - other_off,
        tax=sums["TAX"],
        shipping_tax=details["TAX", "SHIPPING"],
    )
    for taxes in _tax_readings(terms, details, currency.code):
        yield from taxes
        # The discount's shipping part may come on top of the DISCOUNT subtotal instead of within it.
        yield from (replace(one, discount=discount) for one in taxes if discount != terms.discount)
        # Prices with the tax in them: it is still shown apart, and taken out of the prices so that nothing counts twice.
        yield from (_tax_taken_out(one, details) for one in taxes if one.tax)


def _tax_readings(
    terms: _Terms, details: Mapping[tuple[str, str], Decimal], currency: str
) -> tuple[tuple[_Terms, ...], ...]:
    """Return the meanings of the tax, those that are as likely as each other together, the likeliest first.

    Where TAX tells its parts, they say whether it is net of the tax on the discount.
    """
    on_discount = abs(details.get(("TAX", "DISCOUNT"), ZERO))
    if not on_discount:
        return ((terms,),)
    of_shipping = ZERO
    if terms.shipping > 0:
        of_shipping = rounded(terms.shipping_tax * terms.shipping_discount / terms.shipping, currency)
    stays = terms.shipping_tax - min(of_shipping, on_discount)
    as_told, less = (
        replace(terms, tax=tax, shipping_tax=min(stays, tax)) for tax in (terms.tax, terms.tax - on_discount)
    )
    told = sum((value for (kind, subtype), value in details.items() if kind == "TAX" and subtype != "DISCOUNT"), ZERO)
    if terms.tax == told - on_discount:
        return (as_told,), (less,)
    if terms.tax == told:
        return (less,), (as_told,)
    return ((as_told, less),)


def _tax_taken_out(terms: _Terms, details: Mapping[tuple[str, str], Decimal]) -> _Terms:
    gift_tax = details.get(("TAX", "GIFT_WRAP"), ZERO)
    other_tax = details.get(("TAX", "COD_FEE"), ZERO) + details.get(("TAX", "OTHER"), ZERO)
    of_item, of_shipping = terms.tax - terms.shipping_tax - gift_tax - other_tax, terms.shipping_tax
    # A cent of rounding is left on what a discount made free: the other price holds it.
    moved = max(of_item - max(terms.item - terms.discount, ZERO), ZERO)
    moved -= max(of_shipping - max(terms.shipping - terms.shipping_discount, ZERO), ZERO)
    of_item, of_shipping = of_item - moved, of_shipping + moved
    return replace(
        terms,
        item=terms.item - of_item,
        shipping=terms.shipping - of_shipping,
        shipping_tax=of_shipping,
        gift_wrap=terms.gift_wrap - gift_tax,
        other=terms.other - other_tax,
    )
