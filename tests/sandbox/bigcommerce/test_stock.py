"""Stock: when orders take it and give it back, where it is counted, and what reads of it show."""

from __future__ import annotations

import pytest

from tests.sandbox.bigcommerce.conftest import CANDLE, PLAIN, SCARCE, Store

ABSOLUTE, RELATIVE = "/v3/inventory/adjustments/absolute", "/v3/inventory/adjustments/relative"


def figure(store: Store, sku: str) -> int:
    """Return what the API says may be sold of a SKU."""
    rows = store.get("/v3/inventory/items", **{"sku:in": sku})["data"]
    return sum(place["available_to_sell"] for place in rows[0]["locations"])


@pytest.mark.parametrize("status", [1, 7, 9, 11])
@pytest.mark.parametrize("sku", [CANDLE, PLAIN])
def test_an_order_takes_its_units_when_it_is_placed(store: Store, sku: str, status: int) -> None:
    before = figure(store, sku)
    store.created(store.line(sku, 2), status_id=status)
    assert figure(store, sku) == before - 2


@pytest.mark.parametrize("status", [0, 4, 5, 6])
def test_these_statuses_take_nothing_and_are_not_refused_for_shortage(store: Store, status: int) -> None:
    store.created(store.line(SCARCE, 5), status_id=status)
    assert store.available(SCARCE) == 1


def test_leaving_incomplete_takes_the_units(store: Store) -> None:
    made = store.created(store.line(CANDLE, 2), status_id=0)
    before = store.available(CANDLE)
    store.call("PUT", f"/v2/orders/{made['id']}", {"status_id": 11})
    assert store.available(CANDLE) == before - 2


def test_canceling_gives_units_back_only_if_the_store_is_set_so(store: Store) -> None:
    before = store.available(CANDLE)
    made = store.created(store.line(CANDLE, 2))
    store.call("PUT", f"/v2/orders/{made['id']}", {"status_id": 5})
    assert store.available(CANDLE) == before
    store.settings(refund_order_stock_adjustment=False)
    made = store.created(store.line(CANDLE, 2))
    store.call("PUT", f"/v2/orders/{made['id']}", {"status_id": 5})
    assert store.available(CANDLE) == before - 2


def test_a_store_set_so_takes_units_only_as_they_are_shipped(store: Store) -> None:
    store.settings(update_stock_behavior="order_completed_or_shipped")
    assert store.get("/v3/settings/inventory")["data"]["update_stock_behavior"] == "order_completed_or_shipped"
    before = store.available(CANDLE)
    made = store.created(store.line(CANDLE, 3))
    assert store.available(CANDLE) == before
    store.do(made["id"], "ship", carrier="UPS", tracking="1Z1", lines=[{"sku": CANDLE, "quantity": 1}])
    assert store.available(CANDLE) == before - 1
    store.do(made["id"], "ship", carrier="UPS", tracking="1Z2")
    assert store.available(CANDLE) == before - 3
    assert store.get(f"/v2/orders/{made['id']}")["status_id"] == 2


def test_selling_promised_units_twice_raises_the_alarm(store: Store) -> None:
    store.settings(update_stock_behavior="order_completed_or_shipped")
    store.created(store.line(SCARCE), external_order_id="O-1")
    assert store.writes("oversold") == []
    store.created(store.line(SCARCE), external_order_id="O-2")
    alarms = store.writes("oversold")
    assert [(row["reference"], row["body"]["missing"]) for row in alarms] == [("O-2", 1)]


def test_an_order_served_from_two_places_takes_from_both(store: Store) -> None:
    store.change(CANDLE, available=1, location="Asheville Workshop")
    store.change(CANDLE, available=2, location="Durham Store")
    made = store.created(store.line(CANDLE, 3))
    orders = store.sandbox.control("GET", f"/stores/{store.hash}/orders")["results"]
    assert next(row for row in orders if row["id"] == str(made["id"]))["locations"] == [
        "Asheville Workshop",
        "Durham Store",
    ]
    assert store.available(CANDLE) == 0


def test_an_absolute_adjustment_sets_what_is_on_hand_and_is_recorded(store: Store) -> None:
    number = int(store.variant(CANDLE)["id"])
    reply = store.call("PUT", ABSOLUTE, {"items": [{"location_id": 1, "variant_id": number, "quantity": 44}]})
    assert reply.json()["transaction_id"]
    assert store.variant(CANDLE)["locations"][0]["available"] == 44
    assert store.writes("stock.set")[0]["body"]["onhand"] == 44


def test_stock_is_named_the_way_it_is_tracked(store: Store) -> None:
    plain, candle = store.variant(PLAIN), store.variant(CANDLE)
    by_product = {"location_id": 1, "product_id": int(candle["product_id"]), "quantity": 5}
    reply = store.call("PUT", ABSOLUTE, {"items": [by_product]})
    assert reply.status_code == 422
    assert "tracked by variant" in str(reply.json()["errors"])
    by_variant = {"location_id": 1, "variant_id": int(plain["id"]), "quantity": 5}
    reply = store.call("PUT", ABSOLUTE, {"items": [by_variant]})
    assert "tracked by product, please update stock by product id" in str(reply.json()["errors"])
    named = {"location_id": 1, "product_id": int(plain["product_id"]), "quantity": 5}
    assert store.call("PUT", ABSOLUTE, {"items": [named]}).ok
    store.change(PLAIN, tracked=False)
    assert "not tracked" in str(store.call("PUT", ABSOLUTE, {"items": [named]}).json()["errors"])
    assert store.get("/v3/inventory/items", **{"sku:in": PLAIN})["data"] == []


def test_variants_may_share_their_products_stock(store: Store) -> None:
    both = ["LL-CDL-8-FIG", "LL-CDL-8-SEA"]
    store.change(both[0], tracking="product")
    store.change(both[0], available=3, location="Asheville Workshop")
    store.change(both[0], available=0, location="Durham Store")
    store.created(store.line(both[0], 2))
    assert [figure(store, sku) for sku in both] == [1, 1]
    assert store.post(store.line(both[0]), store.line(both[1])).status_code == 409


def test_a_relative_adjustment_never_goes_below_nothing(store: Store) -> None:
    row = {"location_id": 1, "sku": CANDLE, "quantity": -10_000}
    assert store.call("POST", RELATIVE, {"items": [row]}).status_code == 422
    before = store.available(CANDLE)
    assert store.call("POST", RELATIVE, {"items": [{**row, "quantity": -1}]}).ok
    assert store.available(CANDLE) == before - 1


def test_wrong_places_and_skus_are_told_by_field(store: Store) -> None:
    rows = [{"location_id": 99, "sku": CANDLE, "quantity": 1}, {"location_id": 1, "sku": "NO-SUCH", "quantity": 1}]
    errors = store.call("PUT", ABSOLUTE, {"items": rows}).json()["errors"]
    assert sorted(errors) == ["items[0].location_id", "items[1].sku"]


def test_safety_stock_is_not_for_sale(store: Store) -> None:
    store.change(PLAIN, available=5, location="Asheville Workshop")
    store.change(PLAIN, available=0, location="Durham Store")
    identity = {"product_id": int(store.variant(PLAIN)["product_id"])}
    body = {"settings": [{"identity": identity, "safety_stock": 2}]}
    assert store.call("PUT", "/v3/inventory/locations/1/items", body).ok
    level = store.get("/v3/inventory/locations/1/items", **{"sku:in": PLAIN})["data"][0]
    assert (level["available_to_sell"], level["total_inventory_onhand"]) == (3, 5)
    assert store.post(store.line(PLAIN, 4)).status_code == 409


def test_reads_of_stock_may_be_old(store: Store) -> None:
    before = figure(store, CANDLE)
    fault = {
        "platform": "bigcommerce",
        "operation": "get-inventory-items",
        "kind": "search_lag",
        "params": {"seconds": 60},
    }
    store.sandbox.control("POST", "/faults", fault)
    store.created(store.line(CANDLE, 2))
    assert figure(store, CANDLE) == before
    store.sandbox.control("POST", "/clock", {"advance_seconds": 90})
    assert figure(store, CANDLE) == before - 2


def test_a_products_own_sku_is_found_among_products_only(store: Store) -> None:
    assert store.get("/v3/catalog/variants", sku=PLAIN)["data"] == []
    assert [row["sku"] for row in store.get("/v3/catalog/products", sku=PLAIN)["data"]] == [PLAIN]
    assert [row["sku"] for row in store.get("/v3/catalog/variants", sku=CANDLE)["data"]] == [CANDLE]
    assert store.get("/v3/catalog/products", sku=CANDLE)["data"] == []


def test_a_refund_gives_units_back_once(store: Store) -> None:
    before = store.available(CANDLE)
    made = store.created(store.line(CANDLE, 2))
    store.do(made["id"], "refund", lines=[{"sku": CANDLE, "quantity": 1}])
    assert store.available(CANDLE) == before - 1
    assert store.get(f"/v2/orders/{made['id']}")["status_id"] == 14
    store.do(made["id"], "refund")
    found = store.get(f"/v2/orders/{made['id']}")
    assert (found["status_id"], found["refunded_amount"], found["payment_status"]) == (4, "40.0000", "refunded")
    assert store.available(CANDLE) == before
