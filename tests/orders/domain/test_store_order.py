"""The store order adds up to what the buyer paid, to the cent, in every currency."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.types import InventoryRule, PersonalDetails
from orders.domain.store_order import DoesNotAddUp, Sale, SoldLine, Style, draft, draft_total, sum_of, tags_of
from salestio.lib.money import decimals

CURRENCIES = ["USD", "EUR", "GBP", "JPY", "KWD"]


def sale(lines: tuple[SoldLine, ...], currency: str = "USD", total: Decimal | None = None, **more: object) -> Sale:
    base: dict[str, object] = {
        "reference": "112-4837261-0093847", "key": "amazon:A1:112-4837261-0093847:1", "source": "Amazon",
        "account_name": "Northpine US", "currency": currency, "total": sum_of(lines) if total is None else total,
        "purchased_at": datetime(2026, 11, 21, tzinfo=UTC), "lines": lines, "personal": PersonalDetails(),
        "fulfilled_by": "merchant", "inventory": InventoryRule.OBEY,
    }  # fmt: skip
    words = {"merchant": "FBM", "marketplace": "FBA"} if {**base, **more}["source"] == "Amazon" else {}
    base["fulfillment_word"] = words.get(str({**base, **more}["fulfilled_by"]), "")
    return Sale(**(base | more))  # type: ignore[arg-type]


@st.composite
def sold_lines(draw: st.DrawFn, currency: str) -> SoldLine:
    def amount(top: int) -> Decimal:
        return Decimal(draw(st.integers(0, top))).scaleb(-decimals(currency))

    item = amount(100_000)
    discount = min(amount(5_000), item)
    shipping = amount(3_000)
    tax = amount(9_000)
    return SoldLine(
        title="Enamel Mug", quantity=draw(st.integers(1, 12)), item_total=item, discount=discount, shipping=shipping,
        shipping_discount=min(amount(3_000), shipping), gift_wrap=amount(900), other=amount(300), tax=tax,
        shipping_tax=min(amount(2_000), tax), tax_collected_by_marketplace=draw(st.booleans()), variant_remote_id="v1",
    )  # fmt: skip


@given(st.data(), st.sampled_from(CURRENCIES))
def test_the_store_total_is_what_the_buyer_paid(data: st.DataObject, currency: str) -> None:
    lines = tuple(data.draw(st.lists(sold_lines(currency), min_size=1, max_size=5)))

    made = draft(sale(lines, currency), Style())

    assert draft_total(made) == made.total == sum_of(lines)
    assert sum(line.quantity for line in made.lines if line.variant_id) == sum(line.quantity for line in lines)
    assert all(
        line.unit_price == line.unit_price.quantize(Decimal(1).scaleb(-decimals(currency))) for line in made.lines
    )


def test_a_sum_that_is_not_what_was_paid_is_refused_with_both_numbers() -> None:
    lines = (SoldLine("Mug", 1, Decimal("18.50")),)

    with pytest.raises(DoesNotAddUp) as caught:
        draft(sale(lines, total=Decimal("19.00")), Style())

    assert (caught.value.summed, caught.value.paid) == (Decimal("18.50"), Decimal("19.00"))


def test_a_price_that_does_not_divide_becomes_two_lines_of_the_same_variant() -> None:
    made = draft(sale((SoldLine("Mug", 3, Decimal("10.00"), variant_remote_id="v1"),)), Style())

    assert [(line.quantity, line.unit_price, line.variant_id) for line in made.lines] == [
        (2, Decimal("3.33"), "v1"),
        (1, Decimal("3.34"), "v1"),
    ]


def test_tax_the_marketplace_remits_is_marked_as_such() -> None:
    line = SoldLine("Mug", 1, Decimal("18.50"), tax=Decimal("1.53"), tax_collected_by_marketplace=True)

    (tax,) = draft(sale((line,)), Style()).lines[0].taxes

    assert tax.collected_by_marketplace
    assert tax.amount == Decimal("1.53")


def test_a_replacement_without_a_price_is_a_zero_order() -> None:
    made = draft(sale((SoldLine("Mug", 1, Decimal(0)),), total=Decimal(0), replacement_of="112-1"), Style())

    assert made.total == 0
    assert "Replacement of 112-1" in made.note


def test_tags_are_short_and_never_doubled() -> None:
    tags = tags_of(sale((SoldLine("Mug", 1, Decimal(1)),)), Style(tags=("Amazon", "x" * 60, "a,b")))

    assert tags[:3] == ("Amazon", "Northpine US", "FBM")
    assert all(len(tag) < 40 for tag in tags)
    assert "a b" in tags


def test_the_marketplace_id_names_the_order_only_if_the_merchant_wants_that() -> None:
    lines = (SoldLine("Mug", 1, Decimal(1)),)

    assert draft(sale(lines), Style(name_prefix="AMZ-")).name == "AMZ-112-4837261-0093847"
    assert draft(sale(lines), Style(use_reference_as_name=False)).name == ""


def test_an_fba_order_without_buyer_or_address_gets_the_documented_placeholders_and_an_fbm_order_never() -> None:
    lines = (SoldLine("Mug", 1, Decimal(1)),)

    fba = draft(sale(lines, fulfilled_by="marketplace", site="UK"), Style())
    theirs = draft(sale(lines, source="eBay", fulfilled_by="marketplace", site="DE"), Style())
    fbm = draft(sale(lines), Style())

    assert fba.shipping_address is not None
    assert (fba.customer_name, fba.shipping_address.line1, fba.shipping_address.country) == (
        "FBA Order",
        "FBA Order",
        "GB",
    )
    assert theirs.customer_name == "eBay Order"
    assert fbm.shipping_address is None
