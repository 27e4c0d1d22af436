"""eBay's pricing → line amounts that add up to what the buyer paid.

The order's pricingSummary is the truth; the lines tell most of it. With the tax broken down (TAX_BREAKDOWN, which every
read asks for), the total holds the tax eBay collects. eBay's contract leaves open whether a line's price holds the tax
(VAT), and whether the order's delivery cost holds the import charges. So each reading is tried, and the one whose parts
add up to eBay's own total is taken. What the order tells and no line does (an adjustment, a coupon) is spread over the
lines by what they cost, to the cent. No reading fits: the order says by how much, and is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connectors.contract.types import MarketplaceOrderLine
from connectors.reading import Unreadable, each, number, part, text
from salestio.lib.money import spread, unit

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Priced:
    """Lines with their amounts, the currency, what the buyer paid (None: not told), and what does not add up."""

    lines: tuple[MarketplaceOrderLine, ...]
    currency: str
    total: Decimal | None
    problem: str = ""


class _Currency:
    """Reads amounts, all in the one currency of the order: `value`, never what it was converted from."""

    def __init__(self) -> None:
        self.code = ""

    def amount(self, raw: Mapping[str, Any], key: str) -> Decimal | None:
        """Return the amount under a key, or None when there is none. Raises `Unreadable` for an odd one."""
        if raw.get(key) is None:
            return None
        money = part(raw, key)
        read = number(money.get("value"))
        code = text(money, "currency").upper()
        if read is None or not code:
            raise Unreadable(f"eBay sent an amount we cannot read ({key})")
        if self.code and code != self.code:
            raise Unreadable(f"eBay sent amounts in two currencies ({self.code} and {code})")
        self.code = code
        return read


@dataclass(frozen=True, slots=True)
class _LineTerms:
    """What one line tells of itself; discounts are positive."""

    cost: Decimal
    discount: Decimal
    shipping: Decimal
    shipping_discount: Decimal
    charges: Decimal
    """Import charges and the shipping provider's fee."""
    tax: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True)
class _Reading:
    """One meaning of the order's figures: the sums of each kind. Discounts are positive."""

    cost: Decimal
    discount: Decimal
    shipping: Decimal
    shipping_discount: Decimal
    charges: Decimal
    adjustment: Decimal
    tax: Decimal
    fees: Decimal
    tax_inside: bool = False
    """The prices hold the tax."""

    @property
    def total(self) -> Decimal:
        plus = self.cost + self.shipping + self.charges + self.adjustment + self.fees
        return plus - self.discount - self.shipping_discount + (ZERO if self.tax_inside else self.tax)


def price(
    body: Mapping[str, Any], lines: Sequence[tuple[MarketplaceOrderLine, Mapping[str, Any]]], *, currency: str
) -> Priced:
    """Return the lines with their amounts; `body` is the order, beside each line stands its raw item.

    `currency` serves where nothing has a price. Raises `Unreadable` for amounts that cannot be read or mix currencies.
    """
    money = _Currency()
    summary = part(body, "pricingSummary")
    total = money.amount(summary, "total")
    told = [_told(item, money) for _, item in lines]
    bare = [line for line, _ in lines]
    if total is None:
        return Priced(tuple(bare), money.code or currency, None, "eBay gave no total for this order")
    readings = list(_readings(summary, told, money))
    chosen = next((one for one in readings if one.total == total), None)
    if chosen is None:
        first = readings[0].total
        words = f"the parts add up to {first} {money.code}, eBay's total is {total} {money.code}"
        return Priced(_spread(bare, told, readings[0], money.code), money.code, total, words)
    priced = _spread(bare, told, chosen, money.code)
    sums = sum((line.total or ZERO for line in priced), ZERO)
    words = "" if sums == total else f"the lines add up to {sums} {money.code}, eBay's total is {total} {money.code}"
    return Priced(priced, money.code, total, words)


def _told(item: Mapping[str, Any], money: _Currency) -> _LineTerms:
    cost = money.amount(item, "lineItemCost")
    if cost is None:
        raise Unreadable(f"eBay gave no price for line {text(item, 'lineItemId')}")
    discounted = money.amount(item, "discountedLineItemCost")
    delivery = part(item, "deliveryCost")
    charges = [money.amount(delivery, key) or ZERO for key in ("importCharges", "shippingIntermediationFee")]
    taxes = [(text(entry, "taxType").upper(), money.amount(entry, "amount") or ZERO) for entry in each(item, "taxes")]
    return _LineTerms(
        cost=cost,
        discount=cost - discounted if discounted is not None else ZERO,
        shipping=(money.amount(delivery, "shippingCost") or ZERO) + (money.amount(delivery, "handlingCost") or ZERO),
        shipping_discount=abs(money.amount(delivery, "discountAmount") or ZERO),
        charges=sum(charges, ZERO),
        tax=sum((amount for kind, amount in taxes if not _is_fee(kind)), ZERO),
        fees=sum((amount for kind, amount in taxes if _is_fee(kind)), ZERO),
    )


def _is_fee(tax_type: str) -> bool:
    """Say whether an entry of the tax breakdown is a fee (electronic waste, tires), which eBay lists among the taxes."""
    return tax_type.endswith("_FEE")


def _readings(summary: Mapping[str, Any], told: Sequence[_LineTerms], money: _Currency) -> Iterator[_Reading]:
    """Yield the possible meanings of the order's figures, the likeliest first."""

    def of_lines(name: str) -> Decimal:
        return sum((getattr(line, name) for line in told), ZERO)

    def figure(key: str, name: str) -> Decimal:
        amount = money.amount(summary, key)
        return of_lines(name) if amount is None else amount

    charges = of_lines("charges")
    plain = _Reading(
        cost=figure("priceSubtotal", "cost"),
        discount=abs(figure("priceDiscount", "discount")),
        shipping=figure("deliveryCost", "shipping"),
        shipping_discount=abs(figure("deliveryDiscount", "shipping_discount")),
        charges=ZERO,
        adjustment=money.amount(summary, "adjustment") or ZERO,
        tax=figure("tax", "tax"),
        fees=figure("fee", "fees"),
    )
    base = [plain]
    if charges:
        # Import charges on top of the delivery cost, or within it: then they are taken out, to be shown apart.
        base.append(replace(plain, charges=charges))
        if plain.shipping >= charges:
            base.insert(0, replace(plain, shipping=plain.shipping - charges, charges=charges))
    if plain.fees:
        base += [replace(one, fees=ZERO) for one in base]
    if plain.discount != of_lines("discount") or plain.shipping_discount != of_lines("shipping_discount"):
        base += [
            replace(one, discount=of_lines("discount"), shipping_discount=of_lines("shipping_discount")) for one in base
        ]
    yield from base
    yield from (replace(one, tax_inside=True) for one in base if one.tax)
    # The summary's tax may be the lines' without what eBay collects, or missing it.
    lines_tax = of_lines("tax")
    if lines_tax != plain.tax:
        yield from (replace(one, tax=lines_tax) for one in base)
        yield from (replace(one, tax=lines_tax, tax_inside=True) for one in base if lines_tax)


def _spread(
    lines: Sequence[MarketplaceOrderLine], told: Sequence[_LineTerms], reading: _Reading, currency: str
) -> tuple[MarketplaceOrderLine, ...]:
    """Return the lines with each sum of the reading on them: as the lines tell it where that agrees, else spread."""
    costs = [line.cost for line in told]

    def shares(amount: Decimal, own: Sequence[Decimal], by: Sequence[Decimal] = costs) -> list[Decimal]:
        if sum(own, ZERO) == amount:
            return list(own)
        weights = own if sum(own, ZERO) > 0 and min(own) >= 0 else [max(weight, ZERO) for weight in by]
        if not any(weights):
            weights = [Decimal(1)] * len(own)
        # Nothing finer than the smallest unit can be spread; such an amount stays whole on the first line.
        if amount % unit(currency):
            return [amount, *[ZERO] * (len(own) - 1)] if own else []
        return spread(amount, weights, currency)

    def taken_off(amount: Decimal, own: Sequence[Decimal], prices: Sequence[Decimal]) -> list[Decimal]:
        """Return what is off each price: its own, and of the rest no more than the price has left."""
        rest = amount - sum(own, ZERO)
        if rest <= 0:
            return shares(amount, own)
        more = shares(rest, nothing, [price - off for price, off in zip(prices, own, strict=True)])
        return [off + extra for off, extra in zip(own, more, strict=True)]

    nothing = [ZERO] * len(told)
    shippings = shares(reading.shipping, [line.shipping for line in told])
    discounts = taken_off(reading.discount, [line.discount for line in told], costs)
    shipping_discounts = taken_off(reading.shipping_discount, [line.shipping_discount for line in told], shippings)
    # An adjustment downwards comes off the items, and what they cannot hold off the shipping.
    down = max(-reading.adjustment, ZERO)
    of_items = min(down, max(sum(costs, ZERO) - sum(discounts, ZERO), ZERO))
    discounts = taken_off(sum(discounts, ZERO) + of_items, discounts, costs)
    shipping_discounts = taken_off(sum(shipping_discounts, ZERO) + down - of_items, shipping_discounts, shippings)
    charges = shares(reading.charges, [line.charges for line in told])
    taxes = shares(reading.tax, [line.tax for line in told])
    fees = shares(reading.fees, [line.fees for line in told])
    added = shares(max(reading.adjustment, ZERO), nothing)
    found = []
    for number_, line in enumerate(lines):
        tax, discount = taxes[number_], discounts[number_]
        other = charges[number_] + fees[number_] + added[number_]
        inside = tax if reading.tax_inside else ZERO
        # Tax within the prices is taken out of the item's; what that price cannot hold is the shipping's.
        of_item = max(min(inside, costs[number_] - discount), ZERO)
        of_shipping = inside - of_item
        item_total = costs[number_] - of_item
        shipping, shipping_discount = shippings[number_] - of_shipping, shipping_discounts[number_]
        found.append(
            replace(
                line,
                item_total=item_total,
                discount=discount,
                shipping=shipping,
                shipping_discount=shipping_discount,
                other=other,
                tax=tax,
                shipping_tax=of_shipping,
                total=item_total - discount + shipping - shipping_discount + other + tax,
            )
        )
    return tuple(found)
