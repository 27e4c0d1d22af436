"""The pretend Etsy in the control API's words, its seller's page, and what outlives the process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.sandbox.platforms import Refusal
from tests.sandbox.etsy.conftest import CANDLE, HARBOUR, LUMEN, NEWCOMER, Served, Shop


def test_the_demos_shops_are_there_and_the_newcomer_agreed_to_nothing(served: Served) -> None:
    shops = {key: served.run(served.control.seller, key) for key in served.run(served.control.keys)}

    assert list(shops)[:2] == [HARBOUR, LUMEN]
    assert {key: shop["connected"] for key, shop in shops.items() if key in (LUMEN, HARBOUR, NEWCOMER)} == {
        LUMEN: True,
        HARBOUR: True,
        NEWCOMER: False,
    }
    assert (shops[LUMEN]["currency"], shops[LUMEN]["merchant"], shops[LUMEN]["sites"]) == ("EUR", "lumen", ["ETSY"])
    assert shops[LUMEN]["capabilities"] == {"address": True, "email": False, "tracking": True}
    assert set(served.run(served.control.client)["refresh_tokens"]) >= {LUMEN, HARBOUR}
    assert set(served.run(served.control.addresses)) == {"api", "token", "site"}


def test_a_foreign_client_is_given_a_consent_of_its_own_and_ends_nobody_elses(served: Served, lumen: Shop) -> None:
    mine = lumen.refresh
    given = served.run(served.control.client)["refresh_tokens"][LUMEN]

    assert given != mine and served.run(served.control.client)["refresh_tokens"][LUMEN] == given
    assert lumen.grant(grant_type="refresh_token", refresh_token=given).status_code == 200
    assert served.run(served.control.client)["refresh_tokens"][LUMEN] != given
    assert lumen.grant(grant_type="refresh_token", refresh_token=mine).status_code == 200


def test_an_order_is_shown_in_the_control_apis_words(lumen: Shop) -> None:
    (receipt_id,) = lumen.place(lines=[{"sku": CANDLE, "quantity": 2, "unit_price": "20.00"}], discount="5.00")
    view = lumen.view(receipt_id)

    assert (view["status"], view["total"], view["currency"], view["site"]) == ("paid", "35.00", "EUR", "ETSY")
    (line,) = view["lines"]
    assert (line["sku"], line["quantity"], line["shipped"], line["total"]) == (CANDLE, 2, 0, "35.00")
    after = lumen.patch(receipt_id, status="shipped", carrier="ups", tracking="1Z9")
    assert after["status"] == "shipped" and after["lines"][0]["shipped"] == 2
    assert [(p["carrier"], p["tracking"]) for p in after["shipments"]] == [("ups", "1Z9")]


def test_orders_are_listed_newest_first_page_by_page(served: Served, lumen: Shop) -> None:
    ids = lumen.place(count=5)
    rows, after = served.run(served.control.orders, LUMEN, 0, 3)
    rest, end = served.run(served.control.orders, LUMEN, 3, 3)

    assert [row["id"] for row in rows + rest] == ids[::-1] and (after, end) == ("3", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": ["x"]}, "lines[0]"),
        ({"lines": [{"quantity": 1}]}, "lines[0].sku"),
        ({"lines": [{"sku": CANDLE, "quantity": 0}]}, "lines[0].quantity"),
        ({"lines": [{"sku": CANDLE, "unit_price": 5}]}, "lines[0].unit_price"),
        ({"lines": [{"sku": CANDLE, "variation": "XL"}]}, "lines[0].variation"),
        ({"lines": [{"sku": CANDLE, "color": "red"}]}, "lines[0].color"),
        ({"lines": [{"sku": CANDLE, "customization": [1]}]}, "lines[0].customization"),
        ({"count": 0}, "count"),
        ({"status": "lost"}, "status"),
        ({"mode": "loud"}, "mode"),
        ({"site": "US"}, "site"),
        ({"currency": "USD"}, "currency"),
        ({"fulfilled_by": "marketplace"}, "fulfilled_by"),
        ({"tax": "-1.00"}, "tax"),
        ({"gift_wrap": 5}, "gift_wrap"),
        ({"gift": "yes"}, "gift"),
        ({"buyer": "Ada"}, "buyer"),
        ({"buyer": {"address": {"planet": "Mars"}}}, "buyer.address.planet"),
        ({"replacement_of": "1"}, "replacement_of"),
    ],
)
def test_a_wrong_order_names_its_field_and_leaves_nothing(lumen: Shop, body: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        lumen.place(**body)

    assert refused.value.field == field and lumen.ids() == []


def test_an_orders_life_does_not_run_backwards(lumen: Shop) -> None:
    (shipped,) = lumen.place(status="shipped")
    (canceled,) = lumen.place(status="canceled")
    (unpaid,) = lumen.place(status="pending")
    for receipt_id, body, field in (
        (shipped, {"status": "canceled"}, "status"),
        (shipped, {"status": "pending"}, "status"),
        (canceled, {"status": "paid"}, "status"),
        (unpaid, {"refund": True}, "refund"),
        (shipped, {"refund": {"amount": "9999.00"}}, "refund.amount"),
        (shipped, {"color": "red"}, "color"),
    ):
        before = lumen.receipt(receipt_id)
        with pytest.raises(Refusal) as refused:
            lumen.patch(receipt_id, **body)
        assert refused.value.field == field and lumen.receipt(receipt_id) == before


def test_what_is_unknown_is_a_404(served: Served, lumen: Shop) -> None:
    calls: list[tuple[Any, tuple[Any, ...]]] = [
        (served.control.order, (LUMEN, "1")),
        (served.control.change, (LUMEN, "1", {})),
        (served.control.seller, ("1",)),
        (served.control.action, (LUMEN, "dance", {})),
    ]
    for call, arguments in calls:
        with pytest.raises(Refusal) as refused:
            served.run(call, *arguments)
        assert refused.value.status == 404


def test_a_further_shop_lists_the_same_goods_under_numbers_of_its_own(served: Served, lumen: Shop) -> None:
    key = "92000001"
    made = served.run(served.control.add, key, {"like": LUMEN, "currency": "USD", "capabilities": {"email": True}})
    shop = Shop(served, key, lumen.official)
    shop.sign_in()
    (receipt_id,) = shop.place(buyer={"email": "ada@mailbox.example"})

    assert made["key"] == key and made["currency"] == "USD" and made["refresh_token"]
    assert shop.receipt(receipt_id)["buyer_email"] == "ada@mailbox.example"
    assert shop.receipt(receipt_id)["transactions"][0]["sku"] == CANDLE
    assert not {row["item_id"] for row in shop.listings()} & {row["item_id"] for row in lumen.listings()}
    assert len({row["product_id"] for row in shop.listings()}) == len(shop.listings())
    for wrong, field in (("92000001", "key"), ("x", "key"), ("0123456", "key")):
        with pytest.raises(Refusal) as refused:
            served.run(served.control.add, wrong, {})
        assert refused.value.field == field


def test_listings_can_be_asked_for_by_sku(lumen: Shop) -> None:
    (row,) = lumen.listings(CANDLE)

    assert (row["kind"], row["store_sku"], row["variation"]) == ("plain", CANDLE, {"Scent": "Fig & Cedar"})
    assert row["item_id"] and row["variation_id"] and row["fulfilled_by"] == "merchant"
    assert lumen.listings("NOWHERE") == []


def test_the_stock_of_many_listings_is_read_at_once_and_one_unknown_number_refuses_all(lumen: Shop) -> None:
    items = sorted({row["item_id"] for row in lumen.listings()})[:3]
    found = lumen.call("GET", "/listings/batch/inventory", params={"listing_ids": ",".join(items)}).json()
    mixed = lumen.call("GET", "/listings/batch/inventory", params={"listing_ids": f"{items[0]},1"})

    assert sorted(str(row["listing_id"]) for row in found["results"]) == items
    assert all(row["inventory"]["products"] for row in found["results"])
    assert mixed.status_code == 404


def test_skus_are_shown_to_the_owner_only(lumen: Shop, harbour: Shop) -> None:
    (row,) = lumen.listings(CANDLE)
    own = lumen.call("GET", f"/listings/{row['item_id']}").json()
    others = harbour.call("GET", f"/listings/{row['item_id']}").json()

    assert CANDLE in own["skus"] and others["skus"] == []
    assert harbour.call("GET", f"/listings/{row['item_id']}/inventory").status_code == 404
    assert lumen.call("GET", f"/listings/{row['item_id']}", params={"includes": "Inventory"}).status_code == 400


def test_a_link_to_an_order_leads_to_the_sellers_page(lumen: Shop) -> None:
    (receipt_id,) = lumen.place(note="Ring twice", gift_wrap={"message": "Enjoy!"}, customization={"Text": "Ada & Ben"})
    for path in (f"/your/orders/{receipt_id}", f"/your/orders/sold/new?order_id={receipt_id}"):
        page = requests.get(f"{lumen.served.url}/etsy/site{path}", timeout=10)
        assert page.status_code == 200
        assert receipt_id in page.text and "Amber Jar Candle" in page.text and "Ring twice" in page.text
        assert "Ada &amp; Ben" in page.text and "Enjoy!" in page.text
    assert requests.get(f"{lumen.served.url}/etsy/site/your/orders/1", timeout=10).status_code == 404


def test_a_path_etsy_does_not_have_is_not_found(lumen: Shop) -> None:
    answer = lumen.call("GET", "/shops/1/dances", checked=False)

    assert (answer.status_code, answer.json()) == (404, {"error": "Resource not found"})


def test_orders_tokens_and_what_is_withheld_outlive_the_process(tmp_path: Path, lumen: Shop) -> None:
    first = Served(tmp_path, "http://127.0.0.1:9")
    shop = Shop(first, LUMEN, lumen.official)
    shop.sign_in()
    (receipt_id,) = shop.place()
    shop.action("capabilities", address=False)
    before = shop.receipt(receipt_id)
    first.close()

    again = Served(tmp_path, "http://127.0.0.1:9")
    try:
        shop.served = again
        assert shop.receipt(receipt_id) == before and before["first_line"] is None
        assert shop.ids() == [] and shop.grant(grant_type="refresh_token", refresh_token=shop.refresh).ok
        again.run(again.core.limits.set, ("etsy",), "off", 0.0)
        assert shop.ids() == [receipt_id]
    finally:
        again.close()


def test_a_reset_forgets_orders_and_fills_the_shelves(lumen: Shop) -> None:
    before = lumen.listings()
    lumen.place(lines=[{"sku": "LL-WNT"}])
    lumen.served.reset()

    assert lumen.ids() == []
    assert [(row["sku"], row["quantity"]) for row in lumen.listings()] == [(r["sku"], r["quantity"]) for r in before]
