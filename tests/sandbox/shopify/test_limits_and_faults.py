"""Cost, throttling, and the faults inside an answer."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.shopify.conftest import ORDER_CREATE, Shop

CHEAP = "{ shop { name } }"
PAGE = """
query($n: Int!) { products(first: $n) { nodes { id variants(first: 100) { nodes { id inventoryItem { id } } } } } }
"""
BULK = """
mutation {
  bulkOperationRunQuery(query: "{ products { edges { node { id variants { edges { node { id sku } } } } } } }") {
    bulkOperation { id status }
    userErrors { message }
  }
}
"""
DEEP = """
{ products(first: 250) { nodes { variants(first: 250) { nodes { inventoryItem {
  inventoryLevels(first: 250) { nodes { location { id } } } } } } } } }
"""
NEXT = """
query($after: String) {
  productVariants(first: 50, after: $after) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""


def limits(shop: Shop, profile: str) -> None:
    shop.sandbox.control("POST", "/limits", {"platform": "shopify", "profile": profile})


def test_an_answer_says_what_it_cost_and_what_is_left_of_the_plans_bucket(shop: Shop) -> None:
    limits(shop, "real")
    cost = shop.post(CHEAP).json()["extensions"]["cost"]
    assert cost["throttleStatus"]["maximumAvailable"] == 2000.0
    assert cost["throttleStatus"]["restoreRate"] == 100.0
    shop.sandbox.control("POST", f"/stores/{shop.shop}/settings", {"plan": "plus"})
    assert shop.post(CHEAP).json()["extensions"]["cost"]["throttleStatus"]["restoreRate"] == 1000.0
    small, large = (shop.post(PAGE, {"n": n}).json()["extensions"]["cost"]["requestedQueryCost"] for n in (1, 250))
    assert cost["requestedQueryCost"] <= small < large <= 1000


def test_an_empty_bucket_answers_throttled_in_a_200_and_fills_again(shop: Shop) -> None:
    limits(shop, "real")
    body: dict[str, Any] = {}
    for _ in range(60):
        body = shop.post(PAGE, {"n": 250}).json()
        if "errors" in body:
            break
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    status = body["extensions"]["cost"]["throttleStatus"]
    wait = (body["extensions"]["cost"]["requestedQueryCost"] - status["currentlyAvailable"]) / status["restoreRate"]
    time.sleep(min(wait + 0.1, 5))
    assert "errors" not in shop.post(PAGE, {"n": 250}).json()
    calls = [row for row in shop.sandbox.control("GET", "/calls") if row["operation"] == "products"]
    assert sum(row["throttled"] for row in calls) == 1


def test_a_query_over_the_most_a_query_may_cost_is_refused(shop: Shop) -> None:
    assert shop.post(DEEP).json()["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_without_limits_nothing_is_throttled(shop: Shop) -> None:
    limits(shop, "off")
    assert all("errors" not in shop.post(PAGE, {"n": 250}).json() for _ in range(12))


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "throttle"}, 200, "THROTTLED"),
        ({"kind": "throttle", "params": {"headers": False}}, 429, None),
        ({"kind": "token_revoked"}, 401, None),
        ({"kind": "status", "params": {"code": 503}}, 503, None),
    ],
)
def test_faults_answer_in_shopifys_words(shop: Shop, fault: dict[str, Any], status: int, code: str | None) -> None:
    shop.sandbox.control("POST", "/faults", {"platform": "shopify", "operation": "shop", "count": 1, **fault})
    answer = shop.post(CHEAP)
    assert answer.status_code == status
    if code:
        assert answer.json()["errors"][0]["extensions"]["code"] == code
    assert shop.post(CHEAP).json()["data"]["shop"]["name"]


def test_refuse_is_a_user_error_of_the_mutation_and_nothing_is_done(shop: Shop) -> None:
    fault = {
        "platform": "shopify",
        "operation": "orderCreate",
        "kind": "refuse",
        "params": {"code": "SHOP_DORMANT", "message": "Shop is dormant"},
        "count": 1,
    }
    shop.sandbox.control("POST", "/faults", fault)
    payload = shop.post(ORDER_CREATE, {"order": shop.order()}).json()["data"]["orderCreate"]
    assert (payload["order"], payload["userErrors"][0]["code"]) == (None, "SHOP_DORMANT")
    assert shop.sandbox.control("GET", "/writes") == []


def test_answers_can_lose_a_field_gain_one_and_hold_an_unknown_status(shop: Shop) -> None:
    made = shop.created(shop.order(sourceIdentifier="F-1"))
    read = "query($id: ID!) { order(id: $id) { id displayFulfillmentStatus totalPriceSet { shopMoney { amount } } } }"

    def with_fault(kind: str) -> dict[str, Any]:
        shop.sandbox.control("POST", "/faults", {"platform": "shopify", "kind": kind, "operation": "order", "count": 1})
        order: dict[str, Any] = shop.run(read, id=made["id"])["order"]
        return order

    assert with_fault("null_field")["totalPriceSet"] is None
    assert "unannouncedField" in with_fault("schema_extra")
    assert with_fault("unknown_enum")["displayFulfillmentStatus"] == "UNANNOUNCED_STATUS"
    search = "{ orders(first: 5) { nodes { id } } }"
    shop.sandbox.control(
        "POST", "/faults", {"platform": "shopify", "kind": "repeat_order", "operation": "orders", "count": 1}
    )
    assert [node["id"] for node in shop.run(search)["orders"]["nodes"]] == [made["id"], made["id"]]
    hidden = {"platform": "shopify", "kind": "hide_order", "operation": "orders", "params": {"match": made["id"]}}
    shop.sandbox.control("POST", "/faults", hidden)
    assert shop.run(search)["orders"]["nodes"] == []


def test_what_is_asked_wrongly_is_refused(shop: Shop) -> None:
    assert shop.errors("{ shop { noSuchField } }")[0]["extensions"]["code"] == "undefinedField"
    assert shop.errors("{ shop {")[0]["extensions"]["code"] == "syntaxError"
    wrong = shop.errors(ORDER_CREATE, order={"lineItems": [{"quantity": "many"}]})
    assert "many" in wrong[0]["message"]
    assert shop.post(CHEAP, None, **{"X-Shopify-Access-Token": "shpat_wrong"}).status_code == 401
    assert shop.http.post(f"{shop.url}/admin/api/2026-10/graphql.json", data="no json", timeout=5).status_code == 400
    many = shop.errors("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["gid://shopify/Order/1"] * 251)
    assert many[0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


def test_pages_follow_one_another_without_gaps_or_doubles(shop: Shop) -> None:
    ids: list[str] = []
    after = None
    while True:
        page = shop.run(NEXT, after=after)["productVariants"]
        ids += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(ids) == len(set(ids)) == shop.run("{ productVariantsCount { count } }")["productVariantsCount"]["count"]


def test_bulk_operations_are_denied_until_switched_on_and_then_give_json_lines(shop: Shop) -> None:
    assert shop.errors(BULK)[0]["extensions"]["code"] == "ACCESS_DENIED"
    shop.sandbox.control("POST", f"/stores/{shop.shop}/settings", {"bulk_operations": True})
    operation = shop.run(BULK)["bulkOperationRunQuery"]["bulkOperation"]
    assert operation["status"] == "RUNNING"
    read = "query($id: ID!) { bulkOperation(id: $id) { status url objectCount } currentBulkOperation { id } }"
    end = time.monotonic() + 5
    while (done := shop.run(read, id=operation["id"]))["bulkOperation"]["status"] != "COMPLETED":
        assert time.monotonic() < end
        time.sleep(0.05)
    rows = [row for row in shop.http.get(done["bulkOperation"]["url"], timeout=5).text.splitlines() if row]
    assert str(len(rows)) == done["bulkOperation"]["objectCount"]
    assert '"__parentId":"gid://shopify/Product/' in "".join(rows)
    assert done["currentBulkOperation"]["id"] == operation["id"]
