"""What the buyer paid, to the last cent, whatever stands on the receipt as a whole."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.etsy.money import spread
from tests.connectors.etsy.receipts import bought, money, read, receipt, receipts

CENT = Decimal("0.01")


@given(receipts())
def test_the_lines_add_up_to_the_grand_total_in_every_currency(raw: dict[str, Any]) -> None:
    order = read(raw)

    grand = raw["grandtotal"]
    assert order.problem == ""
    assert order.total == Decimal(grand["amount"]) / grand["divisor"]
    assert sum((line.total for line in order.lines if line.total is not None), Decimal(0)) == order.total
    for line in order.lines:
        assert line.item_total is not None
        plus = line.item_total + line.shipping + line.gift_wrap + line.tax
        assert line.total == plus - line.discount
        unit = Decimal(1) / grand["divisor"]
        assert all(
            getattr(line, field.name) % unit == 0
            for field in fields(line)
            if isinstance(getattr(line, field.name), Decimal)
        )


@given(
    st.decimals(0, 10000, places=2),
    st.lists(st.decimals(0, 1000, places=2), min_size=1, max_size=12),
)
def test_shares_add_up_and_are_never_off_by_a_unit(amount: Decimal, weights: list[Decimal]) -> None:
    parts = spread(amount, weights, CENT)

    assert sum(parts) == amount
    whole = sum(weights)
    if whole:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - amount * weight / whole) <= CENT


def test_a_share_never_takes_more_off_a_line_than_it_costs() -> None:
    assert spread(Decimal("10.00"), [Decimal("0.01"), Decimal("9.99")], CENT) == [Decimal("0.01"), Decimal("9.99")]


def test_the_divisor_is_applied_once() -> None:
    order = read(receipt(bought(12000), grandtotal=money(12000)))

    assert (order.total, order.lines[0].item_total) == (Decimal(120), Decimal(120))


def test_a_currency_without_cents_has_the_divisor_one() -> None:
    order = read(receipt(bought(price=money(1980, "JPY", 1), quantity=2)))

    assert (order.problem, order.currency, order.total) == ("", "JPY", Decimal(3960))


def test_the_unit_price_times_the_quantity_is_the_lines_amount() -> None:
    order = read(receipt(bought(333, quantity=3)))

    assert order.lines[0].item_total == Decimal("9.99")


def test_a_coupon_is_shared_by_the_lines_prices() -> None:
    raw = receipt(bought(3000), bought(1000, 2), discount_amt=money(1001), grandtotal=money(2999))

    order = read(raw)

    assert [line.discount for line in order.lines] == [Decimal("7.51"), Decimal("2.50")]
    assert order.problem == ""


def test_a_coupon_told_for_each_line_is_believed() -> None:
    raw = receipt(
        bought(3000, shop_coupon=0),
        bought(1000, 2, shop_coupon=10.0),
        discount_amt=money(1000),
        grandtotal=money(3000),
    )

    assert [line.discount for line in read(raw).lines] == [Decimal(0), Decimal(10)]


def test_a_coupon_etsy_pays_for_is_taken_off_too_when_the_total_says_so() -> None:
    raw = receipt(bought(3000, buyer_coupon=2.5), grandtotal=money(2750))

    order = read(raw)

    assert (order.problem, order.lines[0].discount, order.total) == ("", Decimal("2.50"), Decimal("27.50"))


def test_a_discount_that_only_the_subtotal_shows_is_found() -> None:
    raw = receipt(bought(3000), subtotal=money(2500), discount_amt=None, grandtotal=money(2500))

    order = read(raw)

    assert (order.problem, order.lines[0].discount) == ("", Decimal(5))


def test_shipping_goes_to_what_is_shipped() -> None:
    raw = receipt(
        bought(1000), bought(5000, 2, is_digital=True), total_shipping_cost=money(499), grandtotal=money(6499)
    )

    assert [line.shipping for line in read(raw).lines] == [Decimal("4.99"), Decimal(0)]


def test_shipping_told_for_each_line_is_believed() -> None:
    raw = receipt(
        bought(1000, shipping_cost=money(400)),
        bought(1000, 2, shipping_cost=money(99)),
        total_shipping_cost=money(499),
        grandtotal=money(2499),
    )

    assert [line.shipping for line in read(raw).lines] == [Decimal(4), Decimal("0.99")]


def test_free_goods_still_carry_their_shipping() -> None:
    raw = receipt(bought(0), bought(0, 2), total_shipping_cost=money(501), grandtotal=money(501))

    assert [line.shipping for line in read(raw).lines] == [Decimal("2.51"), Decimal("2.50")]


def test_tax_is_etsys_and_shown_apart() -> None:
    raw = receipt(bought(1000), total_tax_cost=money(80), grandtotal=money(1080))

    (line,) = read(raw).lines

    assert (line.tax, line.tax_collected_by_marketplace, line.total) == (Decimal("0.80"), True, Decimal("10.80"))


@pytest.mark.parametrize(
    ("grand", "tax"),
    [pytest.param(1190, "1.90", id="on top"), pytest.param(1000, "0", id="within the prices")],
)
def test_value_added_tax_is_where_the_total_says_it_is(grand: int, tax: str) -> None:
    order = read(receipt(bought(1000), total_vat_cost=money(190), grandtotal=money(grand)))

    assert (order.problem, order.lines[0].tax) == ("", Decimal(tax))
    assert order.lines[0].tax_collected_by_marketplace is (tax != "0")


def test_gift_wrap_is_the_buyers_too() -> None:
    order = read(receipt(bought(1000), gift_wrap_price=money(350), grandtotal=money(1350)))

    assert (order.problem, order.lines[0].gift_wrap) == ("", Decimal("3.50"))


def test_a_total_that_does_not_add_up_is_a_problem_with_both_figures() -> None:
    order = read(receipt(bought(1000), grandtotal=money(1234)))

    assert order.problem == "the lines add up to 10.00 USD, Etsy's total is 12.34 USD"
    assert order.total == Decimal("12.34")


def test_two_currencies_are_a_problem() -> None:
    order = read(receipt(bought(1000), grandtotal=money(1000, "EUR")))

    assert "two currencies" in order.problem


@pytest.mark.parametrize(
    "odd",
    [
        {"amount": 1000, "divisor": 0, "currency_code": "USD"},
        {"amount": 1000, "divisor": 7, "currency_code": "USD"},
        {"amount": "much", "divisor": 100, "currency_code": "USD"},
        {"amount": 10.5, "divisor": 100, "currency_code": "USD"},
        {"amount": "1e999999", "divisor": 100, "currency_code": "USD"},
        {"amount": 1000, "divisor": 100},
        "10.00",
    ],
)
def test_an_amount_we_cannot_read_is_a_problem_and_no_crash(odd: Any) -> None:
    order = read(receipt(bought(1000), grandtotal=odd))

    assert "cannot read" in order.problem
    assert order.total is None


def test_a_line_without_a_price_is_named() -> None:
    raw = receipt(bought(1000), bought(0, 2), grandtotal=money(1000))
    raw["transactions"][1]["price"] = None

    order = read(raw)

    assert order.problem == "Etsy gave no price for line 4000000002"


def test_parts_of_an_order_in_yen_are_whole_yen_whatever_divisor_etsy_writes() -> None:
    raw = receipt(
        *(bought(price=money(100000, "JPY"), number=number) for number in (1, 2, 3)),
        total_tax_cost=money(10000, "JPY"),
        grandtotal=money(310000, "JPY"),
    )

    order = read(raw)

    assert (order.problem, order.total) == ("", Decimal(3100))
    assert [line.tax for line in order.lines] == [Decimal(34), Decimal(33), Decimal(33)]


def test_a_finer_divisor_makes_no_parts_of_a_cent() -> None:
    raw = receipt(
        *(bought(price=money(100000, divisor=10000), number=number) for number in (1, 2, 3)),
        discount_amt=money(10000, divisor=10000),
        grandtotal=money(290000, divisor=10000),
    )

    order = read(raw)

    assert (order.problem, order.total) == ("", Decimal(29))
    assert [line.discount for line in order.lines] == [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]
