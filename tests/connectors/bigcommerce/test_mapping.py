"""What a draft becomes, to the cent, and what an order tells us; no network."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bigcommerce import mapping, regions
from connectors.contract.errors import AddressRejected, Rejected, UnexpectedReply
from connectors.contract.types import Address, DraftShipping, DraftTax, InventoryRule, StoreOrderDraft
from tests.connectors.bigcommerce.cast import KEY, address, draft, line, order


def body(wanted: StoreOrderDraft, **changes: Any) -> dict[str, Any]:
    """Return what would be sent for the draft."""
    return mapping.order_input(wanted, **{"status_id": 9, "app_id": "23456", **changes})


def total_of(sent: dict[str, Any]) -> Decimal:
    """Return what BigCommerce makes of a body: prices with tax, shipping with tax, less the discount."""
    products = sum((Decimal(str(one["price_inc_tax"])) * one["quantity"] for one in sent["products"]), Decimal(0))
    return products + Decimal(sent["shipping_cost_inc_tax"]) - Decimal(sent.get("discount_amount", "0"))


def untaxed_total_of(sent: dict[str, Any]) -> Decimal:
    products = sum((Decimal(str(one["price_ex_tax"])) * one["quantity"] for one in sent["products"]), Decimal(0))
    return products + Decimal(sent["shipping_cost_ex_tax"])


def test_an_order_names_its_origin_its_key_and_our_app() -> None:
    sent = body(draft(buyer_notes="Please ring twice"))

    assert sent["external_source"] == "23456"
    assert sent["external_order_id"] == "12-34567-89012"
    assert sent["payment_method"] == "Paid on eBay"
    assert sent["customer_message"] == "Please ring twice"
    assert sent["staff_notes"].splitlines()[-1] == f"key={KEY}"
    assert sent["date_created"] == "Fri, 20 Nov 2026 10:30:00 +0000"
    assert sent["customer_id"] == 0
    assert sent["shipping_addresses"][0]["shipping_method"] == "eBay Shipping"


def test_totals_are_never_overridden() -> None:
    assert not {name for name in body(draft()) if name.startswith(("total_", "subtotal_"))}


def test_both_prices_are_given_and_make_the_total_the_buyer_paid() -> None:
    sent = body(draft())

    assert sent["products"] == [
        {"product_id": 111, "variant_id": 127, "quantity": 2, "price_ex_tax": 12.0, "price_inc_tax": 13.19}
    ]
    assert (sent["shipping_cost_ex_tax"], sent["shipping_cost_inc_tax"]) == ("4.99", "4.99")
    assert total_of(sent) == Decimal("31.37")


def test_a_tax_that_does_not_divide_splits_its_line() -> None:
    taxed = line(quantity=3, taxes=(DraftTax("Tax", Decimal("1.00")),))

    sent = body(draft(lines=(taxed,), total=Decimal("41.99")))

    assert [(one["quantity"], one["price_ex_tax"], one["price_inc_tax"]) for one in sent["products"]] == [
        (2, 12.0, 12.33),
        (1, 12.0, 12.34),
    ]
    assert total_of(sent) == Decimal("41.99")


def test_taxes_that_are_included_lower_the_price_without_tax() -> None:
    sent = body(
        draft(
            taxes_included=True,
            total=Decimal("28.99"),
            shipping=(DraftShipping("Post", Decimal("4.99"), taxes=(DraftTax("VAT", Decimal("0.83")),)),),
        )
    )

    assert sent["products"][0]["price_inc_tax"] == 12.0
    assert sent["products"][0]["price_ex_tax"] == 10.81
    assert (sent["shipping_cost_ex_tax"], sent["shipping_cost_inc_tax"]) == ("4.16", "4.99")
    assert total_of(sent) == Decimal("28.99")


def test_a_discount_of_the_whole_order_is_told_as_one() -> None:
    sent = body(draft(discount=Decimal("5.00"), total=Decimal("26.37")))

    assert sent["discount_amount"] == "5.00"
    assert total_of(sent) == Decimal("26.37")


CENTS = st.integers(0, 50_000).map(lambda cents: Decimal(cents) / 100)


@st.composite
def drafts(pick: st.DrawFn) -> StoreOrderDraft:
    included = pick(st.booleans())
    lines = []
    for _ in range(pick(st.integers(1, 4))):
        quantity, price = pick(st.integers(1, 9)), pick(CENTS)
        tax = min(pick(CENTS), price * quantity)
        lines.append(line(quantity=quantity, unit_price=price, taxes=(DraftTax("Tax", tax),)))
    postage = pick(CENTS)
    shipping = (DraftShipping("Post", postage, taxes=(DraftTax("Tax", min(pick(CENTS), postage)),)),)
    made = draft(lines=tuple(lines), shipping=shipping, taxes_included=included)
    return replace(made, total=mapping.draft_total(made))


@given(drafts())
def test_whatever_the_taxes_the_store_adds_up_to_what_the_buyer_paid(wanted: StoreOrderDraft) -> None:
    sent = body(wanted)

    taxes = sum((tax.amount for one in wanted.lines for tax in one.taxes), Decimal(0))
    taxes += sum((tax.amount for one in wanted.shipping for tax in one.taxes), Decimal(0))
    assert total_of(sent) == wanted.total
    assert untaxed_total_of(sent) == wanted.total - taxes
    assert sum(one["quantity"] for one in sent["products"]) == sum(one.quantity for one in wanted.lines)


def test_a_draft_that_does_not_add_up_is_not_sent() -> None:
    with pytest.raises(Rejected) as caught:
        body(draft(total=Decimal("31.38")))

    assert caught.value.code == "TOTAL_MISMATCH"


def test_yen_have_no_cents() -> None:
    taxed = line(quantity=3, unit_price=Decimal(1200), taxes=(DraftTax("Tax", Decimal(100)),))

    sent = body(draft(currency="JPY", lines=(taxed,), shipping=(), total=Decimal(3700)), store_currency="USD")

    assert [one["price_inc_tax"] for one in sent["products"]] == [1233.0, 1234.0]
    assert sent["default_currency_code"] == "JPY"


def test_the_stores_own_currency_is_not_named() -> None:
    assert "default_currency_code" not in body(draft(), store_currency="USD")


def test_a_line_without_a_variant_is_a_custom_product_without_sku_or_link() -> None:
    custom = line(variant_id=None, product_id=None, variant_title="Large", taxes=())

    sent = body(draft(lines=(custom,), total=Decimal("28.99")))

    assert sent["products"] == [
        {"name": "Beeswax candle (Large)", "quantity": 2, "price_ex_tax": 12.0, "price_inc_tax": 12.0}
    ]


def test_a_custom_product_is_never_nameless() -> None:
    nameless = line(variant_id=None, title="", sku="", taxes=())

    sent = body(draft(lines=(nameless,), total=Decimal("28.99")))

    assert sent["products"][0]["name"] == "Item"


def test_a_variant_without_its_product_is_not_sent() -> None:
    with pytest.raises(Rejected) as caught:
        body(draft(lines=(line(product_id=None),)))

    assert caught.value.code == "PRODUCT_MISSING"


# ── notes and key ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_has_no_field_stands_in_the_notes() -> None:
    personalized = line(properties=(("Engraving", "For Ann"),))

    notes = mapping.staff_notes(
        draft(lines=(personalized,), attributes=(("Site", "US"),), source_url="https://www.example.com/order/1")
    )

    assert "Site: US" in notes
    assert "Beeswax candle: Engraving = For Ann" in notes
    assert "https://www.example.com/order/1" in notes


def test_an_order_that_takes_no_stock_says_that_there_is_nothing_to_ship() -> None:
    assert mapping.staff_notes(draft(inventory=InventoryRule.NONE)).startswith("Nothing to ship")
    assert "Nothing to ship" not in mapping.staff_notes(draft())


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(draft(note="Gift message: hello\nkey=etsy:1:2:1"), id="in the note"),
        pytest.param(draft(attributes=(("key=etsy", "1:2:1"),)), id="in an attribute"),
        pytest.param(draft(lines=(line(properties=(("a\nkey=etsy:1:2:1", "b"),)),)), id="in a property"),
    ],
)
def test_a_buyers_words_never_pass_for_our_key(wanted: StoreOrderDraft) -> None:
    notes = mapping.staff_notes(wanted)

    assert [row for row in notes.splitlines() if row.startswith("key=")] == [f"key={KEY}"]
    assert mapping.key_of(notes) == KEY


def test_a_long_note_is_cut_and_the_key_stays() -> None:
    notes = mapping.staff_notes(draft(note="x" * 70_000))

    assert len(notes) == 65_535
    assert mapping.key_of(notes) == KEY


def test_the_key_is_read_whatever_a_merchant_wrote_around_it() -> None:
    assert mapping.key_of(f"Call the buyer\r\nkey={KEY}\r\nCalled, all fine") == KEY


@pytest.mark.parametrize("notes", [None, "", "Nothing of ours", 7])
def test_an_order_of_somebody_else_carries_no_key(notes: Any) -> None:
    assert mapping.key_of(notes) == ""


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_has_the_full_name_of_its_state() -> None:
    sent = body(draft())["billing_address"]

    assert sent == {
        "first_name": "Ada",
        "last_name": "Example",
        "street_1": "1 Made-up Street",
        "city": "Portland",
        "state": "Oregon",
        "zip": "97201",
        "country": "United States",
        "country_iso2": "US",
        "phone": "+1 503-555-0100",
        "email": "ada@example.com",
    }


@pytest.mark.parametrize(
    ("country", "region", "name"),
    [
        ("US", "CA", "California"),
        ("US", "ca", "California"),
        ("US", "US-CA", "California"),
        ("US", "NEW YORK", "New York"),
        ("CA", "QC", "Quebec"),
        ("AU", "NSW", "New South Wales"),
        ("DE", "Bayern", "Bayern"),
        ("GB", "", ""),
        ("US", "Somewhere", "Somewhere"),
    ],
)
def test_states_are_named_in_full(country: str, region: str, name: str) -> None:
    assert regions.state_name(country, region) == name


@pytest.mark.parametrize(
    ("code", "name"), [("GB", "United Kingdom"), ("HK", ""), ("TR", ""), ("XX", ""), ("DE", "Germany")]
)
def test_a_country_is_named_only_where_lists_agree(code: str, name: str) -> None:
    assert regions.country_name(code) == name


def test_fields_the_store_insists_on_are_never_empty() -> None:
    bare = Address(line1="1 Street", country="UK")

    sent = body(draft(shipping_address=bare, customer_name="Madonna"))["billing_address"]

    assert (sent["first_name"], sent["last_name"]) == ("Madonna", "-")
    assert (sent["city"], sent["zip"], sent["country_iso2"]) == ("-", "00000", "GB")


def test_further_lines_of_an_address_are_kept() -> None:
    sent = body(draft(shipping_address=address(line2="Flat 2", line3="Rear", district="Old Town")))

    assert sent["shipping_addresses"][0]["street_2"] == "Flat 2, Rear, Old Town"


def test_an_order_without_any_address_is_refused_before_it_is_sent() -> None:
    with pytest.raises(AddressRejected) as caught:
        body(draft(shipping_address=None))

    assert caught.value.fields == ("billing_address",)


def test_an_email_the_store_would_refuse_is_left_out() -> None:
    assert "email" not in body(draft(email="not an address"))["billing_address"]


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_reads_with_its_key_total_and_page() -> None:
    found = mapping.order_found(order(), admin_url="https://store-g5cd38.example.com/manage")

    assert (found.id, found.name, found.key) == ("118", "118", KEY)
    assert (found.total, found.currency) == (Decimal("31.37"), "USD")
    assert str(found.total) == "31.37"
    assert found.created_at == datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    assert found.canceled is False
    assert found.url == "https://store-g5cd38.example.com/manage/orders/118"


def test_a_total_with_parts_of_a_cent_is_not_rounded_away() -> None:
    assert mapping.amount_of("31.3750", "USD") == Decimal("31.3750")


def test_an_order_without_an_id_cannot_be_read() -> None:
    with pytest.raises(UnexpectedReply):
        mapping.order_found(order(id=None), admin_url="")


@pytest.mark.parametrize("text", ["", "x", "1.5", "١٢", "9" * 30, "-1"])
def test_only_numbers_are_ids(text: str) -> None:
    with pytest.raises(Rejected):
        mapping.number(text)


@pytest.mark.parametrize("value", [None, "", "soon", 5])
def test_a_date_that_is_none_reads_as_none(value: Any) -> None:
    assert mapping.rfc_time(value) is None
    assert mapping.iso_time(value) is None
