"""A bundle or multipack sold as one line becomes the store's own lines, price split by value (F45, F46). Pure.

Every amount of the sold line is spread over its parts by largest remainder, so that the parts together are worth
exactly what was sold, to the smallest unit of the currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from orders.domain.store_order import SoldLine
from salestio.lib.money import spread

AMOUNTS = (
    "item_total", "discount", "shipping", "shipping_discount", "gift_wrap", "other", "tax", "shipping_tax",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A component as the store has it: `units` of it are in one bundle, `price` is the store's own for one, if known."""

    variant_remote_id: str
    product_remote_id: str
    title: str
    sku: str
    units: int
    price: Decimal | None = None
    variant_title: str = ""
    requires_shipping: bool = True


def explode(line: SoldLine, parts: Sequence[Part], currency: str) -> list[SoldLine]:
    """Return one line a part, in the parts' order; their amounts add up to the sold line's, each kind by itself.

    Weights are the parts' own prices times their units; parts without a price (or all free) weigh by their units.
    """
    priced = all(part.price is not None and part.price > 0 for part in parts)
    weights = [(part.price or Decimal(0)) * part.units if priced else Decimal(part.units) for part in parts]
    shares = {name: spread(getattr(line, name), weights, currency) for name in AMOUNTS}
    told = (*line.properties, ("Sold as", f"{line.quantity} × {line.title}"))
    return [
        replace(
            line,
            **{name: amounts[index] for name, amounts in shares.items()},  # type: ignore[arg-type]
            title=part.title,
            quantity=line.quantity * part.units,
            variant_remote_id=part.variant_remote_id,
            product_remote_id=part.product_remote_id,
            sku=part.sku,
            variant_title=part.variant_title,
            requires_shipping=part.requires_shipping,
            properties=told,
        )
        for index, part in enumerate(parts)
    ]
