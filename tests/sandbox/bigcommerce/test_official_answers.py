"""Every kind of answer, held to the official documents (the fixture fails a test whose answers do not fit)."""

from __future__ import annotations

from pathlib import Path

from connectors.sandbox.bigcommerce.api import ROUTES
from tests.sandbox.bigcommerce.conftest import CANDLE, PLAIN, Store
from tests.sandbox.bigcommerce.official import operation_of


def test_every_operation_bears_its_official_name(specs: Path) -> None:
    for method, version, path, name, _, _ in ROUTES:
        plain = path.replace(r"{id:\d+}", "7").replace(r"{part:\d+}", "8")
        if "shippingaddresses" in plain:  # the address an order's own link has; the document lists the newer one only
            continue
        assert operation_of(specs, version, method, plain)[0]["operationId"] == name


def test_an_orders_answers_fit_the_documents(store: Store, specs: Path) -> None:
    made = store.created(
        store.line(CANDLE, 2),
        {"name": "Custom thing", "quantity": 1, "price_inc_tax": 5, "price_ex_tax": 5},
        external_order_id="A-1",
        external_source="Amazon",
        staff_notes="kept",
        fees=[{"type": "custom_fee", "display_name_customer": "Gift wrap", "cost_inc_tax": 2, "cost_ex_tax": 2}],
    )
    number = made["id"]
    for tail in ("", "/products", "/shipping_addresses", "/consignments", "/fees", "/shipments", "/coupons", "/taxes"):
        store.get(f"/v2/orders/{number}{tail}")
    store.get(f"/v2/orders/{number}", include="consignments.line_items", consignment_structure="object")
    store.get("/v2/orders", external_order_id="A-1")
    store.get("/v2/orders/count", status_id=11)
    product = store.get(f"/v2/orders/{number}/products")[0]
    store.get(f"/v2/orders/{number}/products/{product['id']}")
    items = [{"order_product_id": product["id"], "quantity": 1}]
    body = {"order_address_id": product["order_address_id"], "items": items, "tracking_number": "1Z"}
    shipment = store.call("POST", f"/v2/orders/{number}/shipments", body).json()
    store.get(f"/v2/orders/{number}/shipments")
    store.get(f"/v2/orders/{number}/shipments/count")
    store.call("PUT", f"/v2/orders/{number}/shipments/{shipment['id']}", {"tracking_number": "2Z"})
    refund = {"items": [{"item_type": "PRODUCT", "item_id": product["id"], "quantity": 1}]}
    quote = store.call("POST", f"/v3/orders/{number}/payment_actions/refund_quotes", refund).json()["data"]
    pay = [{"provider_id": "custom", "amount": quote["total_refund_amount"], "offline": True}]
    paid = store.call("POST", f"/v3/orders/{number}/payment_actions/refunds", {**refund, "payments": pay})
    assert paid.status_code == 201
    store.get(f"/v3/orders/{number}/payment_actions/refunds")
    assert store.call("PUT", f"/v2/orders/{number}", {"staff_notes": "new"}).json()["staff_notes"] == "new"


def test_the_catalogs_answers_fit_the_documents(store: Store, specs: Path) -> None:
    every = store.get("/v3/catalog/products", include="variants,options,modifiers,channels", limit=250)
    assert every["meta"]["pagination"]["per_page"] == 10
    found = int(store.variant(CANDLE)["product_id"])
    for tail in ("", "/variants", "/options", "/modifiers"):
        store.get(f"/v3/catalog/products/{found}{tail}")
    store.get(f"/v3/catalog/products/{found}/variants/{store.variant(CANDLE)['id']}")
    engraved = int(store.variant("LL-ENG")["product_id"])
    assert store.get(f"/v3/catalog/products/{engraved}/modifiers")["data"][0]["required"] is True
    trio = int(store.variant("LL-GFT-3")["product_id"])
    assert len(store.get(f"/v3/catalog/products/{trio}/modifiers")["data"][0]["option_values"]) == 3
    store.get("/v3/catalog/variants", limit=250)
    store.get("/v3/catalog/products", include_fields="name,sku,inventory_tracking")


def test_the_stocks_answers_fit_the_documents(store: Store, specs: Path) -> None:
    store.get("/v3/inventory/items", limit=1000)
    store.get("/v3/inventory/items", **{"sku:in": f"{CANDLE},{PLAIN}"})
    store.get("/v3/inventory/locations")
    store.get("/v3/inventory/locations/1/items", **{"sku:in": CANDLE})
    row = {"location_id": 1, "sku": CANDLE, "quantity": 9}
    assert store.call("PUT", "/v3/inventory/adjustments/absolute", {"items": [row]}).ok
    assert store.call("POST", "/v3/inventory/adjustments/relative", {"items": [row]}).ok


def test_the_stores_own_answers_fit_the_documents(store: Store, specs: Path) -> None:
    for path in ("/v2/store", "/v2/time", "/v2/currencies", "/v2/order_statuses", "/v2/order_statuses/11"):
        store.get(path)
    for path in ("/v3/settings/inventory", "/v3/channels", "/v3/channels/1", "/v3/customers"):
        store.get(path)
    store.get("/v3/settings/inventory", channel_id=1)
    person = {"email": "ines@buyer.example", "first_name": "Ines", "last_name": "Marlow"}
    assert store.call("POST", "/v3/customers", [person]).ok
    assert store.get("/v3/customers", **{"email:in": "ines@buyer.example"})["data"][0]["first_name"] == "Ines"
    hook = store.hook("store/order/updated", "http://127.0.0.1:9/hooks", headers={"x-own": "1"}).json()["data"]
    store.get(f"/v3/hooks/{hook['id']}")
    store.get("/v3/hooks")
    store.call("PUT", f"/v3/hooks/{hook['id']}", {"is_active": False})
    store.call("DELETE", f"/v3/hooks/{hook['id']}")
