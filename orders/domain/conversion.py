"""An order in another currency: the total is converted once, its parts follow by largest remainder (F142). Pure.

Rates come as units a euro, as the European Central Bank publishes them; any two currencies meet through the euro.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from salestio.lib.money import rounded, spread

if TYPE_CHECKING:
    from orders.domain.store_order import Sale, SoldLine

EURO = "EUR"
OLDEST = timedelta(days=7)
"""How long before the purchase a rate may be of: none is published at weekends and on holidays."""
RATE_PLACES = 8
"""Decimals of a rate; one of a currency of small worth has as many significant digits, or cents would be lost."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `source` is worth `value` units of `target`, by `publisher` on `day`."""

    source: str
    target: str
    value: Decimal
    day: date
    publisher: str


def cross_rate(per_euro: Mapping[str, Decimal], source: str, target: str) -> Decimal | None:
    """Return what one unit of `source` is in `target`, to eight decimals and eight digits; None when one has no rate.

    `per_euro` is currency → units a euro; the euro itself need not be named.
    """
    of_source = Decimal(1) if source == EURO else per_euro.get(source)
    of_target = Decimal(1) if target == EURO else per_euro.get(target)
    if not of_source or not of_target:
        return None
    value = of_target / of_source
    return value.quantize(Decimal(1).scaleb(min(-RATE_PLACES, value.adjusted() + 1 - RATE_PLACES)))


def rate_of_day(
    tables: Mapping[date, tuple[str, Mapping[str, Decimal]]], source: str, target: str, day: date
) -> Rate | None:
    """Return the newest rate of the day itself or up to seven days before it; None when there is none.

    `tables` is day → (publisher, currency → units a euro). Both currencies are taken of one and the same day.
    """
    for known in sorted(tables, reverse=True):
        if known > day or day - known > OLDEST:
            continue
        publisher, per_euro = tables[known]
        value = cross_rate(per_euro, source, target)
        if value is not None:
            return Rate(source, target, value, known, publisher)
    return None


def convert(sale: Sale, rate: Rate) -> Sale:
    """Return a folded sale in the rate's target currency.

    Its total is the order's total converted and rounded once; every part takes its share by largest remainder, so that
    the parts add up to it. Raises ValueError when the rate is of another currency.
    """
    if sale.currency != rate.source:
        raise ValueError(f"the rate is of {rate.source}, the order in {sale.currency}")
    total = rounded(sale.total * rate.value, rate.target)
    weights = [part for line in sale.lines for part in _parts(line)]
    shares = iter(spread(total, weights, rate.target))
    lines = []
    for line in sale.lines:
        item, shipping, gift_wrap, other, item_tax, shipping_tax = (next(shares) for _ in range(6))
        lines.append(
            replace(
                line, item_total=item, shipping=shipping, gift_wrap=gift_wrap, other=other,
                tax=item_tax + shipping_tax, shipping_tax=shipping_tax,
            )
        )  # fmt: skip
    return replace(sale, currency=rate.target, total=total, lines=tuple(lines))


def _parts(line: SoldLine) -> tuple[Decimal, ...]:
    return (
        line.item_total, line.shipping, line.gift_wrap, line.other, line.tax - line.shipping_tax, line.shipping_tax,
    )  # fmt: skip
