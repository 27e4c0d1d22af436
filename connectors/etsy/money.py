"""Etsy's amounts → line amounts that add up to what the buyer paid.

A Money is {amount, divisor, currency_code} and becomes a `Decimal` here, once. Coupons, shipping, tax and gift wrap
belong to the whole receipt and are shared out on its lines to the last cent.

Etsy's contract does not say everything: grandtotal is "total_price minus the coupon discount plus tax and shipping",
and whether value-added tax and gift wrap come on top of that stays open. So each reading is tried, and the one that
gives Etsy's own grandtotal is taken. None of them: the order says by how much it does not add up, and is held. Nothing
is ever adjusted to fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connectors.contract.types import MarketplaceOrderLine
from connectors.etsy.reading import number, text, whole
from connectors.reading import Unreadable, part
from salestio.lib.money import unit as smallest_unit

ZERO = Decimal(0)

_DIVISORS = frozenset({1, 10, 100, 1000, 10000})

Pair = tuple[MarketplaceOrderLine, Mapping[str, Any]]
"""A line without amounts, and its raw transaction."""


@dataclass(frozen=True, slots=True)
class Priced:
    """Lines with their amounts, the currency, what the buyer paid (None: not told), and what does not add up."""

    lines: tuple[MarketplaceOrderLine, ...]
    currency: str
    total: Decimal | None
    problem: str = ""


class _Purse:
    """Reads amounts; collects the one currency of a receipt."""

    def __init__(self) -> None:
        self.code = ""

    @property
    def unit(self) -> Decimal:
        """Return the currency's smallest unit. A divisor says how an amount is written, not what can be paid."""
        return smallest_unit(self.code)

    def amount(self, raw: Mapping[str, Any], key: str) -> Decimal | None:
        """Return the amount under a key, or None when there is none. Raises `Unreadable` for an odd one."""
        if raw.get(key) is None:
            return None
        money = part(raw, key)
        amount, divisor = whole(money.get("amount")), whole(money.get("divisor"))
        code = text(money, "currency_code").upper()
        if amount is None or divisor not in _DIVISORS or not code:
            raise Unreadable(f"Etsy sent an amount we cannot read ({key})")
        if self.code and code != self.code:
            raise Unreadable(f"Etsy sent amounts in two currencies ({self.code} and {code})")
        self.code = code
        return Decimal(amount) / divisor


@dataclass(frozen=True, slots=True)
class _Terms:
    """What stands on the whole receipt; discounts are positive."""

    discount: Decimal
    shipping: Decimal
    tax: Decimal
    gift_wrap: Decimal

    @property
    def net(self) -> Decimal:
        return self.shipping + self.tax + self.gift_wrap - self.discount


def price(receipt: Mapping[str, Any], pairs: Sequence[Pair]) -> Priced:
    """Return the lines with their amounts. Raises `Unreadable` for amounts that cannot be read or mix currencies."""
    purse = _Purse()
    total = purse.amount(receipt, "grandtotal")
    lines = [_priced(line, raw, purse) for line, raw in pairs]
    goods = sum((line.item_total or ZERO for line in lines), ZERO)
    readings = list(_readings(receipt, pairs, purse, goods))
    terms = next((one for one in readings if total is not None and goods + one.net == total), readings[0])
    shared = _shared(lines, [raw for _, raw in pairs], terms, purse)
    unpriced = [line.line_id for line in lines if line.item_total is None]
    if total is None:
        return Priced(shared, purse.code, None, "Etsy gave no total for this order")
    if unpriced:
        return Priced(shared, purse.code, total, f"Etsy gave no price for line {', '.join(unpriced)}")
    told = sum((line.total or ZERO for line in shared), ZERO)
    words = ""
    if told != total:
        words = f"the lines add up to {told} {purse.code}, Etsy's total is {total} {purse.code}"
    return Priced(shared, purse.code, total, words)


def _priced(line: MarketplaceOrderLine, raw: Mapping[str, Any], purse: _Purse) -> MarketplaceOrderLine:
    unit = purse.amount(raw, "price")
    return replace(line, item_total=None if unit is None else unit * line.quantity)


def _readings(receipt: Mapping[str, Any], pairs: Sequence[Pair], purse: _Purse, goods: Decimal) -> Iterator[_Terms]:
    """Yield the possible meanings of the receipt's amounts, the likeliest first."""

    def told(key: str) -> Decimal:
        return purse.amount(receipt, key) or ZERO

    # Written as a negative number or not: a coupon takes off.
    discount = abs(told("discount_amt"))
    shipping, tax, vat, gift = (
        told(key) for key in ("total_shipping_cost", "total_tax_cost", "total_vat_cost", "gift_wrap_price")
    )
    discounts = [discount]
    subtotal = purse.amount(receipt, "subtotal")
    if subtotal is not None and goods > subtotal:
        discounts.append(goods - subtotal)
    paid_by_etsy = _coupons(pairs, "buyer_coupon")
    if paid_by_etsy is not None and any(paid_by_etsy):
        discounts.append(discount + sum(paid_by_etsy, ZERO))
    for off in dict.fromkeys(discounts):
        for wrap in dict.fromkeys((gift, ZERO)):
            # Value-added tax is on top, or within the prices, where it stays.
            for added in dict.fromkeys((tax + vat, tax)):
                yield _Terms(discount=off, shipping=shipping, tax=added, gift_wrap=wrap)


def _coupons(pairs: Sequence[Pair], key: str) -> list[Decimal] | None:
    """Return each line's part of a coupon, or None when Etsy does not tell them all."""
    read = [number(raw.get(key)) for _, raw in pairs]
    return [abs(value) for value in read if value is not None] if None not in read else None


def _shared(
    lines: Sequence[MarketplaceOrderLine], raws: Sequence[Mapping[str, Any]], terms: _Terms, purse: _Purse
) -> tuple[MarketplaceOrderLine, ...]:
    """Share the receipt's terms out on its lines, exactly."""
    if not lines:
        return ()
    unit = purse.unit
    goods = [line.item_total or ZERO for line in lines]
    off = _told_or_spread(terms.discount, _coupons(list(zip(lines, raws, strict=True)), "shop_coupon"), goods, unit)
    physical = [ZERO if line.digital else weight for line, weight in zip(lines, goods, strict=True)]
    units = [ZERO if line.digital else Decimal(line.quantity) for line in lines]
    parcels = next((weights for weights in (physical, units, goods) if any(weights)), [Decimal(1)] * len(lines))
    told = [purse.amount(raw, "shipping_cost") or ZERO for raw in raws]
    shipping = _told_or_spread(terms.shipping, told, parcels, unit)
    wrap = spread(terms.gift_wrap, parcels, unit)
    taxed = [weight - less + sent for weight, less, sent in zip(goods, off, shipping, strict=True)]
    tax = spread(terms.tax, taxed if any(part > 0 for part in taxed) else goods, unit)
    return tuple(
        replace(
            line,
            discount=off[at],
            shipping=shipping[at],
            gift_wrap=wrap[at],
            tax=tax[at],
            # Etsy shows tax apart only where it collects it itself, and pays it to the state.
            tax_collected_by_marketplace=tax[at] > 0,
            total=None if line.item_total is None else line.item_total - off[at] + shipping[at] + wrap[at] + tax[at],
        )
        for at, line in enumerate(lines)
    )


def _told_or_spread(
    amount: Decimal, told: Sequence[Decimal] | None, weights: Sequence[Decimal], unit: Decimal
) -> list[Decimal]:
    """Return the shares Etsy told if they make up the amount, else shares by weight."""
    if told is not None and sum(told, ZERO) == amount and all(part % unit == 0 for part in told):
        return list(told)
    return spread(amount, weights, unit)


def spread(amount: Decimal, weights: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    """Return parts of `amount` in proportion to the weights (zero or more), in whole `unit`s, that add up exactly.

    The units left over by rounding down go to the largest remainders, the first line first among equals. Weights that
    are all zero count as equal.
    """
    if not weights:
        return []
    counted = [max(weight, ZERO) for weight in weights]
    if not any(counted):
        counted = [Decimal(1)] * len(weights)
    pieces = int(abs(amount) / unit)
    exact = [pieces * weight / sum(counted, ZERO) for weight in counted]
    parts = [int(share) for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in by_remainder[: pieces - sum(parts)]:
        parts[at] += 1
    sign = -1 if amount < 0 else 1
    shares = [sign * units * unit for units in parts]
    shares[0] += amount - sum(shares, ZERO)  # less than one unit: an amount finer than the currency
    return shares
