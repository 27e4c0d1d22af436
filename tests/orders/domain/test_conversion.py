"""Orders in another currency: rates meet through the euro, and the parts add up to the total converted once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.conversion import Rate, convert, cross_rate, rate_of_day
from orders.domain.store_order import SoldLine, Style, build, draft_total, folded, sum_of
from tests.orders.domain.test_store_order import sale

D = Decimal
FRIDAY = date(2026, 11, 20)
TABLES = {
    FRIDAY: ("ECB", {"USD": D("1.1000"), "GBP": D("0.8500"), "JPY": D("170.00")}),
    date(2026, 11, 19): ("ECB", {"USD": D("1.0900"), "KWD": D("0.3350")}),
}


@pytest.mark.parametrize(
    ("source", "target", "value"),
    [
        ("EUR", "USD", "1.1"),
        ("USD", "EUR", "0.90909091"),
        ("GBP", "USD", "1.29411765"),
        ("USD", "JPY", "154.54545455"),
    ],
)
def test_two_currencies_meet_through_the_euro(source: str, target: str, value: str) -> None:
    assert cross_rate(TABLES[FRIDAY][1], source, target) == D(value)


@pytest.mark.parametrize(
    ("source", "target", "day", "found"),
    [
        ("GBP", "USD", FRIDAY, FRIDAY),
        ("GBP", "USD", date(2026, 11, 22), FRIDAY),  # a Sunday: Friday's
        ("GBP", "USD", date(2026, 11, 27), FRIDAY),
        ("GBP", "USD", date(2026, 11, 28), None),  # eight days old
        ("GBP", "USD", date(2026, 11, 19), None),  # never a later day's
        ("KWD", "USD", FRIDAY, date(2026, 11, 19)),  # both of one day
        ("KWD", "GBP", FRIDAY, None),
        ("BRL", "USD", FRIDAY, None),
    ],
)
def test_the_rate_is_of_the_day_or_up_to_seven_days_before(
    source: str, target: str, day: date, found: date | None
) -> None:
    rate = rate_of_day(TABLES, source, target, day)

    assert (rate.day if rate else None) == found


def test_the_total_is_converted_once_and_never_line_by_line() -> None:
    lines = tuple(SoldLine(f"Mug {n}", 1, D("0.10")) for n in range(3))
    rate = Rate("GBP", "USD", D("1.35"), FRIDAY, "ECB")

    made = convert(folded(sale(lines, "GBP")), rate)

    # 0.30 GBP are 0.405, so 0.41 USD; each line by itself would be 0.14 and the order 0.42.
    assert made.total == sum_of(made.lines) == D("0.41")
    assert [line.item_total for line in made.lines] == [D("0.14"), D("0.14"), D("0.13")]


@given(
    prices=st.lists(st.integers(0, 500_000), min_size=1, max_size=6),
    target=st.sampled_from(["USD", "JPY", "KWD"]),
    value=st.decimals("0.001", "400", places=6),
)
def test_parts_add_up_in_currencies_with_none_two_and_three_decimals(
    prices: list[int], target: str, value: Decimal
) -> None:
    lines = tuple(SoldLine("Mug", 3, D(price).scaleb(-2), tax=D(price // 7).scaleb(-2)) for price in prices)
    rate = Rate("GBP", target, value, FRIDAY, "ECB")

    made = build(sale(lines, "GBP"), Style(rate=rate))

    assert made.order.currency == target
    assert draft_total(made.order) == made.order.total == made.converted
    assert all(line.unit_price >= 0 for line in made.order.lines)


def test_a_rate_of_another_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="the rate is of USD, the order in GBP"):
        convert(folded(sale((SoldLine("Mug", 1, D(1)),), "GBP")), Rate("USD", "EUR", D(1), FRIDAY, "ECB"))


def test_rate_date_source_and_original_total_stand_in_the_store_order() -> None:
    lines = (SoldLine("Mug", 1, D("10.00")),)

    made = build(sale(lines, "GBP"), Style(rate=Rate("GBP", "USD", D("1.35"), FRIDAY, "European Central Bank")))

    told = dict(made.order.attributes)
    assert told["Original total"] == "10.00 GBP"
    assert told["Exchange rate"] == "1 GBP = 1.35 USD"
    assert told["Exchange rate of"] == "2026-11-20, European Central Bank"
    assert made.facts == {
        "paid": "10.00", "paid_currency": "GBP", "total": "13.50", "currency": "USD", "tax": "0.00",
        "tax_mode": "included", "difference": "0.00", "rate": "1.35", "rate_date": "2026-11-20",
        "rate_source": "European Central Bank", "converted": "13.50",
    }  # fmt: skip


def test_a_currency_of_small_worth_keeps_eight_significant_digits() -> None:
    """One rupiah is 0.00005 euro: eight decimals alone would be four digits, and cents too many or too few an order."""
    rate = cross_rate({"IDR": Decimal("18432.17")}, "IDR", "EUR")

    assert rate == Decimal("0.000054252972")
