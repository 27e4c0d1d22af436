"""Money never loses a cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salestio.lib.money import decimals, split_units, spread


@given(st.integers(-10_000, 1_000_000), st.integers(1, 500), st.sampled_from(["USD", "JPY", "KWD"]))
def test_split_parts_add_up_and_there_are_two_at_most(units: int, quantity: int, currency: str) -> None:
    total = Decimal(units).scaleb(-decimals(currency))

    parts = split_units(total, quantity, currency)

    assert sum(count * price for count, price in parts) == total
    assert sum(count for count, _ in parts) == quantity
    assert len(parts) <= 2


@given(
    st.integers(-10_000, 1_000_000),
    st.lists(st.integers(0, 10_000), min_size=1, max_size=8),
    st.sampled_from(["USD", "JPY"]),
)
def test_spread_parts_add_up(units: int, weights: list[int], currency: str) -> None:
    total = Decimal(units).scaleb(-decimals(currency))

    assert sum(spread(total, [Decimal(weight) for weight in weights], currency)) == total


def test_a_price_finer_than_the_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        split_units(Decimal("1.5"), 1, "JPY")
