"""The pretend eBay against eBay's own contracts, and against a client that is nobody's of us."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from ebay_apiroute.sell.fulfillment import SellFulfillmentApi

from connectors.sandbox.ebay.common import DAILY, RULES, SCOPES
from connectors.sandbox.ebay.errors import ERRORS
from tests.sandbox.ebay.conftest import CANDLE, Seller
from tests.sandbox.ebay.official import GATEWAY, Official

pytestmark = pytest.mark.contract
WINDOW = {"filter": "lastmodifieddate:[2026-01-01T00:00:00.000Z..]", "fieldGroups": "TAX_BREAKDOWN"}
QUERY = {"filter": WINDOW["filter"], "field_groups": "TAX_BREAKDOWN"}


@pytest.fixture(scope="module")
def official(specs: Path) -> Official:
    return Official(specs)


def every_kind(seller: Seller) -> list[str]:
    """Place orders of every kind the pretend eBay knows; returns their current ids."""
    lines = [{"sku": CANDLE, "quantity": 3, "discount": "1.00"}, {"title": "Brass Snuffer"}]
    ids = seller.place(
        lines=lines, tax="4.20", shipping="5.99", shipping_discount="1.00", order_discount="0.50", adjustment="-0.25",
        customization="Ada", buyer={"company": "Analytical", "tax_id": {"id": "X1", "type": "VATIN", "country": "IT"}},
        buyer_currency="EUR",
    )  # fmt: skip
    ids += seller.place(site="UK", tax="2.00", tax_by="seller")
    for program in (
        "GLOBAL_SHIPPING", "INTERNATIONAL_SHIPPING", "AUTHENTICITY_GUARANTEE", "SELLER_TO_VAULT", "VAULT_TO_BUYER",
        "EBAY_SHIPPING", "PICKUP", "DIGITAL",
    ):  # fmt: skip
        ids += seller.place(programs=[program])
    for status in ("pending", "shipped", "canceled"):
        ids += seller.place(status=status)
    ids += seller.place(fulfilled_by="marketplace") + seller.place(buyer={"address": None})
    asked, given_back = seller.place(count=2)
    seller.patch(asked, cancel_request=True)
    seller.patch(given_back, refund="2.00")
    return [*ids, asked, given_back]


def test_orders_of_every_kind_are_what_the_contract_says(seller: Seller, official: Official) -> None:
    ids = every_kind(seller)
    order = {"$ref": "#/components/schemas/Order"}

    for query in (WINDOW, {}):
        page = seller.page(**query)
        official.validate("sell_fulfillment_v1", {"$ref": "#/components/schemas/OrderSearchPagedCollection"}, page)
        assert sorted(row["orderId"] for row in page["orders"]) == sorted(ids)
    for order_id in ids:
        official.validate("sell_fulfillment_v1", order, seller.order(order_id))


def test_what_the_contract_says_is_always_returned_is_there(seller: Seller) -> None:
    """The files have no required lists; their descriptions say "always returned" of these."""
    every_kind(seller)

    for order in seller.page()["orders"]:
        assert order["orderId"] and order["cancelStatus"]["cancelState"]
        assert isinstance(order["paymentSummary"]["payments"], list)
        assert isinstance(order["paymentSummary"]["refunds"], list)
        for line in order["lineItems"]:
            assert {"appliedPromotions", "taxes", "refunds"} <= set(line)
            assert line["deliveryCost"]["shippingCost"]["value"]
            assert Decimal(line["lineItemCost"]["value"]) >= 0 and line["quantity"] > 0


def test_every_error_is_in_ebays_catalogue_with_its_status_and_text(official: Official) -> None:
    known: dict[int, set[tuple[int, str, str, str]]] = {}
    for operations in official.catalogue.values():
        for by_status in operations.values():
            for status, entries in by_status.items():
                for number, entry in entries.items():
                    row = (int(status), entry["domain"], entry["category"], entry["description"])
                    known.setdefault(int(number), set()).add(row)

    ours = {number: row for number, row in ERRORS.items() if number not in GATEWAY}

    assert len(ours) > 50
    assert {number: row for number, row in ours.items() if row not in known.get(number, set())} == {}


def test_every_operation_and_its_scopes_are_in_the_contracts(official: Official) -> None:
    published: dict[str, set[str]] = {}
    for document in official.documents.values():
        for methods in document["paths"].values():
            for operation in methods.values():
                if isinstance(operation, dict):
                    wanted = [scope for entry in operation.get("security", []) for scope in entry.get("api_auth", [])]
                    published.setdefault(operation["operationId"], set()).update(wanted)
    published["searchCancellations"] = published.pop("search")

    assert set(RULES) <= set(published)
    beyond = {name: set(rule.scopes) - published[name] for name, rule in RULES.items() if published[name]}
    assert {name: scopes for name, scopes in beyond.items() if scopes} == {}
    assert {rule.budget for rule in RULES.values()} <= set(DAILY)
    assert all(re.fullmatch(r"https://api\.ebay\.com/oauth/api_scope(/[a-z.]+)?", scope) for scope in SCOPES)


def test_a_client_generated_from_ebays_files_reads_pages_ships_and_refunds(seller: Seller) -> None:
    ids = every_kind(seller)
    base = f"{seller.served.url}/ebay/api/sell/fulfillment/v1"
    api = SellFulfillmentApi(token=seller.token, base_url=base)
    found: list[str] = []
    while True:
        page = api.order.models.get_orders(**QUERY, limit="5", offset=str(len(found)))
        found += [order.order_id for order in page.orders]
        if page.next is None:
            break

    (fresh,) = seller.place(lines=[{"sku": CANDLE, "unit_price": "10.00"}])
    order = api.order.models.get_order(fresh)
    api.shipping_fulfillment.create_shipping_fulfillment(
        fresh, body={"trackingNumber": "940010", "shippingCarrierCode": "USPS"}
    )
    amount = {"value": "2.00", "currency": "USD"}
    refund = api.order.issue_refund(
        fresh,
        body={"reasonForRefund": "BUYER_RETURN", "orderLevelRefundAmount": amount},
    )

    assert sorted(found) == sorted(ids)
    assert order.line_items[0].sku == CANDLE and order.pricing_summary.total.value == "10.0"
    assert seller.view(fresh)["shipments"][0]["tracking"] == "940010"
    assert seller.view(fresh)["refunds"][0]["id"] == refund["refundId"]
