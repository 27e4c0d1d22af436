"""Every prepared operation is answered, and each answer fits the official schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.shopify import official
from tests.sandbox.shopify.conftest import Receiver, Shop, dollars

pytestmark = pytest.mark.contract


class Caller:
    """Runs one of the prepared operations and holds its answer to the official schema."""

    def __init__(self, shop: Shop, specs: Path) -> None:
        self.shop = shop
        self.text = (specs / "shopify" / "operations_2026-10.graphql").read_text()
        self.schema = official.schema(specs)
        self.ran: set[str] = set()

    def __call__(self, operation: str, **variables: Any) -> dict[str, Any]:
        body = self.shop.http.post(
            f"{self.shop.url}/admin/api/2026-10/graphql.json",
            json={"query": self.text, "variables": variables, "operationName": operation},
            headers={"X-Shopify-Access-Token": self.shop.token},
            timeout=20,
        ).json()
        assert "errors" not in body, (operation, body)
        assert official.misfits(self.schema, self.text, operation, body["data"]) == []
        self.ran.add(operation)
        data: dict[str, Any] = body["data"]
        return data


def test_every_prepared_operation_gets_an_answer_of_the_official_shape(
    shop: Shop, specs: Path, receiver: Receiver
) -> None:
    call = Caller(shop, specs)
    shop.sandbox.control("POST", f"/stores/{shop.shop}/settings", {"bulk_operations": True})
    assert call("Shop")["shop"]["currencyCode"] == "USD"
    call("InstallationScopes")
    variant = call("VariantsBySku", q="sku:'NP-TEE-XL'")["productVariants"]["nodes"][0]
    call("ProductOptionsByTitle", q="title:T-Shirt")
    places = {row["name"]: row["id"] for row in call("Locations")["locations"]["nodes"]}
    item = variant["inventoryItem"]["id"]
    assert call("StockByItem", id=item)["inventoryItem"]["inventoryLevels"]["nodes"]
    defined = {"name": "Order key", "key": "marketplace_order", "type": "id", "ownerType": "ORDER"}
    assert call("DefineOrderKey", d=defined)["metafieldDefinitionCreate"]["userErrors"] == []
    hook = {"uri": receiver.url}
    assert call("WebhookCreate", topic="ORDERS_CREATE", s=hook)["webhookSubscriptionCreate"]["userErrors"] == []
    assert call("Webhooks")["webhookSubscriptions"]["nodes"]

    order = _full_order(variant["id"])
    made = call("OrderCreate", order=order, options={"inventoryBehaviour": "DECREMENT_OBEYING_POLICY"})["orderCreate"]
    assert made["userErrors"] == []
    order_id = made["order"]["id"]
    assert call("OrderBySourceIdentifier", q="source_identifier:'114-1'")["orders"]["nodes"][0]["id"] == order_id
    assert call("OrderByCustomId", value="114-1")["orderByIdentifier"]["id"] == order_id
    part = call("OrderForReturnPath", id=order_id)["order"]["fulfillmentOrders"]["nodes"][0]
    other = next(i for name, i in places.items() if name != part["assignedLocation"]["name"])
    assert call("FulfillmentOrderMove", id=part["id"], to=other)["fulfillmentOrderMove"]["userErrors"] == []
    parcel = {
        "lineItemsByFulfillmentOrder": [
            {
                "fulfillmentOrderId": part["id"],
                "fulfillmentOrderLineItems": [{"id": part["lineItems"]["nodes"][0]["id"], "quantity": 1}],
            }
        ],
        "trackingInfo": {"company": "UPS", "number": "1Z1"},
    }
    shipped = call("FulfillmentCreate", f=parcel)["fulfillmentCreate"]
    assert shipped["userErrors"] == []
    call("FulfillmentTracking", id=shipped["fulfillment"]["id"], t={"company": "UPS", "number": "1Z2"})
    line = made["order"]["lineItems"]["nodes"][0]["id"]
    refund = {
        "orderId": order_id,
        "refundLineItems": [{"lineItemId": line, "quantity": 1, "restockType": "CANCEL"}],
        "transactions": [{"amount": "24.00", "gateway": "Amazon", "kind": "REFUND", "orderId": order_id}],
    }
    assert call("RefundCreate", input=refund, key="r-1")["refundCreate"]["userErrors"] == []
    call("OrderForReturnPath", id=order_id)
    refused = call("OrderCancel", id=order_id, reason="OTHER", restock=True)["orderCancel"]
    assert refused["orderCancelUserErrors"][0]["code"] == "INVALID", "an order with shipped units cannot be canceled"

    entry = {"inventoryItemId": item, "locationId": other, "changeFromQuantity": None}
    fixed = {"name": "available", "reason": "correction", "quantities": [{**entry, "quantity": 7}]}
    assert call("InventorySet", input=fixed, key="s-1")["inventorySetQuantities"]["userErrors"] == []
    moved = {"name": "available", "reason": "correction", "changes": [{**entry, "delta": -2}]}
    assert call("InventoryAdjust", input=moved, key="a-1")["inventoryAdjustQuantities"]["userErrors"] == []
    bulk = call("BulkQuery", q="{ products { edges { node { id variants { edges { node { id sku } } } } } } }")
    assert (
        call("Bulk", id=bulk["bulkOperationRunQuery"]["bulkOperation"]["id"])["bulkOperation"]["objectCount"] == "236"
    )
    assert call.ran == {d.name.value for d in official.parse(call.text).definitions}


def _full_order(variant: str) -> dict[str, Any]:
    """An order with everything our client sends."""
    home = {
        "firstName": "Ann",
        "lastName": "Lee",
        "address1": "1 Elm St",
        "city": "Boise",
        "provinceCode": "ID",
        "countryCode": "US",
        "zip": "83702",
    }
    tax = [{"title": "Tax", "rate": "0.06", "priceSet": dollars("2.88"), "channelLiable": True}]
    return {
        "name": "AMZ-1",
        "sourceIdentifier": "114-1",
        "sourceUrl": "https://sellercentral.amazon.com/orders-v3/order/114-1",
        "tags": ["Amazon", "Northpine US"],
        "customAttributes": [{"key": "Amazon order", "value": "114-1"}],
        "note": "Gift",
        "metafields": [{"key": "marketplace_order", "type": "id", "value": "114-1"}],
        "lineItems": [
            {
                "variantId": variant,
                "quantity": 2,
                "priceSet": dollars("24.00"),
                "properties": [{"name": "Engraving", "value": "A.L."}],
                "taxLines": tax,
                "requiresShipping": True,
            }
        ],
        "customer": {"toUpsert": {"email": "ann@buyer.example", "firstName": "Ann", "lastName": "Lee"}},
        "email": "ann@buyer.example",
        "shippingAddress": home,
        "billingAddress": home,
        "shippingLines": [{"title": "Standard", "code": "STD", "source": "Amazon", "priceSet": dollars("4.99")}],
        "taxesIncluded": False,
        "transactions": [{"kind": "SALE", "status": "SUCCESS", "gateway": "Amazon", "amountSet": dollars("55.87")}],
        "financialStatus": "PAID",
        "processedAt": "2026-11-20T10:00:00Z",
        "currency": "USD",
        "test": False,
    }
