"""The order page: why it is where it is, one thing to do, payment that adds up, a buyer who is erased on time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from connectors.contract.types import FulfilledBy, OrderStatus
from inventory import mappings
from inventory.models import SkuMapping
from orders import pipeline
from orders.models import Buyer, Order, OrderEvent, OrderLine
from salestio import tenancy
from tests.factories import Cast, amazon_line, make_variant
from tests.pages.conftest import NO_MATCH, OUT_OF_STOCK, in_store, save_order
from tests.pages.test_orders_page import text_of

pytestmark = pytest.mark.django_db


def seen(client: Client, order: Order) -> str:
    """Return the order page's text."""
    answer = client.get(f"/orders/{order.pk}/")
    assert answer.status_code == 200
    return text_of(answer)


def test_out_of_stock_names_sku_wanted_available_missing_and_place(pages: Client, merchant: Cast) -> None:
    page = seen(pages, save_order(merchant, after=OUT_OF_STOCK))

    assert "Not in your store yet: 1 unit is missing" in page
    assert "NP-MUG Portland Warehouse 2 1 1" in page
    assert "Check stock and export" in page
    assert "Tried by itself as soon as stock changes" in page
    assert "Create anyway…" in page
    assert "beyond its stock" not in page  # that is the other store's rule


def test_a_missing_product_is_named_and_the_line_can_be_chosen(pages: Client, merchant: Cast) -> None:
    page = seen(pages, save_order(merchant, amazon_line("STV-TI-2-CA"), after=NO_MATCH))

    assert "Not in your store yet: 1 product is missing in Shopify" in page
    assert "Missing products in Shopify: SKU: STV-TI-2-CA" in page
    assert "Choose the product" in page
    assert "Create anyway" not in page


def test_export_is_off_with_its_reason_when_the_sku_was_edited(pages: Client, merchant: Cast) -> None:
    order = save_order(
        merchant, after={"export_state": "held", "reason_code": "SKU_CHANGED", "reason_data": {"skus": ["NP-1"]}}
    )

    page = pages.get(f"/orders/{order.pk}/").content.decode()

    assert re.search(r'id="export-button" type="submit" disabled aria-describedby="export-why"', page)
    assert "The SKU was edited after import. Change the line to match it again" in page


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        ("imported", "QUEUED", "On its way to your store"),
        ("waiting", "RECONNECT_NEEDED", "Waiting for a connection"),
        ("waiting", "STORE_DOWN", "Shopify does not answer"),
        ("waiting", "ADDRESS_MISSING", "has not given the delivery address yet"),
        ("sending", "SENDING", "Being created in Shopify now"),
        ("unknown", "NO_ANSWER", "I looked, it is not there…"),
        ("held", "UNKNOWN_TOO_LONG", "No answer from Shopify: look there"),
        ("held", "TWO_FOUND", "Found more than once in Shopify"),
        ("held", "CONFLICT", "Adopt it"),
        ("held", "ADDRESS_REJECTED", "Change the address"),
        ("held", "AMBIGUOUS_SKU", "several products fit"),
        ("held", "TOTAL_MISMATCH", "the total does not add up"),
        ("held", "STORE_REFUSED", "refuses the order"),
        ("held", "FAULT", "Not in your store yet"),
        ("skipped", "FBA_FILTERED", "FBA orders are not created (your setting)"),
        ("skipped", "IMPORT_OFF", "are not created in Shopify (your setting)"),
        ("canceled", "CANCELED", "Canceled before it reached your store"),
        ("created", "GONE_IN_STORE", "Create again…"),
        ("held", "A_CODE_OF_TOMORROW", "Not in your store yet"),
    ],
)
def test_every_state_is_explained_and_no_reason_breaks_the_page(
    pages: Client, merchant: Cast, state: str, code: str, words: str
) -> None:
    data: dict[str, Any] = {
        "names": ["#1", "#2"],
        "ids": ["gid://shopify/Order/1"],
        "count": 2,
        "minutes": 30,
        "texts": ["Zip"],
    }
    if code == "AMBIGUOUS_SKU":
        data["items"] = [{"seller_sku": "NP-1", "candidates": ["Mug, red", "Mug, blue"]}]
    order = save_order(merchant, after={"export_state": state, "reason_code": code, "reason_data": data})

    assert words in seen(pages, order)


def test_the_rail_shows_how_far_the_order_came(pages: Client, merchant: Cast) -> None:
    def here(order: Order) -> str:
        page = pages.get(f"/orders/{order.pk}/").content.decode()
        found = re.search(r'aria-current="step"><b>(\w[\w ]*)', page)
        return found.group(1) if found else ""

    assert here(save_order(merchant, after=NO_MATCH)) == "Matched"
    assert here(save_order(merchant, after=OUT_OF_STOCK)) == "Reserved"
    assert here(save_order(merchant, after={"export_state": "unknown", "reason_code": "NO_ANSWER"})) == "In store"
    assert here(save_order(merchant, status=OrderStatus.INCOMPLETE, total=None)) == "Imported"
    assert here(save_order(merchant, after=in_store())) == ""


def test_payment_adds_up_or_says_by_how_much_it_does_not(pages: Client, merchant: Cast) -> None:
    line = amazon_line(
        "NP-MUG",
        2,
        "18.50",
        shipping=Decimal("4.99"),
        discount=Decimal("2.00"),
        tax=Decimal("3.10"),
        total=Decimal("43.09"),
    )
    good = seen(pages, save_order(merchant, line))
    bad = seen(pages, save_order(merchant, line, total=Decimal("44.00")))

    assert "Subtotal $37.00 Amazon Shipping $4.99 Promotion −$2.00 Tax $3.10 Total, USD $43.09" in good
    assert "Adds up to what the buyer paid" in good
    assert "Difference $0.91" in bad and "Adds up" not in bad


def test_the_buyer_is_shown_until_erased(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant)
    before = seen(pages, order)
    with tenancy.scope(merchant.id):
        Buyer.objects.filter(order_id=order.pk).delete()
    after = seen(pages, order)

    assert "4410 Larch Hollow Rd" in before and "Erased 30 days after delivery" in before
    assert "4410 Larch Hollow Rd" not in after and "Buyer erased" in after


def test_the_log_is_newest_first_with_who_did_what(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant)
    with tenancy.scope(merchant.id):
        for code, data, actor in (
            ("OUT_OF_STOCK", OUT_OF_STOCK["reason_data"], ""),
            ("EXPORT_ASKED", {"create_anyway": True}, "ines@example.com"),
            ("CREATED", {"name": "#10485"}, ""),
            ("SOMETHING_NEW", {"x": 1}, ""),
        ):
            OrderEvent.objects.create(
                merchant_id=merchant.id, order=order, stage="export", code=code, data=data, actor=actor
            )

    page = seen(pages, order)

    at = [page.index(text) for text in ("Something new.", "In your store as #10485",
                                        "Export asked for, with stock going below zero",
                                        "2 ordered, 1 available", "Imported from Amazon")]  # fmt: skip
    assert at == sorted(at)
    assert "ines@example.com" in page and "Unable to reserve inventory" in page


def test_previous_and_next_stay_inside_the_list_one_came_from(pages: Client, merchant: Cast) -> None:
    bought = datetime.now(UTC)
    first, second, third = (
        save_order(merchant, purchased_at=bought - timedelta(minutes=i), after=after)
        for i, after in enumerate((OUT_OF_STOCK, in_store(), OUT_OF_STOCK))
    )

    page = pages.get(f"/orders/{first.pk}/?view=needs").content.decode()

    assert f'href="/orders/{third.pk}/?view=needs"' in page
    assert f"/orders/{second.pk}/" not in page


def test_pressing_export_shows_what_came_of_it_in_place(
    pages: Client, merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)
    asked: list[dict[str, Any]] = []

    def advance(merchant_id: int, order_id: int, **wishes: Any) -> pipeline.Outcome:
        assert not tenancy.active()  # a platform may be called: no scope, no transaction of ours
        asked.append(wishes)
        with tenancy.scope(merchant_id):
            Order.objects.filter(pk=order_id).update(**in_store("#10485"))
        return pipeline.Outcome("created", "", "", "#10485")

    monkeypatch.setattr(pipeline, "advance", advance)
    answer = pages.post(f"/orders/{order.pk}/export/", headers={"hx-request": "true"})

    page = answer.content.decode()
    assert asked == [{"actor": merchant.user.email, "create_anyway": False, "again": False, "sure_not_there": False}]
    assert "Order #10485 created." in page
    assert page.count('hx-swap-oob="true"') == 6
    assert 'id="buyer"' in page and "Edit address" not in page
    assert "in your store, #10485" in answer["HX-Trigger"]


@pytest.mark.parametrize("wish", ["create_anyway", "again", "sure_not_there"])
def test_what_cannot_be_taken_back_needs_the_tick(
    pages: Client, merchant: Cast, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(
        pipeline, "advance", lambda *_, **wishes: asked.append(wishes) or pipeline.Outcome("held", "X", "no")
    )

    refused = pages.post(f"/orders/{order.pk}/export/", {wish: "1"}, headers={"hx-request": "true"})
    pages.post(f"/orders/{order.pk}/export/", {wish: "1", "confirmed": "on"}, headers={"hx-request": "true"})

    assert "Tick the box to confirm first" in text_of(refused)
    assert [call[wish] for call in asked] == [True]


def test_create_anyway_names_sku_place_before_and_after(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)

    page = text_of(pages.get(f"/orders/{order.pk}/confirm/anyway/", headers={"hx-request": "true"}))

    assert "Create the order with 1 unit missing?" in page
    assert "Stock of NP-MUG at Portland Warehouse goes from 1 to −1 in Shopify." in page
    assert pages.get(f"/orders/{order.pk}/confirm/everything/").status_code == 404


def test_a_line_is_changed_to_a_found_product_and_remembered(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant, amazon_line("STV-TI-2-CA"), after=NO_MATCH)
    variant = make_variant(merchant, "NP-STV-TI-2", title="Titanium Stove 2")
    make_variant(merchant, "NP-MUG")
    url = f"/orders/{order.pk}/lines/1/change/"

    found = text_of(pages.get(f"{url}?text=stove titanium&only=products"))
    none = pages.post(url, {"remember": "account"}, headers={"hx-request": "true"})
    done = pages.post(url, {"variant": variant.pk, "remember": "account"}, headers={"hx-request": "true"})

    assert "Titanium Stove 2" in found and "NP-MUG" not in found and "10 available" in found
    assert none.status_code == 422 and "Choose a product" in text_of(none)
    assert done["HX-Redirect"] == f"/orders/{order.pk}/"
    with tenancy.scope(merchant.id):
        line = OrderLine.objects.get(order_id=order.pk)
        assert (line.variant_id, line.matched_by) == (variant.pk, "person")
        assert SkuMapping.objects.get().sku == "NP-STV-TI-2"


def test_remembered_for_all_accounts_it_counts_for_the_orders_own_account_too(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant, amazon_line("STV-TI-2-CA"), after=NO_MATCH)
    variant = make_variant(merchant, "NP-STV-TI-2", title="Titanium Stove 2")
    with tenancy.scope(merchant.id):
        mappings.save(
            store=merchant.store, account=merchant.account, seller_sku="STV-TI-2-CA", sku="NP-STV-TI-1", actor="x"
        )

    pages.post(
        f"/orders/{order.pk}/lines/1/change/",
        {"variant": variant.pk, "remember": "all"},
        headers={"hx-request": "true"},
    )

    with tenancy.scope(merchant.id):
        assert list(SkuMapping.objects.values_list("account_id", "sku")) == [(None, "NP-STV-TI-2")]


def test_another_merchants_product_cannot_be_chosen(pages: Client, merchant: Cast, stranger: Cast) -> None:
    order = save_order(merchant, amazon_line("STV-TI-2-CA"), after=NO_MATCH)
    foreign = make_variant(stranger, "NP-X")

    answer = pages.post(f"/orders/{order.pk}/lines/1/change/", {"variant": foreign.pk}, headers={"hx-request": "true"})

    assert answer.status_code == 422


def test_the_address_is_checked_before_it_is_saved(pages: Client, merchant: Cast) -> None:
    order = save_order(
        merchant, after={"export_state": "held", "reason_code": "ADDRESS_REJECTED", "reason_data": {"texts": ["Zip"]}}
    )
    url = f"/orders/{order.pk}/address/"

    form = pages.get(url).content.decode()
    bad = pages.post(url, {"name": "M", "line1": "1 Road", "city": "Bend", "country": "Oregon"})
    good = pages.post(
        url, {"name": "M", "line1": "1 Road", "city": "Bend", "region": "OR", "postal_code": "97702", "country": "us"}
    )

    assert 'value="4410 Larch Hollow Rd"' in form
    assert 'value="United States"' in form
    assert bad.status_code == 422 and "Oregon is no country: use its name or two letters" in text_of(bad)
    assert good.status_code == 302
    assert "1 Road Bend, OR 97702 United States" in seen(pages, order)


@pytest.mark.parametrize(("typed", "shown"), [("germany", "Germany"), ("UK", "United Kingdom"), (" de ", "Germany")])
def test_a_country_may_be_typed_by_name_or_code(pages: Client, merchant: Cast, typed: str, shown: str) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)

    saved = pages.post(
        f"/orders/{order.pk}/address/", {"name": "M", "line1": "1 Road", "city": "Trier", "country": typed}
    )

    assert saved.status_code == 302
    assert shown in seen(pages, order)


def test_a_cancellation_that_is_being_decided_sends_the_merchant_there_and_never_exports_by_the_main_button(
    pages: Client, merchant: Cast
) -> None:
    order = save_order(merchant, after={"export_state": "held", "reason_code": "CANCEL_REQUESTED"})

    page = pages.get(f"/orders/{order.pk}/").content.decode()

    assert re.search(
        r'<a class="btn btn-primary" id="why-button"[^>]*target="_blank"[^>]*>.*?Decide on Amazon</a>', page
    )
    assert 'aria-current="step"><b>Matched' in page  # it was stopped before it was matched
    assert "Not matched yet" in page and 'g-rule late"' not in page


def test_a_dialogs_form_that_is_opened_as_a_page_answers_with_a_page(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)

    for url in (
        "/orders/fetch/",
        *(f"/orders/{order.pk}/{rest}/" for rest in ("address", "lines/1/change", "confirm/anyway")),
    ):
        page, box = pages.get(url).content.decode(), pages.get(url, headers={"hx-request": "true"}).content.decode()
        assert "hx-post" not in page and "<dialog" in box and "hx-post" in box, url


def test_an_fba_order_says_who_ships_it(pages: Client, merchant: Cast) -> None:
    page = seen(pages, save_order(merchant, fulfilled_by=FulfilledBy.MARKETPLACE, status=OrderStatus.SHIPPED))

    assert "Amazon (FBA)" in page and "Not created in your store" in page


def test_an_open_order_page_is_told_304_until_something_happens(pages: Client, merchant: Cast) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)

    first = pages.get(f"/orders/{order.pk}/live/")
    again = pages.get(f"/orders/{order.pk}/live/", headers={"if-none-match": first["ETag"]})
    with tenancy.scope(merchant.id):
        Order.objects.filter(pk=order.pk).update(**in_store())
    changed = pages.get(f"/orders/{order.pk}/live/", headers={"if-none-match": first["ETag"]})

    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
