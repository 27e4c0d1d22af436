"""What ``orderCreate`` accepts, refuses, adds up and claims."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.shopify.conftest import ORDER_CREATE, OTHER_SHOP, Shop, dollars

SHORT = {"code": "INVALID", "field": ["order", "lineItems"], "message": "Line items Unable to reserve inventory"}
DEFINE = """
mutation { metafieldDefinitionCreate(
    definition: {name: "Key", namespace: "salestio", key: "order_key", type: "id", ownerType: ORDER}
  ) { createdDefinition { id capabilities { uniqueValues { enabled } } } userErrors { code message } } }
"""
BY_KEY = """query($v: String!) {
  orderByIdentifier(identifier: {customId: {namespace: "salestio", key: "order_key", value: $v}}) { id } }"""
SEARCH = "query($q: String!) { orders(first: 50, query: $q) { nodes { id name } } }"


def keyed(shop: Shop, key: str, **more: Any) -> dict[str, Any]:
    return shop.order(metafields=[{"namespace": "salestio", "key": "order_key", "type": "id", "value": key}], **more)


def test_obeying_the_policy_claims_units_and_refuses_when_the_sum_over_locations_is_short(shop: Shop) -> None:
    shop.change("NP-TEE-XL", available=2)
    shop.change("NP-TEE-XL", available=1, location="Reno Outlet")
    assert shop.created(shop.order(quantity=2))["name"] == "#1001"
    assert shop.available("NP-TEE-XL") == [0, 1]
    refused = shop.create(shop.order(quantity=2))
    assert refused == {"order": None, "userErrors": [SHORT]}
    assert shop.available("NP-TEE-XL") == [0, 1]


def test_a_shortage_of_one_line_claims_nothing_of_the_others(shop: Shop) -> None:
    shop.change("NP-WHS-1", available=0)
    shop.change("NP-WHS-1", available=0, location="Reno Outlet")
    before = shop.available("NP-TEE-XL")
    order = shop.order()
    order["lineItems"].append({**order["lineItems"][0], "variantId": shop.variant("NP-WHS-1")["id"]})
    assert shop.create(order)["userErrors"] == [SHORT]
    assert shop.available("NP-TEE-XL") == before


def test_a_line_goes_to_the_first_location_that_has_all_of_it_else_it_is_split_in_order(shop: Shop) -> None:
    shop.change("NP-TEE-XL", available=1)
    shop.change("NP-TEE-XL", available=5, location="Reno Outlet")
    whole = shop.created(shop.order(quantity=4))["fulfillmentOrders"]["nodes"]
    assert [part["assignedLocation"]["location"]["name"] for part in whole] == ["Reno Outlet"]
    split = shop.created(shop.order(quantity=2))["fulfillmentOrders"]["nodes"]
    assert [part["assignedLocation"]["location"]["name"] for part in split] == ["Portland Warehouse", "Reno Outlet"]
    assert [part["lineItems"]["nodes"][0]["totalQuantity"] for part in split] == [1, 1]
    assert shop.available("NP-TEE-XL") == [0, 0]


def test_without_an_inventory_behaviour_nothing_is_claimed(shop: Shop) -> None:
    before = shop.available("NP-TEE-XL")
    shop.created(shop.order(quantity=3), behaviour=None)
    shop.created(shop.order(quantity=3), behaviour="BYPASS")
    assert shop.available("NP-TEE-XL") == before


def test_ignoring_the_policy_goes_below_zero_and_is_recorded_as_an_oversale(shop: Shop) -> None:
    shop.change("NP-TEE-XL", available=1)
    shop.change("NP-TEE-XL", available=0, location="Reno Outlet")
    shop.created(
        shop.order(quantity=3, sourceIdentifier="X-1", tags=["salestio_create_anyway"]),
        behaviour="DECREMENT_IGNORING_POLICY",
    )
    assert shop.available("NP-TEE-XL") == [-2, 0]
    alarms = shop.sandbox.control("GET", "/writes", kind="oversold")
    assert [(a["reference"], a["body"]["sku"], a["body"]["missing"], a["body"]["create_anyway"]) for a in alarms] == [
        ("X-1", "NP-TEE-XL", 2, True)
    ]


def test_unfulfilled_orders_that_bypass_stock_are_an_oversale_once_they_sell_more_than_there_is(shop: Shop) -> None:
    shop.change("NP-TEE-XL", available=1)
    shop.change("NP-TEE-XL", available=0, location="Reno Outlet")
    shop.created(shop.order(), behaviour="BYPASS")
    assert shop.sandbox.control("GET", "/writes", kind="oversold") == []
    shop.created(shop.order(), behaviour="BYPASS")
    (alarm,) = shop.sandbox.control("GET", "/writes", kind="oversold")
    assert alarm["body"]["create_anyway"] is False


@pytest.mark.parametrize("change", [{"policy": "continue"}, {"tracked": False}])
def test_continue_and_untracked_variants_are_never_refused_and_never_an_oversale(
    shop: Shop, change: dict[str, Any]
) -> None:
    shop.change("NP-TEE-XL", available=0)
    shop.change("NP-TEE-XL", available=0, location="Reno Outlet")
    shop.change("NP-TEE-XL", **change)
    shop.created(shop.order(quantity=2))
    assert shop.sandbox.control("GET", "/writes", kind="oversold") == []
    assert sum(shop.available("NP-TEE-XL")) == (0 if "tracked" in change else -2)


def test_the_total_is_items_less_discount_plus_shipping_plus_tax(shop: Shop) -> None:
    order = shop.order(quantity=3, shippingLines=[{"title": "Standard", "priceSet": dollars("5.00")}])
    order["lineItems"][0]["taxLines"] = [{"title": "Tax", "rate": "0.1", "priceSet": dollars("6.20")}]
    order["discountCode"] = {"itemFixedDiscountCode": {"code": "TEN", "amountSet": dollars("10.00")}}
    made = shop.created(order)
    assert made["totalPriceSet"]["shopMoney"] == {"amount": "73.2", "currencyCode": "USD"}
    assert made["subtotalPriceSet"]["shopMoney"]["amount"] == "62.0"
    assert made["totalDiscountsSet"]["shopMoney"]["amount"] == "10.0"


def test_included_taxes_do_not_raise_the_total_and_a_rate_alone_is_enough(shop: Shop) -> None:
    order = shop.order(quantity=1, taxesIncluded=True)
    order["lineItems"][0]["taxLines"] = [{"title": "VAT", "rate": "0.2"}]
    made = shop.created(order)
    assert made["totalPriceSet"]["shopMoney"]["amount"] == "24.0"
    assert made["totalTaxSet"]["shopMoney"]["amount"] == "4.0"


def test_an_order_in_another_currency_keeps_both_amounts(shop: Shop) -> None:
    order = shop.order(presentmentCurrency="GBP")
    order["lineItems"][0]["priceSet"] = {
        **dollars("24.00"),
        "presentmentMoney": {"amount": "18.96", "currencyCode": "GBP"},
    }
    made = shop.created(order)["totalPriceSet"]
    assert made["shopMoney"] == {"amount": "24.0", "currencyCode": "USD"}
    assert made["presentmentMoney"] == {"amount": "18.96", "currencyCode": "GBP"}
    order["lineItems"][0]["priceSet"] = dollars("24.00")
    assert "Presentment money" in shop.create(order)["userErrors"][0]["message"]


def test_shipping_is_not_required_unless_the_line_says_so(shop: Shop) -> None:
    order = shop.order()
    del order["lineItems"][0]["requiresShipping"]
    assert shop.created(order)["requiresShipping"] is False
    assert shop.created(shop.order())["requiresShipping"] is True


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ({"shippingAddress": {"countryCode": "GB", "provinceCode": "Gwent"}}, "INVALID", "Province is not valid"),
        (
            {"shippingAddress": {"countryCode": "US", "phone": "+1 541-555-0142 ext. 40217"}},
            "INVALID",
            "Phone is invalid",
        ),
        ({"email": "not an address"}, "INVALID", "Email is invalid"),
        ({"phone": "+1 555 0100 ext. 7"}, "INVALID", "Phone is invalid"),
        ({"tags": ["x" * 41]}, "INVALID", "Tags is too long (maximum is 40 characters)"),
        ({"lineItems": []}, "INVALID", "Line items must have at least one line item"),
        ({"lineItems": [{"quantity": 1, "priceSet": dollars("1")}]}, "INVALID", "Line items title can't be blank"),
        (
            {"customerId": "gid://shopify/Customer/1", "customer": {"toUpsert": {"email": "a@b.example"}}},
            "REDUNDANT_CUSTOMER_FIELDS",
            "Only one of customerId and customer can be given",
        ),
    ],
)
def test_a_wrong_order_is_refused_with_a_sentence_and_nothing_is_written(
    shop: Shop, more: dict[str, Any], code: str, message: str
) -> None:
    refused = shop.create(shop.order(**more))
    assert refused["order"] is None
    assert (refused["userErrors"][0]["code"], refused["userErrors"][0]["message"]) == (code, message)
    assert shop.sandbox.control("GET", "/writes") == []


def test_taxes_on_order_and_line_together_are_refused(shop: Shop) -> None:
    order = shop.order(taxLines=[{"title": "Tax", "rate": "0.1", "priceSet": dollars("1")}])
    order["lineItems"][0]["taxLines"] = [{"title": "Tax", "rate": "0.1", "priceSet": dollars("1")}]
    assert "not both" in shop.create(order)["userErrors"][0]["message"]


def test_another_shops_variant_is_not_taken(shop: Shop) -> None:
    other = shop.sandbox.control("GET", f"/stores/{OTHER_SHOP}/variants")["results"][0]["id"]
    order = shop.order()
    order["lineItems"][0]["variantId"] = other
    assert shop.create(order)["userErrors"][0]["message"] == "Line items variant does not exist"


def test_a_second_order_with_the_same_key_is_made_without_its_key_or_refused_as_the_switch_says(shop: Shop) -> None:
    defined = shop.run(DEFINE)["metafieldDefinitionCreate"]
    assert not defined["userErrors"] or defined["userErrors"][0]["code"] == "TAKEN"
    first = shop.created(keyed(shop, "k-1"))
    second = shop.created(keyed(shop, "k-1"))
    assert (first["metafield"], second["metafield"]) == ({"value": "k-1"}, None)
    assert shop.run(BY_KEY, v="k-1")["orderByIdentifier"]["id"] == first["id"]
    shop.sandbox.control("POST", f"/stores/{shop.shop}/settings", {"id_metafield": "refuse"})
    refused = shop.create(keyed(shop, "k-1"))
    assert refused["userErrors"][0]["field"] == ["order", "metafields", "0", "value"]
    assert len(shop.sandbox.control("GET", "/writes", kind="order.create")) == 2


def test_search_lag_hides_a_fresh_order_from_searches_and_if_asked_from_the_key_look_up(shop: Shop) -> None:
    shop.run(DEFINE)
    shop.sandbox.control("POST", "/faults", {"platform": "shopify", "kind": "search_lag", "params": {"seconds": 60}})
    made = shop.created(keyed(shop, "k-lag", sourceIdentifier="S-1"))
    assert shop.run(SEARCH, q="source_identifier:'S-1'")["orders"]["nodes"] == []
    assert shop.run(BY_KEY, v="k-lag")["orderByIdentifier"]["id"] == made["id"]
    params = {"seconds": 60, "identifier": True}
    shop.sandbox.control("POST", "/faults", {"platform": "shopify", "kind": "search_lag", "params": params})
    assert shop.run(BY_KEY, v="k-lag")["orderByIdentifier"] is None
    assert shop.run("query($id: ID!) { order(id: $id) { id } }", id=made["id"])["order"]["id"] == made["id"]
    shop.sandbox.control("DELETE", "/faults")
    assert [node["id"] for node in shop.run(SEARCH, q="source_identifier:'S-1'")["orders"]["nodes"]] == [made["id"]]


def test_orders_are_found_by_source_tag_name_and_time(shop: Shop) -> None:
    made = shop.created(shop.order(sourceIdentifier="S-2", tags=["Amazon", "US 1"], name="AMZ-77"))
    shop.created(shop.order(sourceIdentifier="S-3"))
    for query in (
        "source_identifier:S-2",
        "tag:'us 1'",
        "name:AMZ-77",
        "tag:Amazon -source_identifier:S-3",
        "created_at:>2020-01-01 name:AMZ-77",
    ):
        assert [node["name"] for node in shop.run(SEARCH, q=query)["orders"]["nodes"]] == ["AMZ-77"], query
    assert len(shop.run(SEARCH, q="source_identifier:S-2 OR source_identifier:S-3")["orders"]["nodes"]) == 2
    assert shop.run(SEARCH, q="created_at:>'2100-01-01'")["orders"]["nodes"] == []
    body = shop.post(SEARCH, {"q": "no_such_field:1"}).json()
    assert body["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"
    assert made["name"] == "AMZ-77"


def test_orders_older_than_sixty_days_are_not_shown(shop: Shop) -> None:
    made = shop.created(shop.order(sourceIdentifier="S-old"))
    shop.sandbox.control("POST", "/clock", {"advance_seconds": 61 * 86_400})
    fresh = shop.sandbox.control("GET", "/endpoints")["clients"]["shopify"]["tokens"][shop.shop]["access_token"]
    shop.token = fresh
    assert shop.run("query($id: ID!) { order(id: $id) { id } }", id=made["id"])["order"] is None
    assert shop.run(SEARCH, q="source_identifier:S-old")["orders"]["nodes"] == []


def test_an_order_shipped_before_it_is_created_is_fulfilled_and_moves_no_stock(shop: Shop) -> None:
    before = shop.variant("NP-TEE-XL")["locations"]
    given = {"locationId": before[0]["id"], "trackingNumber": "1Z9", "trackingCompany": "UPS"}
    made = shop.created(shop.order(fulfillmentStatus="FULFILLED", fulfillment=given), behaviour="BYPASS")
    assert made["displayFulfillmentStatus"] == "FULFILLED"
    assert [part["status"] for part in made["fulfillmentOrders"]["nodes"]] == ["CLOSED"]
    assert shop.variant("NP-TEE-XL")["locations"] == before


def test_every_accepted_order_is_in_the_write_record_with_its_reference(shop: Shop) -> None:
    made = shop.created(shop.order(sourceIdentifier="S-9", quantity=2))
    (write,) = shop.sandbox.control("GET", "/writes", kind="order.create")
    assert (write["platform"], write["key"], write["reference"], write["id"]) == (
        "shopify",
        shop.shop,
        "S-9",
        made["id"],
    )
    assert write["body"]["lines"][0]["sku"] == "NP-TEE-XL"
    assert write["body"]["total"] == "48.00"


def test_an_order_done_before_the_connection_dropped_is_there(shop: Shop) -> None:
    fault = {
        "platform": "shopify",
        "operation": "orderCreate",
        "kind": "status_after",
        "params": {"code": 502},
        "count": 1,
    }
    shop.sandbox.control("POST", "/faults", fault)
    answer = shop.post(ORDER_CREATE, {"order": shop.order(sourceIdentifier="S-502")})
    assert answer.status_code == 502
    assert len(shop.run(SEARCH, q="source_identifier:S-502")["orders"]["nodes"]) == 1
