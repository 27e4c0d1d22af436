"""The totals' proof (F146): thousands of generated orders, every currency, tax mode and conversion.

1,000 orders in the quick suite; ten thousand more with `./run test --all`.
"""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest

from orders.domain.conversion import Rate
from orders.domain.store_order import SoldLine, Style, build, draft_total, sum_of
from orders.domain.tax_modes import MODES, TaxRule, expected
from salestio.lib.money import decimals, rounded, unit
from tests.orders.domain.test_store_order import sale

CURRENCIES = ("USD", "EUR", "GBP", "JPY", "KRW", "KWD", "BHD")
PERCENTS = ("0", "5.5", "7", "19", "20", "25", "100")


def generated(dice: random.Random, currency: str) -> tuple[SoldLine, ...]:
    """Return lines as marketplaces make them: odd prices, discounts up to everything, charges, taxes of either kind."""

    def amount(top: int) -> Decimal:
        return Decimal(dice.randint(0, top) * dice.choice((0, 1, 1))).scaleb(-decimals(currency))

    lines = []
    for number in range(dice.randint(1, 6)):
        item, shipping, tax = amount(90_000), amount(4_000), amount(9_000)
        lines.append(
            SoldLine(
                title=f"Good {number}", quantity=dice.choice((1, 1, 2, 3, 7, 24)), item_total=item,
                discount=min(amount(60_000), item), shipping=shipping, shipping_discount=min(amount(4_000), shipping),
                gift_wrap=amount(700), other=amount(500), tax=tax, shipping_tax=min(amount(2_000), tax),
                tax_collected_by_marketplace=dice.random() < 0.4,
                variant_remote_id=dice.choice((None, f"v{number}")),
            )
        )  # fmt: skip
    return tuple(lines)


def prove(seed: int, orders: int) -> None:
    """Generate orders and hold each made order to its mode's formula, in whole units, without a negative amount."""
    dice = random.Random(f"orders {seed}")
    for _ in range(orders):
        currency, target = dice.choice(CURRENCIES), dice.choice((None, *CURRENCIES))
        lines = generated(dice, currency)
        rule = TaxRule(dice.choice(list(MODES)), Decimal(dice.choice(PERCENTS)), dice.random() < 0.5)
        rate = None
        if target and target != currency:
            rate = Rate(currency, target, Decimal(dice.randint(1, 10**9)).scaleb(-6), date(2026, 11, 20), "ECB")

        made = build(sale(lines, currency), Style(tax=rule, rate=rate))

        told = f"{currency} → {made.order.currency}, {rule}, {lines}"
        paid = rounded(sum_of(lines) * rate.value, rate.target) if rate else sum_of(lines)
        assert made.converted == paid, told
        assert draft_total(made.order) == made.order.total == expected(rule, paid=paid, tax=made.tax).total, told
        assert made.order.total + made.difference == paid, told
        step = unit(made.order.currency)
        amounts = [line.unit_price for line in made.order.lines] + [part.price for part in made.order.shipping]
        amounts += [tax.amount for part in (*made.order.lines, *made.order.shipping) for tax in part.taxes]
        assert all(amount >= 0 and amount % step == 0 for amount in amounts), told
        sold = sum(line.quantity for line in made.order.lines if line.variant_id)
        assert sold == sum(line.quantity for line in lines if line.variant_remote_id), told


@pytest.mark.parametrize("seed", range(10))
def test_every_generated_order_comes_to_what_its_mode_says(seed: int) -> None:
    prove(seed, 100)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 20))
def test_ten_thousand_generated_orders_come_to_what_their_modes_say(seed: int) -> None:
    prove(seed, 1000)
