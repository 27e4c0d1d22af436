"""The pretend Etsy against Etsy's own contract, and driven by a client that is not ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.etsy.conftest import CANDLE, KEYSTRING, LUMEN, SECRET, Shop
from tests.sandbox.etsy.official import Official

pytestmark = pytest.mark.contract


@pytest.fixture(autouse=True)
def _wanted(specs: Any) -> None:
    """These tests are for nothing without the contracts."""


def contract(shop: Shop) -> Official:
    assert shop.official is not None
    return shop.official


def every_kind(shop: Shop) -> list[str]:
    """Place orders of every kind; returns their ids."""
    lines = [
        {"sku": CANDLE, "quantity": 2, "discount": "3.00"},
        {"sku": "LL-ENG", "customization": {"Text to engrave": "Ada"}},
        {"sku": "LL-TEA-12", "digital": True},
    ]
    ids = shop.place(lines=lines, tax="4.20", vat="2.00", shipping="5.99", gift_wrap=True, note="Thank you!")
    ids += [shop.place(status=status)[0] for status in ("pending", "processing", "shipped", "delivered", "canceled")]
    ids += shop.place(buyer={"address": None}) + shop.place(customization="M & R")
    ids += shop.place(lines=[{"title": "Something of the past", "unit_price": "7.00"}])
    shop.patch(ids[0], refund={"amount": "1.00"})
    shop.patch(ids[3], refund=True)
    return ids


def test_receipts_of_every_kind_are_what_the_contract_says(lumen: Shop) -> None:
    ids = every_kind(lumen)

    assert set(lumen.ids(limit=100)) == set(ids)
    for receipt_id in ids:
        found = lumen.receipt(receipt_id)
        assert set(found) == contract(lumen).fields("ShopReceipt")
        assert set(found["transactions"][0]) == contract(lumen).fields("ShopReceiptTransaction")
        for part in ("payments", "transactions"):
            assert lumen.call("GET", f"/shops/{LUMEN}/receipts/{receipt_id}/{part}").status_code == 200


def test_every_declared_scope_is_the_one_asked_for(lumen: Shop) -> None:
    lumen.token = ""
    (receipt_id,) = lumen.place()
    item = lumen.listings()[0]["item_id"]
    for path in (
        "/users/me",
        f"/shops/{LUMEN}/receipts",
        f"/shops/{LUMEN}/receipts/{receipt_id}",
        f"/shops/{LUMEN}/receipts/{receipt_id}/payments",
        f"/shops/{LUMEN}/receipts/{receipt_id}/transactions",
        f"/shops/{LUMEN}/listings",
        f"/listings/{item}",
        f"/listings/{item}/inventory",
        f"/listings/batch/inventory?listing_ids={item}",
        f"/shops/{LUMEN}",
        f"/users/{700_000_000 + int(LUMEN)}/shops",
        "/shipping-carriers?origin_country_iso=US",
        "/openapi-ping",
    ):
        operation = contract(lumen).operation("GET", f"/v3/application{path.partition('?')[0]}")
        needs = [scope for rule in operation.get("security", []) for scope in rule.get("oauth2", [])]
        answer = lumen.call("GET", path, checked=False)
        assert answer.status_code == (401 if needs else 200), path


def test_the_shop_and_its_listings_are_what_the_contract_says(lumen: Shop) -> None:
    lumen.place(lines=[{"sku": "LL-WNT"}])
    assert set(lumen.call("GET", f"/shops/{LUMEN}").json()) == contract(lumen).fields("Shop")
    for state in ("active", "sold_out", "draft"):
        query = {"state": state, "limit": 100, "includes": "Inventory,Personalization"}
        assert lumen.call("GET", f"/shops/{LUMEN}/listings", params=query).status_code == 200
    first = lumen.listings()[0]
    inventory = lumen.call("GET", f"/listings/{first['item_id']}/inventory", params={"includes": "Listing"}).json()
    # A converted price is shown only to those who ask for a currency.
    assert set(inventory["listing"]) == contract(lumen).fields("ShopListing") - {"converted_price"}
    assert len(inventory["products"]) == 5 and inventory["sku_on_property"] == inventory["quantity_on_property"]


def test_refusals_are_what_the_contract_says(lumen: Shop) -> None:
    answers = [
        lumen.call("GET", f"/shops/{LUMEN}/receipts", params={"limit": 500}),
        lumen.call("GET", f"/shops/{LUMEN}/receipts/999"),
        lumen.call("GET", "/shops/1"),
        lumen.call("GET", "/listings/1"),
        lumen.call("GET", "/users/me", headers={"Authorization": "Bearer 1.x"}),
        lumen.ship("999", tracking_code="A1", carrier_name="usps"),
    ]

    assert [answer.status_code for answer in answers] == [400, 404, 404, 404, 401, 404]


def test_somebody_elses_client_reads_and_ships(lumen: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from etsy_python.v3.common.Env import environment
    from etsy_python.v3.models.Receipt import CreateReceiptShipmentRequest
    from etsy_python.v3.resources.Receipt import ReceiptResource
    from etsy_python.v3.resources.Session import EtsyClient
    from etsy_python.v3.resources.User import UserResource

    monkeypatch.setattr(environment, "request_url", f"{lumen.served.url}/etsy/v3/application")
    # This client sends its key as it is given, so the secret is given with it.
    later = datetime.now(UTC) + timedelta(hours=1)
    client = EtsyClient(f"{KEYSTRING}:{SECRET}", lumen.token, lumen.refresh, later)
    first, second = lumen.place(count=2)

    assert UserResource(client).get_me().message["shop_id"] == int(LUMEN)
    page = ReceiptResource(client).get_shop_receipts(int(LUMEN), limit=1, offset=1, was_paid=True).message
    assert (page["count"], page["results"][0]["receipt_id"]) == (2, int(first))
    parcel = CreateReceiptShipmentRequest(tracking_code="9400111", carrier_name="usps")
    shipped = ReceiptResource(client).create_receipt_shipment(int(LUMEN), int(second), parcel).message
    assert shipped["status"] == "completed" and lumen.view(second)["mails"] == 1
    client.session.close()
