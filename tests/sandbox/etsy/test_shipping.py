"""The tracking call: what it wants, what it does, and that it knows no repetition."""

from __future__ import annotations

from typing import Any

from tests.sandbox.etsy.conftest import CANDLE, LUMEN, Shop


def test_a_parcel_completes_the_receipt_and_mails_the_buyer(lumen: Shop) -> None:
    (receipt_id,) = lumen.place()
    answer = lumen.ship(receipt_id, tracking_code="9400111", carrier_name="usps", send_bcc=True, note_to_buyer="Soon!")

    assert answer.status_code == 200
    found = answer.json()
    assert (found["status"], found["is_shipped"]) == ("completed", True)
    (shipment,) = found["shipments"]
    assert (shipment["carrier_name"], shipment["tracking_code"]) == ("usps", "9400111")
    assert found["transactions"][0]["shipped_timestamp"]
    assert lumen.view(receipt_id)["mails"] == 1
    (written,) = lumen.served.run(lumen.served.core.world.writes, kind="order.ship")
    assert (written["platform"], written["key"], written["reference"]) == ("etsy", LUMEN, receipt_id)
    assert written["body"]["tracking_code"] == "9400111"


def test_the_same_parcel_said_twice_is_noted_and_mailed_twice(lumen: Shop) -> None:
    (receipt_id,) = lumen.place()
    for _ in range(2):
        assert lumen.ship(receipt_id, tracking_code="9400111", carrier_name="usps").status_code == 200

    assert len(lumen.receipt(receipt_id)["shipments"]) == 2 and lumen.view(receipt_id)["mails"] == 2


def test_one_number_may_be_on_two_receipts(lumen: Shop) -> None:
    ids = lumen.place(count=2)

    assert [lumen.ship(i, tracking_code="SAME", carrier_name="other").status_code for i in ids] == [200, 200]


def place_to(shop: Shop, country: str, price: str = "20.00") -> str:
    lines: list[dict[str, Any]] = [{"sku": CANDLE, "unit_price": price}]
    return shop.place(lines=lines, buyer={"address": {"country": country}})[0]


def test_at_home_above_ten_dollars_and_to_india_a_number_is_required(lumen: Shop) -> None:
    for country, price in (("US", "10.01"), ("IN", "5.00")):
        answer = lumen.ship(place_to(lumen, country, price))
        assert (answer.status_code, answer.json()) == (400, {"error": "A tracking number is required"})
    for country, price in (("US", "10.00"), ("GB", "90.00")):
        receipt_id = place_to(lumen, country, price)
        assert lumen.ship(receipt_id).json()["status"] == "completed"
        assert lumen.view(receipt_id)["mails"] == 1


def test_number_and_carrier_go_together(lumen: Shop) -> None:
    receipt_id = place_to(lumen, "GB")

    assert lumen.ship(receipt_id, tracking_code="X1").json()["error"] == "A carrier name is required"
    assert lumen.ship(receipt_id, carrier_name="dhl").json()["error"] == "A tracking number is required"
    assert lumen.view(receipt_id)["shipments"] == []


def test_a_form_is_not_read_so_its_number_is_missing(lumen: Shop) -> None:
    receipt_id = place_to(lumen, "US")
    form = {"tracking_code": "9400111", "carrier_name": "usps"}
    answer = lumen.call("POST", f"/shops/{LUMEN}/receipts/{receipt_id}/tracking", data=form)

    assert answer.json() == {"error": "A tracking number is required"}


def test_where_the_region_forbids_it_shipping_is_unauthorized(harbour: Shop) -> None:
    (receipt_id,) = harbour.place(lines=[{"sku": "HK-SPN"}])
    answer = harbour.ship(receipt_id, tracking_code="9400111", carrier_name="usps")

    assert (answer.status_code, answer.json()) == (403, {"error": "Unauthorized"})
    assert harbour.view(receipt_id)["mails"] == 0
    harbour.action("capabilities", tracking=True)
    try:
        assert harbour.ship(receipt_id, tracking_code="9400111", carrier_name="usps").status_code == 200
    finally:
        harbour.action("capabilities", tracking=False)


def test_what_is_not_paid_or_canceled_is_not_shipped(lumen: Shop) -> None:
    (unpaid,) = lumen.place(status="pending")
    (canceled,) = lumen.place(status="canceled")

    assert lumen.ship(unpaid, tracking_code="X1", carrier_name="usps").status_code == 400
    assert lumen.ship(canceled, tracking_code="X1", carrier_name="usps").status_code == 409


def test_a_body_that_cannot_be_read_is_refused(lumen: Shop) -> None:
    (receipt_id,) = lumen.place()
    path = f"/shops/{LUMEN}/receipts/{receipt_id}/tracking"
    json = {"Content-Type": "application/json"}

    assert lumen.call("POST", path, data="{", headers=json).status_code == 400
    assert lumen.call("POST", path, data="[]", headers=json).status_code == 400
    assert lumen.call("POST", path, json={"tracking_code": 5, "carrier_name": "usps"}).status_code == 400


def test_carriers_of_a_country_are_listed(lumen: Shop) -> None:
    found = lumen.call("GET", "/shipping-carriers", params={"origin_country_iso": "US"}).json()

    assert found["count"] == len(found["results"]) and "USPS" in [row["name"] for row in found["results"]]
    assert lumen.call("GET", "/shipping-carriers").status_code == 400
