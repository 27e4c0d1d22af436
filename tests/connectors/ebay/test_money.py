"""What the buyer paid, to the cent, however eBay tells it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from connectors.contract.types import MarketplaceOrderLine
from tests.connectors.ebay import judge
from tests.connectors.ebay.orders import generated, line, money, order, pricing, read


def terms(one: MarketplaceOrderLine) -> Decimal:
    assert one.item_total is not None
    plus = one.item_total + one.shipping + one.gift_wrap + one.other + one.tax
    return plus - one.discount - one.shipping_discount


@given(generated())
@settings(max_examples=300, deadline=None)
def test_the_parsed_total_is_ebays_total_and_the_lines_add_up_to_it(raw: dict[str, Any]) -> None:
    found = read(raw)

    assert found.problem == ""
    assert found.total == Decimal(raw["pricingSummary"]["total"]["value"])
    assert found.total == sum((one.total for one in found.lines if one.total is not None), Decimal(0))
    assert [one.total for one in found.lines] == [terms(one) for one in found.lines]
    assert all(min(one.discount, one.shipping_discount, one.other, one.tax) >= 0 for one in found.lines)


@pytest.mark.contract
def test_generated_orders_are_ones_ebays_contract_describes(specs: Any) -> None:
    operation = judge.named(specs, "getOrder")

    @given(generated())
    @settings(max_examples=50, deadline=None)
    def check(raw: dict[str, Any]) -> None:
        operation.check_answer(raw)

    check()


def test_the_unit_price_is_the_line_cost_over_its_quantity() -> None:
    (one,) = read(order(line("29.97", quantity=3), total="29.97")).lines

    assert (one.quantity, one.item_total) == (3, Decimal("29.97"))


def test_tax_ebay_collects_is_in_the_total_and_marked() -> None:
    tax = {"taxType": "STATE_SALES_TAX", "amount": money("1.65")}
    raw = order(
        line("20.00", taxes=[tax], ebayCollectAndRemitTaxes=[{**tax, "collectionMethod": "NET"}]),
        total=None,
        pricingSummary=pricing("21.65", priceSubtotal="20.00", deliveryCost="0.0", tax="1.65"),
    )

    found = read(raw)

    (one,) = found.lines
    assert found.problem == ""
    assert found.total == Decimal("21.65")
    assert (one.tax, one.tax_collected_by_marketplace) == (Decimal("1.65"), True)


def test_a_sellers_own_tax_is_not_marked_as_collected_by_ebay() -> None:
    raw = order(
        line("20.00", taxes=[{"taxType": "STATE_SALES_TAX", "amount": money("1.65")}]),
        total=None,
        pricingSummary=pricing("21.65", priceSubtotal="20.00", deliveryCost="0.0", tax="1.65"),
    )

    (one,) = read(raw).lines

    assert (one.tax, one.tax_collected_by_marketplace) == (Decimal("1.65"), False)


def test_vat_within_the_price_is_shown_apart_and_counts_once() -> None:
    raw = order(
        line("24.00", currency="GBP", taxes=[{"taxType": "VAT", "amount": money("4.00", "GBP")}]),
        total=None,
        pricingSummary=pricing("24.00", "GBP", priceSubtotal="24.00", deliveryCost="0.0", tax="4.00"),
    )

    found = read(raw)

    (one,) = found.lines
    assert found.problem == ""
    assert (one.item_total, one.tax, one.total) == (Decimal("20.00"), Decimal("4.00"), Decimal("24.00"))


def test_vat_within_price_and_shipping_never_makes_a_price_negative() -> None:
    raw = order(
        line(
            "2.00",
            currency="GBP",
            taxes=[{"taxType": "VAT", "amount": money("3.00", "GBP")}],
            deliveryCost={"shippingCost": money("16.00", "GBP")},
        ),
        total=None,
        pricingSummary=pricing("18.00", "GBP", priceSubtotal="2.00", deliveryCost="16.00", tax="3.00"),
    )

    found = read(raw)

    (one,) = found.lines
    assert found.problem == ""
    assert (one.item_total, one.shipping, one.shipping_tax) == (Decimal(0), Decimal("15.00"), Decimal("1.00"))
    assert one.total == Decimal("18.00")


def test_what_only_the_order_tells_is_spread_over_its_lines_to_the_cent() -> None:
    raw = order(
        line("10.00", 1),
        line("10.00", 2),
        line("10.00", 3),
        total=None,
        pricingSummary=pricing("25.00", priceSubtotal="30.00", priceDiscount="-10.00", deliveryCost="5.00"),
    )

    found = read(raw)

    assert found.problem == ""
    assert [one.discount for one in found.lines] == [Decimal("3.34"), Decimal("3.33"), Decimal("3.33")]
    assert sum(one.shipping for one in found.lines) == Decimal("5.00")


@pytest.mark.parametrize(("adjustment", "discount", "other"), [("-2.00", "2.00", "0"), ("3.50", "0", "3.50")])
def test_an_adjustment_takes_off_or_adds(adjustment: str, discount: str, other: str) -> None:
    total = str(Decimal("20.00") + Decimal(adjustment))
    raw = order(
        total=None,
        pricingSummary=pricing(total, priceSubtotal="20.00", deliveryCost="0.0", adjustment=adjustment),
    )

    (one,) = read(raw).lines

    assert (one.discount, one.other) == (Decimal(discount), Decimal(other))


@pytest.mark.parametrize("delivery", ["5.00", "12.00"], ids=["beside the delivery cost", "within it"])
def test_import_charges_are_shown_apart_from_shipping(delivery: str) -> None:
    raw = order(
        line("20.00", deliveryCost={"shippingCost": money("5.00"), "importCharges": money("7.00")}),
        total=None,
        pricingSummary=pricing("32.00", priceSubtotal="20.00", deliveryCost=delivery),
    )

    found = read(raw)

    (one,) = found.lines
    assert found.problem == ""
    assert (one.shipping, one.other) == (Decimal("5.00"), Decimal("7.00"))


def test_a_fee_in_the_tax_breakdown_is_no_tax() -> None:
    taxes = [
        {"taxType": "STATE_SALES_TAX", "amount": money("1.00")},
        {"taxType": "TIRE_RECYCLING_FEE", "amount": money("2.00")},
    ]
    raw = order(
        line("20.00", taxes=taxes),
        total=None,
        pricingSummary=pricing("23.00", priceSubtotal="20.00", deliveryCost="0.0", tax="1.00", fee="2.00"),
    )

    (one,) = read(raw).lines

    assert (one.tax, one.other, one.total) == (Decimal("1.00"), Decimal("2.00"), Decimal("23.00"))


def test_the_value_counts_and_not_what_it_was_converted_from() -> None:
    converted = {"value": "20.00", "currency": "USD", "convertedFromValue": "18.40", "convertedFromCurrency": "EUR"}

    found = read(order(line(lineItemCost=converted)))

    assert (found.problem, found.currency, found.lines[0].item_total) == ("", "USD", Decimal("20.00"))


def test_a_total_that_does_not_add_up_is_named_with_both_figures() -> None:
    found = read(order(total="25.00"))

    assert found.problem == "the parts add up to 20.00 USD, eBay's total is 25.00 USD"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lineItemCost": {"value": "a lot", "currency": "USD"}}, "an amount we cannot read (lineItemCost)"),
        ({"lineItemCost": money("20.00", "EUR")}, "two currencies"),
        ({"lineItemCost": None}, "no price for line"),
    ],
)
def test_amounts_that_cannot_be_read_are_a_problem_of_the_order(changes: dict[str, Any], words: str) -> None:
    assert words in read(order({**line(), **changes}, total=None, pricingSummary=pricing("20.00"))).problem


def test_prices_of_an_unpaid_order_are_no_problem_and_no_total() -> None:
    found = read(order(total="25.00", orderPaymentStatus="PENDING"))

    assert (found.problem, found.total) == ("", None)


def test_a_coupon_beside_a_lines_own_discount_never_takes_more_off_a_line_than_it_costs() -> None:
    raw = order(
        line("10.00", 1, discountedLineItemCost=money("5.00")),
        line("20.00", 2),
        total=None,
        pricingSummary=pricing("15.00", priceSubtotal="30.00", priceDiscount="-15.00", deliveryCost="0.0"),
    )

    found = read(raw)

    assert found.problem == ""
    # The line's own 5.00 stays its own; the coupon of 10.00 is shared by what is left of both.
    assert [one.discount for one in found.lines] == [Decimal("7.00"), Decimal("8.00")]


def test_an_adjustment_takes_nothing_off_a_line_that_is_free_already() -> None:
    raw = order(
        line("10.00", 1, discountedLineItemCost=money("0.00")),
        line("10.00", 2),
        total=None,
        pricingSummary=pricing(
            "9.00", priceSubtotal="20.00", priceDiscount="-10.00", deliveryCost="0.0", adjustment="-1.00"
        ),
    )

    found = read(raw)

    assert found.problem == ""
    assert [one.discount for one in found.lines] == [Decimal("10.00"), Decimal("1.00")]


def test_an_adjustment_larger_than_the_items_takes_the_rest_off_the_shipping() -> None:
    raw = order(
        line("10.00", deliveryCost={"shippingCost": money("5.00")}),
        total=None,
        pricingSummary=pricing("3.00", priceSubtotal="10.00", deliveryCost="5.00", adjustment="-12.00"),
    )

    found = read(raw)

    (one,) = found.lines
    assert found.problem == ""
    assert (one.discount, one.shipping_discount, one.total) == (Decimal("10.00"), Decimal("2.00"), Decimal("3.00"))
