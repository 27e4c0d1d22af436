"""Making orders: what is refused and how, what the sums are, and how an order is found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.bigcommerce.conftest import CANDLE, HOME, PLAIN, SCARCE, Store


def errors_of(reply: Any) -> list[dict[str, Any]]:
    """Return the errors of V2's array answer."""
    body = reply.json()
    assert [row["status"] for row in body] == [reply.status_code]
    found: list[dict[str, Any]] = body[0]["details"]["errors"]
    return found


def shape(value: Any) -> Any:
    """Return the names and types of a JSON value."""
    if isinstance(value, dict):
        return {name: shape(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [shape(entry) for entry in value[:1]]
    return type(value).__name__


def recorded(specs: Path, name: str, kind: str, n: int = 0) -> dict[str, Any]:
    """Return one error of the known shapes of refusals."""
    known = json.loads((specs / "bigcommerce" / "order_create_errors.json").read_text())
    rows = [row for row in known[name]["body"][0]["details"]["errors"] if row["type"] == kind]
    found: dict[str, Any] = rows[n]
    return found


def test_the_total_is_lines_and_costs_less_the_discount(store: Store) -> None:
    made = store.created(
        store.line(CANDLE, 3, price_inc_tax=10.0, price_ex_tax=9.0),
        shipping_cost_inc_tax=6,
        shipping_cost_ex_tax=5,
        discount_amount=2,
    )
    assert (made["subtotal_inc_tax"], made["subtotal_ex_tax"]) == ("30.0000", "27.0000")
    assert (made["total_inc_tax"], made["total_ex_tax"], made["total_tax"]) == ("34.0000", "30.0000", "4.0000")
    assert (made["status_id"], made["status"]) == (11, "Awaiting Fulfillment")
    assert (made["order_source"], made["items_total"], made["currency_code"]) == ("external", 3, "USD")


def test_without_prices_of_its_own_a_line_costs_what_the_catalog_says(store: Store) -> None:
    store.settings(tax_rate="0.10")
    line = {"product_id": int(store.variant(PLAIN)["product_id"]), "quantity": 2}
    made = store.created(line)
    assert (made["total_ex_tax"], made["total_inc_tax"]) == ("30.0000", "33.0000")


def test_overridden_totals_stand(store: Store) -> None:
    made = store.created(total_inc_tax="99.99", total_ex_tax="90")
    assert (made["total_inc_tax"], made["total_ex_tax"]) == ("99.9900", "90.0000")


def test_an_order_is_found_by_its_external_id_and_an_empty_list_is_204(store: Store) -> None:
    assert store.call("GET", "/v2/orders", external_order_id="X-1").status_code == 204
    made = store.created(external_order_id="X-1", external_source="Amazon", staff_notes="key=amazon:1")
    rows = store.get("/v2/orders", external_order_id="X-1")
    assert [row["id"] for row in rows] == [made["id"]]
    assert (rows[0]["external_source"], rows[0]["staff_notes"]) == ("Amazon", "key=amazon:1")
    store.call("PUT", f"/v2/orders/{made['id']}", {"external_order_id": "X-2"})
    assert store.get("/v2/orders", external_order_id="X-1") == []
    assert len(store.get("/v2/orders", external_order_id="X-2")) == 1


def test_two_orders_of_one_external_id_are_both_made_and_counted(store: Store) -> None:
    for _ in range(2):
        store.created(external_order_id="X-3")
    assert len(store.get("/v2/orders", external_order_id="X-3")) == 2
    assert [row["reference"] for row in store.writes("order.create")] == ["X-3", "X-3"]


def test_filters_and_sorting(store: Store) -> None:
    first, second = store.created(), store.created(status_id=7)
    assert [row["id"] for row in store.get("/v2/orders", sort="id:desc")] == [second["id"], first["id"]]
    assert [row["id"] for row in store.get("/v2/orders", status_id=7)] == [second["id"]]
    assert [row["id"] for row in store.get("/v2/orders", min_id=second["id"])] == [second["id"]]
    assert store.get("/v2/orders", min_date_created="2099-01-01T00:00:00Z") == []
    assert len(store.get("/v2/orders", limit=1, page=2)) == 1
    assert store.call("GET", "/v2/orders", sort="nonsense").status_code == 400


def test_an_archived_order_is_no_longer_listed_but_still_there(store: Store) -> None:
    made = store.created(external_order_id="X-4")
    assert store.call("DELETE", f"/v2/orders/{made['id']}").status_code == 204
    assert store.get("/v2/orders", external_order_id="X-4") == []
    assert store.get(f"/v2/orders/{made['id']}")["is_deleted"] is True


def test_out_of_stock_is_a_409_in_the_known_shape(store: Store, specs: Path) -> None:
    for sku, n in ((SCARCE, 0), ("LL-CDL-16-SEA", 1)):
        reply = store.post(store.line(sku, 2))
        assert reply.status_code == 409
        problem = errors_of(reply)[0]
        assert shape(problem) == shape(recorded(specs, "out_of_stock", "OutOfStock", n))
    assert problem["product"]["sku"]["inventory_level"] == 1
    assert store.writes("order.create") == []
    assert store.available(SCARCE) == 1


def test_two_lines_of_one_variant_are_short_together(store: Store) -> None:
    reply = store.post(store.line(SCARCE, 1), store.line(SCARCE, 1))
    assert [row["type"] for row in errors_of(reply)] == ["OutOfStock"]


@pytest.mark.parametrize(
    ("setting", "units", "kind"),
    [({"maximum": 2}, 3, "ExceedsMaxQuantity"), ({"minimum": 2}, 1, "InsufficientQuantity")],
)
def test_least_and_most_quantities_are_a_409_too(
    store: Store, specs: Path, setting: dict[str, int], units: int, kind: str
) -> None:
    store.change(PLAIN, **setting)
    problem = errors_of(store.post(store.line(PLAIN, units)))[0]
    assert problem["type"] == kind
    assert shape(problem) == shape(recorded(specs, "out_of_stock", kind))


def test_a_product_with_options_needs_a_variant_or_its_options(store: Store, specs: Path) -> None:
    found = store.variant(CANDLE)
    bare = {"product_id": int(found["product_id"]), "quantity": 1}
    problem = errors_of(store.post(bare))[0]
    assert shape(problem) == shape(recorded(specs, "options", "MandatoryProductOptions"))
    option = store.get(f"/v3/catalog/products/{found['product_id']}/options")["data"][0]
    value = next(row["id"] for row in option["option_values"] if row["label"] == found["options"]["Scent"])
    made = store.created({**bare, "product_options": [{"id": option["id"], "value": str(value)}]})
    assert store.get(f"/v2/orders/{made['id']}/products")[0]["sku"] == CANDLE


def test_a_mandatory_modifier_must_be_given_even_with_a_variant(store: Store) -> None:
    assert errors_of(store.post(store.line("LL-ENG")))[0]["type"] == "MandatoryProductOptions"
    modifier = store.variant("LL-ENG")["modifiers"][0]
    made = store.created(store.line("LL-ENG", product_options=[{"id": modifier["id"], "value": "For Ann"}]))
    options = store.get(f"/v2/orders/{made['id']}/products")[0]["product_options"]
    assert [(row["display_name"], row["display_value"]) for row in options] == [("Engraving", "For Ann")]


def test_wrong_options_and_values_are_told_together(store: Store, specs: Path) -> None:
    modifier = store.variant("LL-GFT-3")["modifiers"][0]
    wrong = [{"id": modifier["id"], "value": "7"}, {"id": 999999, "value": "1"}]
    problems = errors_of(store.post(store.line("LL-GFT-3", product_options=wrong)))
    assert {row["type"] for row in problems} == {"InvalidProductOption", "InvalidProductOptionValue"}
    for problem in problems:
        known = recorded(specs, "options", problem["type"])
        assert problem["product"].keys() == known["product"].keys()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"products": []}, "The required field 'products' was not supplied."),
        ({"billing_address": None}, "The required field 'billing_address' was not supplied."),
        ({"billing_address": {**HOME, "state": None}}, "The field 'state' does not allow null values."),
        ({"billing_address": {**HOME, "country_iso2": "Texas"}}, "The field 'billing_address' is invalid."),
        ({"billing_address": {**HOME, "country_iso2": "XX"}}, "The field 'billing_address' is invalid."),
        ({"shipping_addresses": [{**HOME, "country_iso2": "XX"}]}, "The field 'shipping_address' is invalid."),
        ({"billing_address": {**HOME, "zip": "7"}}, "The field 'billing_address' is invalid."),
        ({"customer_id": 4711}, "The field 'customer_id' is invalid."),
        ({"channel_id": 4711}, "The field 'channel_id' is invalid."),
        ({"status_id": 99}, "The field 'status_id' is invalid."),
        ({"default_currency_code": "JPY"}, "The field 'default_currency_code' is invalid."),
        ({"shipping_cost_inc_tax": 5}, "The required field 'shipping_cost_ex_tax' was not supplied."),
        ({"nonsense": 1}, "The field 'nonsense' is not supported by this resource."),
        ({"external_order_id": "x" * 256}, "The field 'external_order_id' is invalid."),
    ],
)
def test_a_wrong_field_is_refused_by_name(store: Store, change: dict[str, Any], words: str) -> None:
    reply = store.call("POST", "/v2/orders", store.order() | change)
    assert reply.status_code == 400
    assert reply.json()[0]["message"] == words


def test_one_price_alone_is_refused(store: Store) -> None:
    line = store.line(CANDLE)
    del line["price_ex_tax"]
    assert store.post(line).json()[0]["message"] == "The required field 'price_ex_tax' was not supplied."


def test_what_cannot_be_written_is_refused(store: Store) -> None:
    assert "cannot be written to" in store.post(id=7).json()[0]["message"]


def test_a_custom_line_moves_no_stock_and_needs_name_and_both_prices(store: Store) -> None:
    made = store.created(
        {"name": "Unknown thing", "sku": "ODD-1", "quantity": 2, "price_inc_tax": 4, "price_ex_tax": 4}
    )
    assert made["total_inc_tax"] == "8.0000"
    line = store.get(f"/v2/orders/{made['id']}/products")[0]
    assert (line["product_id"], line["sku"]) == (0, "ODD-1")
    assert store.post({"name": "Unknown thing", "quantity": 1}).status_code == 400


def test_an_external_merchant_is_written_once(store: Store) -> None:
    made = store.created(external_merchant_id="M1")
    assert store.call("PUT", f"/v2/orders/{made['id']}", {"external_merchant_id": "M2"}).status_code == 400


def test_another_currency_the_store_sells_in_is_kept(store: Store) -> None:
    made = store.created(default_currency_code="EUR")
    assert (made["currency_code"], made["store_default_currency_code"]) == ("EUR", "USD")


def test_an_unknown_order_is_a_404_array(store: Store) -> None:
    reply = store.call("GET", "/v2/orders/99999")
    assert reply.status_code == 404
    assert reply.json()[0]["status"] == 404
