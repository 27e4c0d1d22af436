"""Receipts: the list and its filters, one receipt, money, personalization, what Etsy withholds."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.etsy.conftest import CANDLE, LUMEN, Shop


def test_a_receipt_holds_lines_and_adds_up_in_the_shops_currency(lumen: Shop) -> None:
    lines = [{"sku": CANDLE, "quantity": 3, "unit_price": "23.90"}, {"sku": "LL-TEA-12", "unit_price": "13.90"}]
    (receipt_id,) = lumen.place(lines=lines, shipping="5.20", tax="4.11", discount="10.00", vat="1.00")
    found = lumen.receipt(receipt_id)

    assert found["status"] == "paid" and found["is_paid"] and not found["is_shipped"]
    assert found["total_price"] == {"amount": 8560, "divisor": 100, "currency_code": "EUR"}
    assert found["subtotal"]["amount"] == 7560 and found["discount_amt"]["amount"] == 1000
    assert found["total_shipping_cost"]["amount"] == 520 and found["total_tax_cost"]["amount"] == 411
    assert found["grandtotal"]["amount"] == 8560 - 1000 + 520 + 411 + 100
    assert [(t["sku"], t["quantity"], t["price"]["amount"]) for t in found["transactions"]] == [
        (CANDLE, 3, 2390),
        ("LL-TEA-12", 1, 1390),
    ]
    assert sum(t["shipping_cost"]["amount"] for t in found["transactions"]) == 520
    assert sum(round(t["shop_coupon"] * 100) for t in found["transactions"]) == 1000
    assert lumen.view(receipt_id)["total"] == "85.91"


def test_yen_have_no_smaller_unit(served: Any, lumen: Shop) -> None:
    served.run(served.control.add, "91000001", {"currency": "JPY"})
    shop = Shop(served, "91000001", lumen.official)
    shop.sign_in()
    (receipt_id,) = shop.place(lines=[{"sku": CANDLE, "unit_price": "3400", "quantity": 2}], shipping="500")

    assert shop.receipt(receipt_id)["grandtotal"] == {"amount": 7300, "divisor": 1, "currency_code": "JPY"}


def test_a_variation_and_a_listing_without_sku_can_be_ordered_by_number_or_title(harbour: Shop) -> None:
    vases = [row for row in harbour.listings() if not row["sku"]]
    by_number = {"item_id": vases[1]["item_id"], "variation_id": vases[1]["variation_id"]}
    by_title = {"sku": "", "title": vases[2]["title"], "variation": vases[2]["variation"]}
    (receipt_id,) = harbour.place(lines=[by_number, by_title])

    first, second = harbour.receipt(receipt_id)["transactions"]
    assert first["sku"] is None and first["product_id"] == vases[1]["product_id"]
    assert [(v["formatted_name"], v["formatted_value"]) for v in first["variations"]] == [("Size", "M")]
    assert second["product_id"] == vases[2]["product_id"]
    assert second["product_data"][0]["values"] == ["L"]


def test_answers_to_questions_stand_behind_the_chosen_options(lumen: Shop) -> None:
    (receipt_id,) = lumen.place(
        lines=[{"sku": "LL-ENG", "customization": {"Text to engrave": "Ada & Ben"}}, {"sku": CANDLE}],
    )
    engraved, candle = lumen.receipt(receipt_id)["transactions"]

    (answer,) = engraved["variations"]
    assert (answer["formatted_name"], answer["formatted_value"]) == ("Text to engrave", "Ada & Ben")
    assert answer["question_id"] and answer["value_id"] is None and engraved["product_data"] == []
    assert [v["question_id"] for v in candle["variations"]] == [None]


def test_personalization_of_before_2026_is_property_54_without_a_question(lumen: Shop) -> None:
    (receipt_id,) = lumen.place(customization="M & R 2019")
    written = lumen.receipt(receipt_id)["transactions"][0]["variations"][-1]

    assert (written["property_id"], written["question_id"]) == (54, None)
    assert written["formatted_value"] == "M & R 2019"


def test_a_digital_line_is_marked_and_takes_no_stock(lumen: Shop) -> None:
    rows = lumen.listings()
    pattern = next(row for row in rows if row["digital"])
    (receipt_id,) = lumen.place(lines=[{"item_id": pattern["item_id"]}, {"sku": CANDLE, "digital": True}])

    found = lumen.receipt(receipt_id)["transactions"]
    assert [t["is_digital"] for t in found] == [True, True]
    assert [t["file_data"] for t in found] == ["1 PDF", "1 PDF"] and found[0]["shipping_profile_id"] is None
    assert lumen.listings() == rows


def test_an_order_lowers_the_listing_and_the_last_one_sells_it_out(lumen: Shop) -> None:
    (before,) = lumen.listings("LL-WNT")
    assert before["quantity"] == 1
    lumen.place(lines=[{"sku": "LL-WNT"}])

    (after,) = lumen.listings("LL-WNT")
    assert (after["quantity"], after["state"], after["version"]) == (0, "sold_out", before["version"] + 1)


def test_gift_and_note_and_wrap_reach_the_receipt(lumen: Shop) -> None:
    (receipt_id,) = lumen.place(
        note="Please leave with the neighbor", gift_wrap={"price": "4.50", "message": "Enjoy!", "sender": "Ben"}
    )
    found = lumen.receipt(receipt_id)

    assert found["message_from_buyer"] == "Please leave with the neighbor"
    assert (found["is_gift"], found["gift_message"], found["gift_sender"]) == (True, "Enjoy!", "Ben")
    assert found["gift_wrap_price"]["amount"] == 450
    assert found["grandtotal"]["amount"] == found["subtotal"]["amount"] + 450


def test_where_it_was_bought_and_how_it_shall_be_shipped(lumen: Shop) -> None:
    (here,) = lumen.place()
    (there,) = lumen.place(pattern=True, shipping_upgrade="Priority Mail")

    assert [lumen.receipt(receipt_id)["receipt_type"] for receipt_id in (here, there)] == [0, 1]
    assert lumen.receipt(here)["transactions"][0]["shipping_upgrade"] is None
    assert lumen.receipt(there)["transactions"][0]["shipping_upgrade"] == "Priority Mail"


# ── what Etsy withholds ──────────────────────────────────────────────────────────────────────────────────────────────

ADDRESS = ("first_line", "city", "zip", "country_iso", "formatted_address")


def test_addresses_and_emails_are_null_where_the_region_withholds_them(lumen: Shop, harbour: Shop) -> None:
    buyer = {"name": "Alma Birch", "email": "alma@mailbox.example", "address": {"address1": "1 Elm", "country": "US"}}
    given = lumen.receipt(lumen.place(buyer=buyer)[0])
    withheld = harbour.receipt(harbour.place(lines=[{"sku": "HK-SPN"}], buyer=buyer)[0])

    assert given["first_line"] == "1 Elm" and given["country_iso"] == "US" and given["buyer_email"] is None
    assert "1 Elm" in given["formatted_address"]
    assert [withheld[name] for name in ADDRESS] == [None] * len(ADDRESS)
    assert withheld["name"] == "Alma Birch" and withheld["buyer_email"] is None


def test_what_is_withheld_can_be_switched(harbour: Shop) -> None:
    (receipt_id,) = harbour.place(lines=[{"sku": "HK-SPN"}], buyer={"email": "alma@mailbox.example"})
    try:
        harbour.action("capabilities", address=True, email=True)
        found = harbour.receipt(receipt_id)
        assert found["first_line"] and found["buyer_email"] == "alma@mailbox.example"
    finally:
        harbour.action("capabilities", address=False, email=False)


def test_a_buyer_who_gave_no_address_has_none(lumen: Shop) -> None:
    (receipt_id,) = lumen.place(buyer={"address": None})

    assert [lumen.receipt(receipt_id)[name] for name in ADDRESS] == [None] * len(ADDRESS)


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pages_by_offset_hold_every_receipt_once_in_both_directions(lumen: Shop) -> None:
    ids = lumen.place(count=7)
    forwards: list[str] = []
    for offset in (0, 3, 6, 9):
        page = lumen.receipts(limit=3, offset=offset, sort_on="updated", sort_order="asc")
        assert page["count"] == 7
        forwards += [str(row["receipt_id"]) for row in page["results"]]

    assert forwards == ids
    assert lumen.ids(sort_on="created", sort_order="desc") == ids[::-1] == lumen.ids()
    assert lumen.ids(sort_on="receipt_id", sort_order="up") == ids
    assert lumen.ids(limit=2, offset=1) == ids[::-1][1:3]


def test_a_late_payment_moves_the_time_of_change_only(lumen: Shop) -> None:
    (early,) = lumen.place(status="pending")
    before = lumen.receipt(early)
    assert (before["status"], before["is_paid"]) == ("open", False)
    lumen.served.run(lumen.served.core.world.advance, 600)
    (late,) = lumen.place()
    lumen.served.run(lumen.served.core.world.advance, 600)
    lumen.patch(early, status="paid")
    after = lumen.receipt(early)

    assert after["status"] == "paid" and after["created_timestamp"] == before["created_timestamp"]
    assert after["updated_timestamp"] >= before["updated_timestamp"] + 1200
    assert lumen.ids(sort_on="created", sort_order="asc") == [early, late]
    assert lumen.ids(sort_on="updated", sort_order="asc") == [late, early]
    assert lumen.ids(min_last_modified=after["updated_timestamp"]) == [early]
    assert lumen.ids(min_created=before["created_timestamp"] + 300) == [late]
    assert lumen.ids(max_created=before["created_timestamp"] + 300) == [early]
    assert lumen.ids(max_last_modified=after["updated_timestamp"] - 1) == [late]
    assert lumen.ids(min_last_modified=before["created_timestamp"], max_created=before["created_timestamp"]) == [early]


def test_each_filter_has_three_states(lumen: Shop) -> None:
    states = ("pending", "paid", "shipped", "delivered", "canceled")
    ids = dict(zip(states, (lumen.place(status=status)[0] for status in states), strict=True))

    def listed(**query: Any) -> list[str]:
        found = lumen.ids(sort_order="asc", **query)
        return [name for name, receipt_id in ids.items() if receipt_id in found]

    assert listed() == list(states)
    assert listed(was_paid="true") == ["paid", "shipped", "delivered"]
    assert listed(was_paid="false") == ["pending", "canceled"]
    assert listed(was_shipped="true") == ["shipped", "delivered"]
    assert listed(was_delivered="true") == ["delivered"]
    assert listed(was_canceled="true") == ["canceled"]
    assert listed(was_paid="true", was_shipped="false") == ["paid"]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"offset": -1},
        {"sort_on": "price"},
        {"sort_order": "sideways"},
        {"min_created": 12},
        {"was_paid": "maybe"},
        {"max_last_modified": "yesterday"},
    ],
)
def test_a_parameter_out_of_its_bounds_is_refused(lumen: Shop, query: dict[str, Any]) -> None:
    answer = lumen.call("GET", f"/shops/{LUMEN}/receipts", params=query)

    assert answer.status_code == 400 and next(iter(query)) in answer.json()["error"]


def test_the_list_is_late_and_one_receipt_is_not(lumen: Shop) -> None:
    lumen.served.run(lumen.served.core.limits.set, ("etsy",), "off", 30.0)
    (receipt_id,) = lumen.place()

    assert lumen.ids() == [] and lumen.receipt(receipt_id)["status"] == "paid"
    lumen.served.run(lumen.served.core.world.advance, 31)
    assert lumen.ids() == [receipt_id]


def test_a_silent_order_is_in_the_list_by_creation_only(lumen: Shop) -> None:
    (receipt_id,) = lumen.place(mode="silent")

    assert lumen.ids(min_last_modified=1_600_000_000) == []
    assert lumen.ids(sort_on="created") == [receipt_id]
    lumen.patch(receipt_id, mode="sweep")
    assert lumen.ids(min_last_modified=1_600_000_000) == [receipt_id]


def test_the_list_shows_a_receipt_as_it_stands_after_every_change(lumen: Shop) -> None:
    (receipt_id,) = lumen.place(status="pending")
    changes: list[dict[str, Any]] = [
        {"status": "processing"},
        {"status": "paid"},
        {"note": "Ring twice"},
        {"buyer": {"name": "Alma Birch", "address": {"address1": "1 Elm", "country": "US"}}},
        {"refund": "1.00"},
        {"status": "shipped"},
    ]
    assert lumen.receipts()["results"] == [lumen.receipt(receipt_id)]
    for change in changes:
        before = lumen.receipts()["results"]
        lumen.patch(receipt_id, **change)
        after = lumen.receipts()["results"]
        assert after != before and after == [lumen.receipt(receipt_id)], change


def test_the_list_shows_what_the_region_gives_at_the_time(harbour: Shop) -> None:
    harbour.place(lines=[{"sku": "HK-SPN"}], buyer={"email": "alma@mailbox.example"})
    before = harbour.receipts()["results"][0]
    try:
        harbour.action("capabilities", address=True, email=True)
        given = harbour.receipts()["results"][0]
    finally:
        harbour.action("capabilities", address=False, email=False)

    assert (before["first_line"], before["buyer_email"]) == (None, None)
    assert given["first_line"] and given["buyer_email"] == "alma@mailbox.example"
    assert harbour.receipts()["results"][0] == before


def test_a_fault_spoils_one_answer_and_not_the_next(lumen: Shop) -> None:
    lumen.place()
    clean = lumen.receipts()["results"]
    with lumen.fault("null_field", "getShopReceipts", field="transactions.title"):
        spoiled = lumen.receipts(checked=False)["results"]

    assert spoiled[0]["transactions"][0]["title"] is None
    assert lumen.receipts()["results"] == clean


def test_another_shops_receipts_are_nobodys(lumen: Shop, harbour: Shop) -> None:
    (receipt_id,) = harbour.place(lines=[{"sku": "HK-SPN"}])

    assert lumen.call("GET", f"/shops/{harbour.key}/receipts").status_code == 403
    assert lumen.call("GET", f"/shops/{harbour.key}/receipts/{receipt_id}").status_code == 403
    assert lumen.call("GET", f"/shops/{LUMEN}/receipts/{receipt_id}").status_code == 404


# ── the order's life ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_refunds_show_in_the_status_and_in_the_payment(lumen: Shop) -> None:
    (receipt_id,) = lumen.place(lines=[{"sku": CANDLE, "unit_price": "20.00"}])
    lumen.patch(receipt_id, refund={"amount": "5.00", "reason": "Chipped"})
    found = lumen.receipt(receipt_id)
    payments = lumen.call("GET", f"/shops/{LUMEN}/receipts/{receipt_id}/payments").json()

    assert found["status"] == "partially refunded" and found["refunds"][0]["amount"]["amount"] == 500
    assert payments["results"][0]["payment_adjustments"][0]["total_adjustment_amount"] == 500
    assert payments["results"][0]["adjusted_gross"]["amount"] == 1500
    lumen.patch(receipt_id, refund={})
    lumen.patch(receipt_id, refund=True)
    assert lumen.receipt(receipt_id)["status"] == "fully refunded"


def test_an_unpaid_receipt_has_no_payment(lumen: Shop) -> None:
    (receipt_id,) = lumen.place(status="processing")

    assert lumen.receipt(receipt_id)["status"] == "payment processing"
    assert lumen.call("GET", f"/shops/{LUMEN}/receipts/{receipt_id}/payments").json() == {"count": 0, "results": []}


def test_transactions_can_be_read_by_themselves(lumen: Shop) -> None:
    (receipt_id,) = lumen.place()
    rows = lumen.call("GET", f"/shops/{LUMEN}/receipts/{receipt_id}/transactions").json()

    assert rows == {"count": 1, "results": lumen.receipt(receipt_id)["transactions"]}


def test_a_page_of_fifty_thousand_receipts_costs_little(served: Any, lumen: Shop) -> None:
    state = served.core.marketplaces["etsy"]._state
    (receipt_id,) = lumen.place(mode="sweep")
    pattern = state.receipts[receipt_id]

    def many() -> None:
        for n in range(50_000):
            copy = {**pattern, "id": str(5_000_000_000 + n), "created_ms": pattern["created_ms"] - n * 1000}
            state.receipts[copy["id"]] = copy
            state.by_created[LUMEN].append((copy["created_ms"], copy["id"]))
        state.by_created[LUMEN].sort()

    served.run(many)
    started = time.process_time()
    for _ in range(20):
        page = lumen.receipts(checked=False, limit=25, offset=40_000, sort_on="created", sort_order="asc")
    spent = (time.process_time() - started) / 20

    assert page["count"] == 50_001 and len(page["results"]) == 25
    # Client and server share this process; walking the list would cost many times this.
    assert spent < 0.05
