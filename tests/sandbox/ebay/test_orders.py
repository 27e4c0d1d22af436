"""getOrders and getOrder: filters, pages over a moving set, and what is shown when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.ebay.conftest import CANDLE, Seller


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def since(name: str = "lastmodifieddate", **ago: int) -> str:
    return f"{name}:[{iso(datetime.now(UTC) - timedelta(**ago or {'days': 1}))}..]"


def error_id(answer: Any) -> int:
    return int(answer.json()["errors"][0]["errorId"])


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [1, 7, 12, 200])
def test_pages_hold_every_order_once_oldest_first(seller: Seller, size: int) -> None:
    placed = seller.place(count=25)
    found: list[str] = []
    query: dict[str, Any] = {"filter": since(), "limit": size, "offset": 0}
    while True:
        page = seller.page(**query)
        found += [order["orderId"] for order in page["orders"]]
        assert page["total"] == 25 and page["limit"] == size and page["offset"] == query["offset"]
        assert ("prev" in page) == (query["offset"] > 0)
        if "next" not in page:
            break
        query["offset"] += size

    assert found == placed


CHANGES: list[dict[str, Any]] = [
    {"status": "paid"},
    {"note": "Ring twice"},
    {"buyer": {"name": "Ada Byron"}},
    {"address": {"address1": "8 Quay", "city": "Boise", "state": "ID", "zip": "83702", "country": "US"}},
    {"lines": [{"sku": CANDLE, "quantity": 3}]},
    {"adjustment": "-1.00"},
    {"refund": "2.00"},
    {"status": "shipped"},
    {"mode": "sweep"},
]


def test_a_list_shows_an_order_as_it_stands_after_every_change(seller: Seller) -> None:
    (order_id,) = seller.place(status="pending")

    def differs() -> set[str]:
        """Compare the list with getOrder, which keeps no text; only the latter shows requests to cancel."""
        listed, alone = seller.page()["orders"][0], seller.order(order_id)
        return {name for name in listed | alone if listed.get(name) != alone.get(name)} - {"cancelStatus"}

    assert not differs()
    for change in CHANGES:
        before = seller.page()["orders"]
        order_id = seller.patch(order_id, **change)["id"]
        assert seller.page()["orders"] != before and not differs(), change
    (canceled,) = seller.place()
    before = seller.page()["orders"]
    seller.patch(canceled, status="canceled")
    after = seller.page()["orders"]
    assert [order["cancelStatus"]["cancelState"] for order in before] == ["NONE_REQUESTED", "NONE_REQUESTED"]
    assert [order["cancelStatus"]["cancelState"] for order in after] == ["NONE_REQUESTED", "CANCELED"]


def test_a_fault_spoils_one_answer_and_not_the_next(seller: Seller) -> None:
    seller.place()
    clean = seller.page()["orders"]
    with seller.fault("null_field", "getOrders", count=1, field="buyer.username"):
        spoiled = seller.call("GET", "/sell/fulfillment/v1/order", checked=False).json()["orders"]
        assert spoiled[0]["buyer"]["username"] is None
        assert seller.page()["orders"] == clean


def test_the_tax_breakdown_is_for_the_call_that_asked(seller: Seller) -> None:
    seller.place(tax="1.00")
    usual = seller.page()["orders"][0]["pricingSummary"]

    assert "tax" in seller.page(fieldGroups="TAX_BREAKDOWN")["orders"][0]["pricingSummary"]
    assert "tax" not in usual and seller.page()["orders"][0]["pricingSummary"] == usual


def test_without_a_filter_the_orders_of_ninety_days_are_listed(seller: Seller) -> None:
    old = seller.place()
    seller.served.advance(days=91)
    seller.sign_in()
    new = seller.place()

    assert seller.ids() == new
    assert seller.ids(filter=since("creationdate", days=100)) == old + new


def test_an_order_changed_while_paging_moves_to_the_end_and_another_is_passed_over(seller: Seller) -> None:
    placed = seller.place(count=4)
    first = seller.ids(filter=since(), limit=2)
    seller.patch(placed[0], note="Please hurry")

    second = seller.ids(filter=since(), limit=2, offset=2)

    assert first == placed[:2]
    assert second == [placed[3], placed[0]], "the third slid to where the first page already was"


def test_when_both_dates_are_given_only_the_creation_counts(seller: Seller) -> None:
    old = seller.place()
    seller.served.advance(days=3)
    seller.sign_in()
    seller.patch(old[0], note="changed now")
    now = datetime.now(UTC) + timedelta(days=3)
    changed = f"lastmodifieddate:[{iso(now - timedelta(hours=1))}..]"
    created = f"creationdate:[{iso(now - timedelta(hours=1))}..]"

    assert seller.ids(filter=changed) == old
    assert seller.ids(filter=f"{changed},{created}") == []


def test_a_list_shows_a_change_as_late_as_the_profile_says(seller: Seller) -> None:
    seller.served.run(seller.served.core.limits.set, ("ebay",), "off", 60.0)
    placed = seller.place()

    assert seller.ids(filter=since()) == []
    assert seller.order(placed[0])["orderId"] == placed[0], "getOrder knows it at once"
    seller.served.advance(seconds=61)
    assert seller.ids(filter=since()) == placed


def test_a_silent_order_is_in_the_list_by_creation_only(seller: Seller) -> None:
    placed = seller.place(mode="silent")

    assert seller.ids(filter=since()) == []
    assert seller.ids(filter=since("creationdate")) == placed
    seller.patch(placed[0], mode="sweep")
    assert seller.ids(filter=since()) == placed


def test_fulfillment_status_is_filtered_in_the_two_documented_ways_only(seller: Seller) -> None:
    waiting, shipped = seller.place(), seller.place(status="shipped")

    assert seller.ids(filter="orderfulfillmentstatus:{NOT_STARTED|IN_PROGRESS}") == waiting
    assert seller.ids(filter="orderfulfillmentstatus:{FULFILLED|IN_PROGRESS}") == shipped
    assert error_id(seller.search(filter="orderfulfillmentstatus:{FULFILLED}")) == 30800


def test_named_orders_come_whatever_else_is_asked(seller: Seller, stranger: Seller) -> None:
    mine, theirs = seller.place(count=3), stranger.place()

    found = seller.ids(orderIds=",".join([mine[2], mine[0], theirs[0]]), filter="nonsense", limit=999)

    assert found == [mine[2], mine[0]]
    assert error_id(seller.search(orderIds=",".join(["1"] * 51))) == 30900


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"limit": 201}, 31100),
        ({"limit": 0}, 31100),
        ({"limit": "many"}, 31100),
        ({"offset": -1}, 31000),
        ({"filter": "color:[red..]"}, 30700),
        ({"filter": "lastmodifieddate:{A|B}"}, 30800),
        ({"filter": "lastmodifieddate"}, 30800),
        ({"filter": "creationdate:[2026-01-01..]"}, 30810),
        ({"filter": "creationdate:[..2026-01-01T00:00:00.000Z]"}, 30820),
        ({"filter": "creationdate:[2026-11-02T00:00:00.000Z..2026-11-01T00:00:00.000Z]"}, 30840),
        ({"filter": "creationdate:[2019-11-02T00:00:00.000Z..]"}, 30830),
        ({"filter": "lastmodifieddate:[2099-01-01T00:00:00.000Z..]"}, 30850),
        ({"fieldGroups": "EVERYTHING"}, 32800),
    ],
)
def test_what_ebay_refuses_is_refused_with_its_own_number(seller: Seller, query: dict[str, Any], wanted: int) -> None:
    assert error_id(seller.search(**query)) == wanted


def test_an_upper_bound_in_the_future_is_refused_too(seller: Seller) -> None:
    now = datetime.now(UTC)
    window = f"lastmodifieddate:[{iso(now - timedelta(hours=1))}..{iso(now + timedelta(minutes=5))}]"

    assert error_id(seller.search(filter=window)) == 30850


def test_nobody_sees_anothers_orders(seller: Seller, stranger: Seller) -> None:
    placed = seller.place()

    answer = stranger.call("GET", f"/sell/fulfillment/v1/order/{placed[0]}")

    assert (answer.status_code, error_id(answer)) == (400, 32100)
    assert stranger.ids() == []


# ── payment and ids ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unpaid_order_gets_another_id_when_it_is_paid(seller: Seller) -> None:
    (first,) = seller.place(status="pending")
    before = seller.order(first)
    now = seller.patch(first, status="paid")["id"]
    after = seller.order(now)

    assert before["orderPaymentStatus"] == "PENDING" and "paymentDate" not in before["paymentSummary"]["payments"][0]
    assert now != first and after["orderPaymentStatus"] == "PAID"
    assert before["lineItems"][0]["lineItemId"] == after["lineItems"][0]["lineItemId"], "the line keeps its id"
    assert seller.ids() == [now]
    assert error_id(seller.call("GET", f"/sell/fulfillment/v1/order/{first}")) == 32100
    assert seller.view(first)["id"] == now and seller.view(now)["former_ids"] == [first]


def test_a_paid_order_with_immediate_payment_keeps_its_id(seller: Seller) -> None:
    (paid,) = seller.place()
    (late,) = seller.place(status="pending", immediate_payment=True)

    assert seller.order(paid)["orderPaymentStatus"] == "PAID"
    assert seller.patch(late, status="paid")["id"] == late


def test_the_old_id_is_known_after_a_restart(seller: Seller) -> None:
    (first,) = seller.place(status="pending")
    now = seller.patch(first, status="paid")["id"]
    control = seller.served.control
    seller.served.run(control.state.load)

    assert seller.view(first)["id"] == now
    assert seller.ids() == [now]


def test_several_purchases_are_one_order_with_several_lines(seller: Seller) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE, "quantity": 3}], combined=True, shipping="5.00")

    lines = seller.order(order_id)["lineItems"]

    assert [line["quantity"] for line in lines] == [1, 1, 1]
    assert len({line["lineItemId"] for line in lines}) == 3 and {line["sku"] for line in lines} == {CANDLE}
    assert sum(Decimal(line["deliveryCost"]["shippingCost"]["value"]) for line in lines) == Decimal("5.00")


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def value(amount: dict[str, str] | None) -> Decimal:
    return Decimal(amount["value"]) if amount else Decimal(0)


PRICED = {
    "lines": [
        {"sku": CANDLE, "quantity": 3, "unit_price": "9.99", "discount": "1.00"},
        {"title": "Brass Snuffer", "unit_price": "21.00"},
    ],
    "shipping": "7.50",
    "shipping_discount": "2.50",
    "discount": "3.33",
    "order_discount": "1.11",
    "adjustment": "-0.40",
    "tax": "4.07",
}


@pytest.mark.parametrize("tax_by", ["ebay", "seller"])
@pytest.mark.parametrize("breakdown", [True, False])
def test_the_terms_of_the_sum_add_up_to_the_total(seller: Seller, tax_by: str, breakdown: bool) -> None:
    (order_id,) = seller.place(**PRICED, tax_by=tax_by)
    order = seller.order(order_id, **({"fieldGroups": "TAX_BREAKDOWN"} if breakdown else {}))
    summary = order["pricingSummary"]
    terms = ("priceSubtotal", "priceDiscount", "deliveryCost", "deliveryDiscount", "adjustment", "tax", "fee")

    assert sum(value(summary.get(name)) for name in terms) == value(summary["total"])
    lines = sum(value(line["total"]) for line in order["lineItems"])
    assert lines - Decimal("1.11") - Decimal("0.40") == value(summary["total"])
    assert value(summary["priceSubtotal"]) == sum(value(line["lineItemCost"]) for line in order["lineItems"])
    assert value(summary["priceDiscount"]) < 0 and value(summary["deliveryDiscount"]) < 0


def test_tax_that_ebay_collects_is_in_the_total_only_with_the_breakdown(seller: Seller) -> None:
    (order_id,) = seller.place(**PRICED)
    short, full = seller.order(order_id), seller.order(order_id, fieldGroups="TAX_BREAKDOWN")

    assert value(full["pricingSummary"]["total"]) - value(short["pricingSummary"]["total"]) == Decimal("4.07")
    assert "tax" not in short["pricingSummary"] and value(full["pricingSummary"]["tax"]) == Decimal("4.07")
    assert short["ebayCollectAndRemitTax"] is True
    for order in (short, full):
        remitted = [line["ebayCollectAndRemitTaxes"][0] for line in order["lineItems"]]
        assert {entry["taxType"] for entry in remitted} == {"STATE_SALES_TAX"}
        assert sum(value(entry["amount"]) for entry in remitted) == Decimal("4.07")
        due = value(order["paymentSummary"]["totalDueSeller"])
        assert due == value(order["paymentSummary"]["payments"][0]["amount"]) == value(full["pricingSummary"]["total"])
    assert Decimal(seller.view(order_id)["total"]) == value(full["pricingSummary"]["total"])


@pytest.mark.parametrize(("key", "site", "currency", "tax"), [(0, "UK", "GBP", "VAT"), (1, "DE", "EUR", "VAT")])
def test_each_site_has_its_currency_and_its_tax(
    seller: Seller, stranger: Seller, key: int, site: str, currency: str, tax: str
) -> None:
    who = (seller, stranger)[key]
    listing = who.served.run(who.served.control.listings, who.key)[0]
    (order_id,) = who.place(lines=[{"sku": listing["sku"]}], site=site, tax="2.00")

    order = who.order(order_id)

    assert order["pricingSummary"]["total"]["currency"] == currency
    assert order["lineItems"][0]["purchaseMarketplaceId"] == {"UK": "EBAY_GB", "DE": "EBAY_DE"}[site]
    assert order["lineItems"][0]["ebayCollectAndRemitTaxes"][0]["taxType"] == tax
    assert value(order["lineItems"][0]["lineItemCost"]) == Decimal(listing["prices"][site])


@pytest.mark.parametrize(
    ("price", "shown"), [("12.00", "12.0"), ("12.50", "12.5"), ("12.49", "12.49"), ("0.00", "0.0")]
)
def test_money_is_written_with_no_more_decimals_than_it_needs(seller: Seller, price: str, shown: str) -> None:
    (order_id,) = seller.place(lines=[{"sku": CANDLE, "unit_price": price}])

    assert seller.order(order_id)["pricingSummary"]["priceSubtotal"]["value"] == shown


def test_a_buyer_with_another_currency_is_shown_beside_the_sellers(seller: Seller) -> None:
    (order_id,) = seller.place(buyer_currency="CAD")

    total = seller.order(order_id)["pricingSummary"]["total"]

    assert total["currency"] == "USD" and total["convertedFromCurrency"] == "CAD"
    assert Decimal(total["convertedFromValue"]) > Decimal(total["value"])


# ── people and places ────────────────────────────────────────────────────────────────────────────────────────────────


def contact(order: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = order["fulfillmentStartInstructions"][0]["shippingStep"]["shipTo"]
    return found


def test_the_email_is_shown_for_fourteen_days_and_the_name_for_ninety(seller: Seller) -> None:
    (order_id,) = seller.place(buyer={"name": "Ada Byron", "email": "ada@buyers.example", "phone": "555-0100"})
    young = contact(seller.order(order_id))
    seller.served.advance(days=15)
    seller.sign_in()
    older = contact(seller.order(order_id))
    seller.served.advance(days=76)
    seller.sign_in()
    old = contact(seller.order(order_id))

    assert (young["email"], young["fullName"]) == ("ada@buyers.example", "Ada Byron")
    assert "email" not in older and older["fullName"] == "Ada Byron"
    assert "fullName" not in old and "primaryPhone" not in old and old["contactAddress"]["city"]


def test_a_list_forgets_the_email_and_the_name_as_one_order_does(seller: Seller) -> None:
    seller.place(buyer={"name": "Ada Byron", "email": "ada@buyers.example", "phone": "555-0100"})
    shown = []
    for days in (0, 15, 70):
        seller.served.advance(days=days)
        seller.sign_in()
        shown.append(contact(seller.page()["orders"][0]))

    assert [("email" in who, "fullName" in who) for who in shown] == [(True, True), (False, True), (False, True)]
    seller.served.advance(days=6)
    seller.sign_in()
    long_ago = iso(seller.served.core.world.now() - timedelta(days=100))
    assert "fullName" not in contact(seller.page(filter=f"creationdate:[{long_ago}..]")["orders"][0])


@pytest.mark.parametrize("program", ["GLOBAL_SHIPPING", "INTERNATIONAL_SHIPPING", "AUTHENTICITY_GUARANTEE"])
def test_ebays_programs_have_the_parcel_sent_to_a_hub(seller: Seller, program: str) -> None:
    address = {"address1": "8 Quay", "city": "Halifax", "state": "NS", "zip": "B3H 1A1", "country": "CA"}
    (order_id,) = seller.place(programs=[program], buyer={"address": address})
    (instruction,) = seller.order(order_id)["fulfillmentStartInstructions"]

    assert instruction["ebaySupportedFulfillment"] is True
    assert instruction["finalDestinationAddress"]["city"] == "Halifax"
    assert instruction["shippingStep"]["shipTo"]["contactAddress"]["countryCode"] == "US"
    assert ("shipToReferenceId" in instruction["shippingStep"]) == (program == "GLOBAL_SHIPPING")


def test_what_ebay_ships_itself_has_no_address(seller: Seller) -> None:
    (order_id,) = seller.place(fulfilled_by="marketplace")
    order = seller.order(order_id)

    assert order["program"]["fulfillmentProgram"] == {"fulfilledBy": "EBAY"}
    assert order["fulfillmentStartInstructions"][0]["fulfillmentInstructionsType"] == "FULFILLED_BY_EBAY"
    assert "shippingStep" not in order["fulfillmentStartInstructions"][0]


@pytest.mark.parametrize(("program", "kind"), [("PICKUP", "PREPARE_FOR_PICKUP"), ("DIGITAL", "DIGITAL")])
def test_pickup_and_digital_orders_are_not_shipped(seller: Seller, program: str, kind: str) -> None:
    (order_id,) = seller.place(programs=[program])
    (instruction,) = seller.order(order_id)["fulfillmentStartInstructions"]

    assert instruction["fulfillmentInstructionsType"] == kind and "shippingStep" not in instruction


def test_tax_ids_are_shown_for_single_orders_only(seller: Seller) -> None:
    (order_id,) = seller.place(buyer={"tax_id": {"id": "RSSMRA80A01H501U", "type": "CODICE_FISCALE", "country": "IT"}})

    assert seller.order(order_id)["buyer"]["taxIdentifier"]["issuingCountry"] == "IT"
    assert "taxIdentifier" not in seller.page()["orders"][0]["buyer"]


# ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_listing_without_a_sku_has_none_in_the_order(seller: Seller) -> None:
    (order_id,) = seller.place(lines=[{"title": "Brass Snuffer"}])
    (line,) = seller.order(order_id)["lineItems"]

    assert "sku" not in line and line["title"] == "Brass Snuffer" and line["legacyItemId"]
    assert "legacyVariationId" not in line and "variationAspects" not in line


def test_a_variation_has_an_id_and_aspects(seller: Seller) -> None:
    listings = seller.served.run(seller.served.control.listings, seller.key)
    listing = next(row for row in listings if row["variation_id"] and row["sku"])
    (order_id,) = seller.place(lines=[{"sku": listing["sku"]}])
    (line,) = seller.order(order_id)["lineItems"]

    assert (line["legacyItemId"], line["legacyVariationId"]) == (listing["item_id"], listing["variation_id"])
    assert {aspect["name"]: aspect["value"] for aspect in line["variationAspects"]} == listing["variation"]


def test_a_purchase_lowers_the_listing_paid_or_not(seller: Seller) -> None:
    before = seller.served.run(seller.served.control.listings, seller.key, CANDLE)[0]
    seller.place(lines=[{"sku": CANDLE, "quantity": 2}], status="pending")

    after = seller.served.run(seller.served.control.listings, seller.key, CANDLE)[0]

    assert after["quantity"] == before["quantity"] - 2 and after["version"] == before["version"] + 1


def test_wishes_for_personalization_and_gift_wrap_are_in_the_buyers_note(seller: Seller) -> None:
    (order_id,) = seller.place(note="Ring twice.", customization="Engrave: Ada", gift_wrap={"message": "With love"})

    note = seller.order(order_id)["buyerCheckoutNotes"]

    assert note.splitlines() == ["Ring twice.", "Engrave: Ada", "It is a gift, please wrap it. With love"]


def test_a_buyers_unpaid_purchases_become_one_order_when_they_are_paid_together(seller: Seller) -> None:
    lines = [{"sku": CANDLE, "quantity": 2, "unit_price": "10.00"}, {"title": "Brass Snuffer", "unit_price": "21.00"}]
    ids = seller.place(lines=lines, combined=True, status="pending", shipping="6.00", adjustment="-1.00")
    before = {line["lineItemId"] for order_id in ids for line in seller.order(order_id)["lineItems"]}

    now = seller.patch(ids[1], status="paid")["id"]
    order = seller.order(now)

    assert len(ids) == 2 and now not in ids
    assert {line["lineItemId"] for line in order["lineItems"]} == before
    assert Decimal(order["pricingSummary"]["total"]["value"]) == 46
    assert seller.ids() == [now] and seller.ids(filter=since()) == [now]
    assert sorted(seller.view(now)["former_ids"]) == sorted(ids)
    assert seller.view(ids[0])["id"] == now


def test_a_purchase_that_was_canceled_is_not_paid_with_the_others(seller: Seller) -> None:
    ids = seller.place(lines=[{"sku": CANDLE}, {"title": "Brass Snuffer"}], combined=True, status="pending")
    seller.patch(ids[0], status="canceled")

    now = seller.patch(ids[1], status="paid")["id"]

    assert len(seller.order(now)["lineItems"]) == 1
    assert seller.view(ids[0])["status"] == "canceled"
