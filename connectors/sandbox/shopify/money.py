"""Amounts the way the pretend shop keeps them.

An amount is a decimal string in the order's shop currency, or a pair ``[shop, presentment]`` when the buyer paid in
another currency.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from typing import Any

Amount = str | list[str]
Pair = tuple[Decimal, Decimal]

_NO_DECIMALS = frozenset(
    {"JPY", "KRW", "VND", "CLP", "ISK", "PYG", "UGX", "XAF", "XOF", "XPF", "RWF", "BIF", "DJF", "GNF", "KMF", "VUV"}
)
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
ZERO = Decimal(0)
NOTHING: Pair = (ZERO, ZERO)


@cache
def exponent(currency: str) -> Decimal:
    """Return the smallest unit of a currency as a decimal: 0.01 for USD, 1 for JPY."""
    if currency in _NO_DECIMALS:
        return Decimal(1)
    return Decimal("0.001") if currency in _THREE_DECIMALS else Decimal("0.01")


def parse(value: object) -> Decimal:
    """Read a Decimal scalar; raises ValueError with Shopify's kind of sentence."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"invalid decimal value {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"invalid decimal value {value!r}")
    return number


def cents(value: Decimal, currency: str) -> Decimal:
    """Round half up to the currency's smallest unit."""
    return value.quantize(exponent(currency), rounding=ROUND_HALF_UP)


def plus(*pairs: Pair) -> Pair:
    """Add pairs face by face."""
    return (sum((p[0] for p in pairs), ZERO), sum((p[1] for p in pairs), ZERO))


def total(pairs: Iterable[Pair]) -> Pair:
    """Add up any number of pairs."""
    return plus(*pairs)


def minus(a: Pair, b: Pair) -> Pair:
    """Subtract face by face."""
    return (a[0] - b[0], a[1] - b[1])


def times(a: Pair, factor: Decimal | int) -> Pair:
    """Multiply both faces."""
    return (a[0] * factor, a[1] * factor)


def rounded(a: Pair, currencies: tuple[str, str]) -> Pair:
    """Round each face to its currency."""
    return (cents(a[0], currencies[0]), cents(a[1], currencies[1]))


def keep(a: Pair, currencies: tuple[str, str]) -> Amount:
    """Return the stored form of a pair: one string while both currencies are the same."""
    shop = str(cents(a[0], currencies[0]))
    return shop if currencies[0] == currencies[1] else [shop, str(cents(a[1], currencies[1]))]


def load(amount: Amount) -> Pair:
    """Return the pair of a stored amount."""
    if isinstance(amount, str):
        value = Decimal(amount)
        return (value, value)
    return (Decimal(amount[0]), Decimal(amount[1]))


def shown(amount: str) -> str:
    """Write an amount as the GraphQL API does: at least one decimal, no further trailing zeros ("12.0", "19.95")."""
    if "." not in amount:
        return amount + ".0"
    text = amount.rstrip("0")
    return text + "0" if text.endswith(".") else text


def bag(amount: Amount, currencies: tuple[str, str]) -> dict[str, Any]:
    """Return the MoneyBag of a stored amount."""
    shop, paid = (amount, amount) if isinstance(amount, str) else (amount[0], amount[1])
    return {
        "shopMoney": {"amount": shown(shop), "currencyCode": currencies[0]},
        "presentmentMoney": {"amount": shown(paid), "currencyCode": currencies[1]},
    }


def webhook_bag(amount: Amount, currencies: tuple[str, str]) -> dict[str, Any]:
    """Return the ``…_set`` of a webhook payload, which writes all decimals."""
    shop, paid = (amount, amount) if isinstance(amount, str) else (amount[0], amount[1])
    return {
        "shop_money": {"amount": shop, "currency_code": currencies[0]},
        "presentment_money": {"amount": paid, "currency_code": currencies[1]},
    }


def spread(whole: Decimal, weights: list[Decimal], currency: str) -> list[Decimal]:
    """Split an amount by weights so that the parts add up to it exactly; the largest remainders get the odd units."""
    base = sum(weights, ZERO)
    if not base:
        return [ZERO for _ in weights]
    unit = exponent(currency)
    exact = [whole * w / base for w in weights]
    parts = [value.quantize(unit, rounding=ROUND_DOWN) for value in exact]
    missing = int(((whole - sum(parts, ZERO)) / unit).to_integral_value())
    order = sorted(range(len(parts)), key=lambda i: (exact[i] - parts[i], -i), reverse=True)
    for i in order[:missing]:
        parts[i] += unit
    return parts
