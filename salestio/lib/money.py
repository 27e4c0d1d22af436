"""Money as Decimal in a currency's own units: 12.34 USD, 1234 JPY. No float anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

# ISO 4217 currencies whose smallest unit is not a hundredth.
DECIMALS: dict[str, int] = {
    **dict.fromkeys(
        (
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
            "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # fmt: skip


def decimals(currency: str) -> int:
    """Return how many decimals the currency has (USD 2, JPY 0, KWD 3)."""
    return DECIMALS.get(currency.upper(), 2)


def unit(currency: str) -> Decimal:
    """Return the currency's smallest unit (0.01 for USD, 1 for JPY)."""
    return Decimal(1).scaleb(-decimals(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Round half up to the currency's smallest unit."""
    return amount.quantize(unit(currency), rounding=ROUND_HALF_UP)


def split_units(total: Decimal, quantity: int, currency: str) -> list[tuple[int, Decimal]]:
    """Split a line total into (quantity, unit price) parts that add up to it exactly.

    The unit price is rounded down in the smallest unit; the remainder becomes a second part (2 × 3.33 + 1 × 3.34).
    Raises ValueError for a quantity below one or a total that is no multiple of the smallest unit.
    """
    if quantity < 1:
        raise ValueError("quantity must be at least 1")
    step = unit(currency)
    whole = total / step
    if whole != whole.to_integral_value():
        raise ValueError(f"{total} {currency} is not a multiple of {step}")
    low = (total / quantity).quantize(step, rounding=ROUND_DOWN)
    rest = int((total - low * quantity) / step)
    sign = 1 if rest >= 0 else -1
    rest = abs(rest)
    parts = [(quantity - rest, low)] if quantity > rest else []
    if rest:
        parts.append((rest, low + sign * step))
    return parts


def spread(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Spread a total over weights by largest remainder; the parts add up to it exactly.

    With all weights zero the first part takes everything. An empty list of weights gives an empty list.
    """
    if not weights:
        return []
    step = unit(currency)
    scale = sum(weights, Decimal(0))
    if scale == 0:
        return [total] + [Decimal(0)] * (len(weights) - 1)
    exact = [total * weight / scale for weight in weights]
    low = [part.quantize(step, rounding=ROUND_DOWN) for part in exact]
    missing = int(((total - sum(low, Decimal(0))) / step).to_integral_value())
    sign = 1 if missing >= 0 else -1
    by_remainder = sorted(range(len(weights)), key=lambda i: (-abs(exact[i] - low[i]), i))
    for i in by_remainder[: abs(missing)]:
        low[i] += sign * step
    return low


def shown(amount: Decimal | None, currency: str) -> str:
    """Return the amount as plain text with the currency's decimals ("12.30"); empty for None."""
    if amount is None:
        return ""
    return f"{rounded(amount, currency):.{decimals(currency)}f}"
