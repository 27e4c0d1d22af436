"""What the buyer paid, line by line: it adds up, or the order says by how much it does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connectors.amazon.orders import item, order, payload, read, usd


def test_a_pending_order_without_prices_has_none_and_no_problem() -> None:
    read_order = read(payload("order_pending_without_prices"))

    assert (read_order.total, read_order.problem) == (None, "")
    assert (read_order.lines[0].total, read_order.lines[0].item_total) == (None, None)
    assert read_order.lines[0].quantity == 2
    assert read_order.reserves_for_payment


def test_a_replacement_without_amounts_costs_nothing() -> None:
    read_order = read(payload("order_replacement_without_amounts"))

    assert read_order.problem == ""
    assert read_order.replacement_of == "111-2223334-5556667"
    assert (read_order.total, read_order.currency, read_order.site) == (Decimal(0), "GBP", "UK")
    assert read_order.lines[0].total == Decimal(0)


def test_a_total_of_zero_is_a_total() -> None:
    read_order = read(order(item(total=None), total="0.00"))

    assert (read_order.problem, read_order.total) == ("", Decimal(0))


def test_a_paid_order_without_total_is_held() -> None:
    assert "no total" in read(order(total=None)).problem


def test_a_paid_line_without_proceeds_goes_by_its_unit_price() -> None:
    line = item(total=None, quantity=2)
    line["product"]["price"] = {"unitPrice": usd("5.00")}

    read_order = read(order(line))

    assert (read_order.problem, read_order.lines[0].total) == ("", Decimal("10.00"))


def test_lines_that_do_not_reach_the_total_say_by_how_much() -> None:
    read_order = read(order(item("10.00", item="10.00"), total="12.00"))

    assert read_order.problem == "the lines add up to 10.00 USD, Amazon's total is 12.00 USD"


def test_a_line_whose_parts_do_not_add_up_is_named() -> None:
    read_order = read(order(item("10.00", item="8.00")))

    assert "line 11" in read_order.problem


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            item("49.99", item="39.99", tax="10.00"), {"item_total": "39.99", "tax": "10.00"}, id="tax on top"
        ),
        pytest.param(
            item("12.00", item="12.00", tax=("2.00", {"ITEM": "2.00"})),
            {"item_total": "10.00", "tax": "2.00"},
            id="tax within the price",
        ),
        pytest.param(
            item("18.00", item="12.00", shipping="6.00", tax=("3.00", {"ITEM": "2.00", "SHIPPING": "1.00"})),
            {"item_total": "10.00", "shipping": "5.00", "tax": "3.00", "shipping_tax": "1.00"},
            id="tax within price and shipping",
        ),
        pytest.param(item("8.00", item="10.00", discount="-2.00"), {"discount": "2.00"}, id="a negative discount"),
        pytest.param(item("8.00", item="10.00", discount="2.00"), {"discount": "2.00"}, id="a positive discount"),
        pytest.param(
            item("11.00", item="10.00", shipping="3.00", discount=("2.00", {"SHIPPING": "2.00"})),
            {"discount": "0.00", "shipping_discount": "2.00"},
            id="a discount on shipping, within the discount",
        ),
        pytest.param(
            item("10.00", item="10.00", shipping="3.00", discount=("1.00", {"SHIPPING": "2.00"})),
            {"discount": "1.00", "shipping_discount": "2.00"},
            id="a discount on shipping, beside the discount",
        ),
        pytest.param(
            item("9.63", item="10.00", discount="1.00", tax=("0.70", {"ITEM": "0.70", "DISCOUNT": "0.07"})),
            {"tax": "0.63", "discount": "1.00"},
            id="tax not net of the tax on the discount",
        ),
        pytest.param(
            item(
                "3.24",
                item="3.00",
                shipping="5.99",
                discount=("5.99", {"SHIPPING": "5.99"}),
                tax=("0.24", {"ITEM": "0.24", "SHIPPING": "0.50", "DISCOUNT": "-0.50"}),
            ),
            {"tax": "0.24", "shipping_tax": "0.00"},
            id="free shipping, tax net of its tax",
        ),
        pytest.param(
            item(
                "12.00",
                item="12.00",
                shipping="6.00",
                discount=("6.00", {"SHIPPING": "6.00"}),
                tax=("2.00", {"ITEM": "2.00", "SHIPPING": "1.00", "DISCOUNT": "-1.00"}),
            ),
            {
                "item_total": "10.00",
                "shipping": "6.00",
                "shipping_discount": "6.00",
                "tax": "2.00",
                "shipping_tax": "0.00",
            },
            id="free shipping, tax within the prices",
        ),
        pytest.param(
            item(
                "12.00",
                item="12.00",
                shipping="6.00",
                discount=("6.00", {"SHIPPING": "6.00"}),
                tax=("3.00", {"ITEM": "2.00", "SHIPPING": "1.00", "DISCOUNT": "1.00"}),
            ),
            {"item_total": "10.00", "shipping": "6.00", "tax": "2.00", "shipping_tax": "0.00"},
            id="free shipping, tax within the prices and not net of the discount's",
        ),
        pytest.param(
            item(
                "6.00",
                item="12.00",
                discount="6.00",
                tax=("1.00", {"ITEM": "2.00", "DISCOUNT": "-1.00"}),
            ),
            {"item_total": "11.00", "discount": "6.00", "tax": "1.00"},
            id="half price, tax within the price",
        ),
        pytest.param(
            item(
                "6.00",
                item="12.00",
                discount="6.00",
                tax=("2.00", {"ITEM": "2.00", "DISCOUNT": "1.00"}),
            ),
            {"item_total": "11.00", "discount": "6.00", "tax": "1.00"},
            id="half price, tax within the price and not net of the discount's",
        ),
        pytest.param(
            item(
                "9.09",
                item="4.00",
                shipping="6.00",
                discount=("1.50", {"SHIPPING": "1.50"}),
                tax=("0.59", {"ITEM": "0.20", "SHIPPING": "0.52", "DISCOUNT": "-0.13"}),
            ),
            {"tax": "0.59", "shipping_tax": "0.39"},
            id="a quarter off the shipping and its tax",
        ),
        pytest.param(
            item(
                "2.20",
                item="15.30",
                shipping="4.40",
                discount=("17.50", {"ITEM": "15.30", "SHIPPING": "2.20"}),
                tax=("0.15", {"ITEM": "1.00", "SHIPPING": "0.29", "DISCOUNT": "1.14"}),
            ),
            {"item_total": "15.30", "shipping": "4.25", "shipping_tax": "0.15"},
            id="a free item on which rounding leaves a cent of tax",
        ),
        pytest.param(item("12.00", item="10.00", cod_fee="2.00"), {"other": "2.00"}, id="cash on delivery"),
        pytest.param(item("12.00", item="10.00", brand_new="2.00"), {"other": "2.00"}, id="a category to come"),
    ],
)
def test_the_reading_that_adds_up_is_taken(line: dict[str, Any], expected: dict[str, str]) -> None:
    total = line["proceeds"]["proceedsTotal"]["amount"]

    read_order = read(order(line, total=total))

    assert read_order.problem == ""
    assert {name: str(getattr(read_order.lines[0], name)) for name in expected} == expected


def test_a_delivery_tip_belongs_to_the_order_and_is_carried_by_a_line() -> None:
    raw = order(total="13.00")
    raw["proceeds"]["breakdowns"] = [{"type": "DELIVERY_TIP", "subtotal": usd("3.00"), "status": "FINALIZED"}]

    read_order = read(raw)

    assert read_order.problem == ""
    assert (read_order.lines[0].other, read_order.lines[0].total) == (Decimal("3.00"), Decimal("13.00"))


def test_a_tip_not_in_the_total_changes_nothing() -> None:
    raw = order(total="10.00")
    raw["proceeds"]["breakdowns"] = [{"type": "DELIVERY_TIP", "subtotal": usd("3.00"), "status": "PENDING"}]

    assert (read(raw).problem, read(raw).lines[0].other) == ("", Decimal(0))


def test_two_currencies_in_one_order_are_never_added() -> None:
    line = item()
    line["proceeds"]["proceedsTotal"]["currencyCode"] = "CAD"

    assert "two currencies" in read(order(line)).problem


@pytest.mark.parametrize("amount", ["ten", None, "", True, "NaN", "Infinity", {}])
def test_an_amount_that_cannot_be_read_holds_the_order(amount: Any) -> None:
    raw = order()
    raw["proceeds"]["grandTotal"]["amount"] = amount

    assert "cannot read" in read(raw).problem


def test_an_amount_written_as_a_number_is_read() -> None:
    raw = order(item("10.10"), total="10.10")
    raw["proceeds"]["grandTotal"]["amount"] = 10.10

    assert (read(raw).problem, read(raw).total) == ("", Decimal("10.1"))


CENTS = st.integers(0, 100_000)


@st.composite
def priced_orders(draw: st.DrawFn) -> dict[str, Any]:
    """Orders in the shapes Amazon documents, in currencies with and without cents."""
    currency, places = draw(st.sampled_from([("USD", 2), ("EUR", 2), ("JPY", 0)]))

    def money(cents: int) -> dict[str, str]:
        return {"amount": str(Decimal(cents).scaleb(-places)), "currencyCode": currency}

    items, total = [], 0
    for number in range(draw(st.integers(1, 5))):
        parts = {kind: draw(CENTS) for kind in ("ITEM", "SHIPPING", "GIFT_WRAP", "COD_FEE", "OTHER")}
        item_off, shipping_off = draw(st.integers(0, parts["ITEM"])), draw(st.integers(0, parts["SHIPPING"]))
        item_tax, shipping_tax = draw(CENTS), draw(CENTS)
        sign = draw(st.sampled_from([1, -1]))
        line_total = sum(parts.values()) + item_tax + shipping_tax - item_off - shipping_off
        breakdowns = [{"type": kind, "subtotal": money(value)} for kind, value in parts.items()]
        breakdowns.append(
            {
                "type": "DISCOUNT",
                "subtotal": money(sign * (item_off + shipping_off)),
                "detailedBreakdowns": [
                    {"subtype": "ITEM", "value": money(sign * item_off)},
                    {"subtype": "SHIPPING", "value": money(sign * shipping_off)},
                ],
            }
        )
        breakdowns.append(
            {
                "type": "TAX",
                "subtotal": money(item_tax + shipping_tax),
                "detailedBreakdowns": [
                    {"subtype": "ITEM", "value": money(item_tax)},
                    {"subtype": "SHIPPING", "value": money(shipping_tax)},
                ],
            }
        )
        line = item(None, draw(st.integers(1, 9)), number)
        line["proceeds"] = {"proceedsTotal": money(line_total), "breakdowns": draw(st.permutations(breakdowns))}
        items.append(line)
        total += line_total
    return {**order(*items), "proceeds": {"grandTotal": money(total)}}


@given(priced_orders())
def test_lines_add_up_to_the_order_total_in_every_currency(raw: dict[str, Any]) -> None:
    read_order = read(raw)

    assert read_order.problem == ""
    assert read_order.total == sum((line.total for line in read_order.lines if line.total is not None), Decimal(0))
    for line in read_order.lines:
        assert line.item_total is not None
        terms = line.item_total + line.shipping + line.gift_wrap + line.other + line.tax
        assert terms - line.discount - line.shipping_discount == line.total
        assert line.discount >= 0
        assert line.shipping_discount >= 0


@given(priced_orders(), st.integers(1, 10_000))
def test_a_total_that_is_off_is_never_adjusted(raw: dict[str, Any], extra: int) -> None:
    raw["proceeds"]["grandTotal"]["amount"] = str(Decimal(raw["proceeds"]["grandTotal"]["amount"]) + extra)

    read_order = read(raw)

    assert "add up" in read_order.problem
    assert read_order.total == Decimal(raw["proceeds"]["grandTotal"]["amount"])
