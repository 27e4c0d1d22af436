"""The store's pages, without script: what a merchant does by hand, and what programs do through the control API."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import requests

from tests.sandbox.shopify.conftest import SHOP, Shop, dollars


def open_page(shop: Shop, path: str) -> str:
    answer = requests.get(f"{shop.url}/admin/{path}", timeout=10)
    assert answer.status_code == 200, answer.text[:500]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "This is the sandbox." in answer.text
    return answer.text


def send(shop: Shop, path: str, **form: str) -> requests.Response:
    csrf = re.search(r'name="csrf" value="([^"]+)"', requests.get(f"{shop.url}/admin/{path}", timeout=10).text)
    assert csrf is not None
    return requests.post(f"{shop.url}/admin/{path}", data={"csrf": csrf.group(1), **form}, timeout=10)


def paid(shop: Shop) -> dict[str, Any]:
    sale = {"kind": "SALE", "status": "SUCCESS", "gateway": "Amazon", "amountSet": dollars("48.00")}
    made: dict[str, Any] = shop.created(
        shop.order(quantity=2, sourceIdentifier="P-1", tags=["<b>Amazon</b>"], transactions=[sale])
    )
    return {**made, "path": f"orders/{made['id'].rpartition('/')[2]}"}


@pytest.mark.parametrize("path", ["orders", "orders?q=tag:none", "products", "products?q=tee", "settings", "apps"])
def test_every_page_opens(shop: Shop, path: str) -> None:
    open_page(shop, path)


def test_the_orders_page_lists_what_was_created_and_text_from_outside_stays_text(shop: Shop) -> None:
    made = paid(shop)
    assert made["name"] in open_page(shop, "orders")
    assert "No orders match" in open_page(shop, "orders?q=nothing")
    page = open_page(shop, made["path"])
    assert "&lt;b&gt;Amazon&lt;/b&gt;" in page
    assert "<b>Amazon</b>" not in page


def test_an_order_is_shipped_in_part_then_whole_then_refunded_by_hand(shop: Shop) -> None:
    made = paid(shop)
    part = send(shop, made["path"], act="ship", carrier="UPS", tracking="1Z1", sku="NP-TEE-XL", units="1")
    assert "Partially fulfilled" in part.text
    assert "Fulfilled" in send(shop, made["path"], act="ship", carrier="UPS", tracking="1Z2").text
    nothing = send(shop, made["path"], act="ship", carrier="UPS", tracking="1Z3")
    assert nothing.status_code == 409
    assert "has nothing left to ship" in nothing.text
    assert "Refunded" in send(shop, made["path"], act="refund", amount="48.00").text
    order = shop.sandbox.control("GET", f"/stores/{SHOP}/orders", reference="P-1")["results"][0]
    assert [s["tracking"] for s in order["shipments"]] == ["1Z1", "1Z2"]
    assert order["refunds"][0]["amount"] == "48.00"


def test_an_order_is_canceled_and_deleted_by_hand(shop: Shop) -> None:
    before = shop.available("NP-TEE-XL")
    made = paid(shop)
    assert "Canceled" in send(shop, made["path"], act="cancel", restock="1").text
    assert shop.available("NP-TEE-XL") == before
    assert "is deleted" in send(shop, made["path"], act="delete").text
    assert shop.sandbox.control("GET", f"/stores/{SHOP}/orders", reference="P-1")["results"] == []
    assert shop.run("query($id: ID!) { order(id: $id) { id } }", id=made["id"])["order"] is None


def test_stock_price_and_policy_are_changed_on_the_products_page(shop: Shop) -> None:
    page = html.unescape(open_page(shop, "products?q=NP-TEE-XL"))
    variant = shop.variant("NP-TEE-XL")
    places = re.findall(r'name="(at:\d+)"', page)
    form = {
        "id": variant["id"],
        "price": "25.50",
        "new_sku": "NP-TEE-XL",
        "policy": "continue",
        "tracked": "yes",
        places[0]: "4",
        places[1]: "0",
    }
    assert "NP-TEE-XL is saved." in send(shop, "products", **form).text
    changed = shop.variant("NP-TEE-XL")
    assert (changed["price"], changed["policy"], [p["available"] for p in changed["locations"]]) == (
        "25.50",
        "continue",
        [4, 0],
    )
    wrong = send(shop, "products", **{**form, places[0]: "some"})
    assert wrong.status_code == 400
    assert "must be a whole number" in wrong.text


def test_what_the_merchant_does_by_hand_is_not_in_the_record_of_api_writes(shop: Shop) -> None:
    made = paid(shop)
    send(shop, made["path"], act="ship", carrier="UPS", tracking="1Z1")
    shop.change("NP-TEE-XL", available=3)
    assert [write["kind"] for write in shop.sandbox.control("GET", "/writes")] == ["order.create"]


def test_the_control_api_names_the_field_that_is_wrong(shop: Shop) -> None:
    url = f"{shop.sandbox.url}/_control/stores/{SHOP}/variants"
    for body, field in (
        ({"available": "3"}, "available"),
        ({"colour": 1}, "colour"),
        ({"policy": "maybe"}, "policy"),
        ({"price": "-1"}, "price"),
        ({"available": 1, "location": "Nowhere"}, "location"),
    ):
        answer = requests.put(url, params={"sku": "NP-TEE-XL"}, json=body, timeout=10)
        assert (answer.status_code, field in answer.text) == (400, True), answer.text
    assert requests.put(url, params={"sku": "NP-CAR-3-BLK"}, json={"available": 1}, timeout=10).status_code == 409
    assert requests.put(url, params={"sku": "NONE"}, json={"available": 1}, timeout=10).status_code == 404
    assert requests.get(url.replace(SHOP, "nobody.myshopify.com"), timeout=10).status_code == 404


def test_a_new_product_can_be_bought_and_deleted(shop: Shop) -> None:
    body = {
        "product_title": "Kettle",
        "options": {"Color": "Red"},
        "sku": "NP-KTL-RED",
        "price": "39.00",
        "available": 2,
    }
    made = shop.sandbox.control("POST", f"/stores/{SHOP}/variants", body)
    assert (made["options"], [p["available"] for p in made["locations"]]) == ({"Color": "Red"}, [2, 0])
    shop.created(shop.order(sku="NP-KTL-RED", quantity=2))
    assert shop.available("NP-KTL-RED") == [0, 0]
    assert shop.change("NP-KTL-RED", deleted=True) == {"deleted": True}
    assert shop.sandbox.control("GET", f"/stores/{SHOP}/variants", sku="NP-KTL-RED")["results"] == []


def test_a_reset_brings_back_the_same_goods_under_the_same_ids(shop: Shop) -> None:
    before = shop.variant("NP-TEE-XL")
    shop.change("NP-TEE-XL", available=1, new_sku="OTHER")
    first = shop.created(shop.order(sku="NP-WHS-1"))
    shop.sandbox.reset()
    assert shop.variant("NP-TEE-XL") == before
    again = shop.created(shop.order(sku="NP-WHS-1"))
    assert again["name"] == first["name"] == "#1001"
    assert again["id"] != first["id"], "an old id must never get a new meaning"
