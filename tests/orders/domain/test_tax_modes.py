"""The four tax modes: each makes the total its formula says, and shows what it leaves out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orders.domain.store_order import Made, SoldLine, Style, build, draft, draft_total
from orders.domain.tax_modes import TaxRule, expected
from tests.orders.domain.test_store_order import sale

D = Decimal
LINES = (
    SoldLine("Mug", 1, D("20.00"), shipping=D("5.00"), tax=D("2.50"), shipping_tax=D("0.50"), variant_remote_id="v1"),
)
"""20.00 and 5.00 shipping, with 2.00 and 0.50 tax: the buyer paid 27.50."""


def made(mode: str, percent: str = "0", lines: tuple[SoldLine, ...] = LINES, **more: bool) -> Made:
    return build(sale(lines), Style(tax=TaxRule(mode, D(percent), **more)))


@pytest.mark.parametrize(
    ("mode", "total", "difference"),
    [("included", "27.50", "0"), ("exclude", "25.00", "2.50"), ("hide", "25.00", "2.50"), ("custom", "27.50", "0")],
)
def test_each_mode_has_its_formula(mode: str, total: str, difference: str) -> None:
    one = made(mode, "10")

    assert (one.order.total, one.difference) == (D(total), D(difference))
    assert draft_total(one.order) == D(total)
    assert expected(TaxRule(mode), paid=D("27.50"), tax=D("2.50")).total == D(total)


def test_included_shows_the_tax_on_lines_of_its_own() -> None:
    order = made("included").order

    assert [(line.unit_price, [tax.amount for tax in line.taxes]) for line in order.lines] == [
        (D("20.00"), [D("2.00")])
    ]
    assert (order.shipping[0].price, order.shipping[0].taxes[0].amount) == (D("5.00"), D("0.50"))


def test_included_stands_inside_the_prices_of_a_store_whose_prices_hold_tax() -> None:
    order = made("included", inside_prices=True).order

    assert order.taxes_included
    assert (order.lines[0].unit_price, order.shipping[0].price) == (D("22.00"), D("5.50"))
    assert order.lines[0].taxes[0].rate == D("0.1")
    assert order.total == D("27.50")


def test_exclude_tells_the_tax_beside_the_order_and_hide_does_not() -> None:
    exclude, hide = made("exclude").order, made("hide").order

    assert [(line.unit_price, line.taxes) for line in exclude.lines] == [(D("20.00"), ())]
    told = dict(exclude.attributes)
    assert (told["Tax not in this order"], told["Paid by the buyer"]) == ("2.50 USD", "27.50 USD")
    assert hide.lines == exclude.lines
    assert not [name for name, _ in hide.attributes if "Tax" in name or "Paid" in name]


def test_a_custom_percentage_is_worked_out_of_what_the_buyer_paid() -> None:
    order = made("custom", "10").order

    (tax,) = order.lines[0].taxes
    assert (order.lines[0].unit_price, tax.amount, tax.title, tax.rate) == (D("20.00"), D("2.00"), "Tax 10 %", D("0.1"))
    assert order.total == D("27.50")


def test_tax_the_marketplace_pays_over_is_marked_and_never_the_merchants() -> None:
    lines = (SoldLine("Mug", 1, D("24.00"), tax=D("2.00"), tax_collected_by_marketplace=True),)

    order = made("custom", "20", lines).order

    mine, theirs = order.lines[0].taxes
    assert (mine.amount, mine.collected_by_marketplace) == (D("4.00"), False)
    assert (theirs.amount, theirs.collected_by_marketplace) == (D("2.00"), True)
    assert dict(order.attributes)["Tax collected by Amazon"] == "2.00 USD"
    assert order.total == D("26.00")


def test_a_tax_that_does_not_divide_still_adds_up_on_two_lines() -> None:
    order = made("custom", "19", (SoldLine("Mug", 3, D("10.00")),)).order

    assert [(line.quantity, line.unit_price) for line in order.lines] == [(3, D("2.80"))]
    assert order.lines[0].taxes[0].amount == D("1.60")
    assert draft_total(order) == D("10.00")


@pytest.mark.parametrize(("mode", "percent"), [("none", "0"), ("custom", "-1"), ("custom", "101")])
def test_another_mode_or_percentage_is_refused(mode: str, percent: str) -> None:
    with pytest.raises(ValueError, match=r"none of the tax modes|no percentage"):
        TaxRule(mode, D(percent))


def test_a_discount_above_its_price_is_refused_before_a_line_is_negative() -> None:
    with pytest.raises(ValueError, match="more is taken off"):
        build(sale((SoldLine("Mug", 1, D("5.00"), discount=D("6.00"), gift_wrap=D("3.00")),)), Style())


@pytest.mark.parametrize("first_is_theirs", [True, False])
def test_shipping_tax_is_divided_between_merchant_and_marketplace_as_its_lines_say(first_is_theirs: bool) -> None:
    """An order of two lines, of which the marketplace pays over the tax of one: neither gets the other's shipping tax."""
    lines = tuple(
        SoldLine(
            "Mug", 1, D("20.00"), shipping=D("5.00"), tax=D("2.50"), shipping_tax=D("0.50"),
            tax_collected_by_marketplace=theirs,
        )
        for theirs in (first_is_theirs, not first_is_theirs)
    )  # fmt: skip

    order = draft(sale(lines), Style())
    custom = draft(sale(lines), Style(tax=TaxRule("custom", D("10"))))

    assert sorted((tax.collected_by_marketplace, tax.amount) for tax in order.shipping[0].taxes) == [
        (False, D("0.50")),
        (True, D("0.50")),
    ]
    assert dict(order.attributes)["Tax collected by Amazon"] == "2.50 USD"
    assert sorted((tax.collected_by_marketplace, tax.amount) for tax in custom.shipping[0].taxes) == [
        (False, D("0.95")),
        (True, D("0.50")),
    ]
