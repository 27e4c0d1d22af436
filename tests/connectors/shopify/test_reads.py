"""Reads of stock and look-ups of orders: split by cost, whole, and compared exactly; over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.contract.errors import RateLimited, Rejected, UnexpectedReply
from tests.connectors.shopify.cast import VARIANT, shop_at, whole_catalog
from tests.connectors.shopify.test_client import MADE, cost, failed, refused
from tests.connectors.wire import Wire, answer


def stock_answer(asked: dict[str, Any], locations: int = 2, limit: int | None = None) -> Any:
    """Answer a stock read as a shop with so many locations would."""
    shown = min(locations, asked["levels"])
    levels = {
        "pageInfo": {"hasNextPage": locations > shown},
        "nodes": [
            {"location": {"id": f"L{n}"}, "quantities": [{"name": "available", "quantity": n}]} for n in range(shown)
        ],
    }
    items = [
        None if item.endswith("/404") else {"__typename": "InventoryItem", "id": item, "inventoryLevels": levels}
        for item in asked["items"]
    ]
    return {"items": items, "orders": []}


class Shelves:
    """Steps for `Wire` that answer stock reads, counting cost as told and refusing what is above 1,000."""

    def __init__(self, wire: Wire, *, locations: int = 2, ratio: float = 1.0) -> None:
        self.wire, self.locations, self.ratio = wire, locations, ratio
        wire.answer_with(self.step)

    def step(self, connection: Any) -> bool:
        asked = self.wire.asked[-1].json["variables"]
        points = len(asked["items"]) * (3 + 3 * asked["levels"]) * self.ratio
        if points > 1000:
            body: dict[str, Any] = {"errors": [{"message": "dear", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
        else:
            body = {"data": stock_answer(asked, self.locations), "extensions": cost(points, 1900, actual=points / 2)}
        return answer(200, body)(connection)


def items(count: int) -> list[str]:
    return [f"gid://shopify/InventoryItem/{number}" for number in range(1, count + 1)]


def test_a_read_of_250_items_is_split_so_that_no_call_is_too_dear(wire: Wire) -> None:
    Shelves(wire)
    shop = shop_at(wire.url)
    expected = shop.calls_for(250)

    reading = shop.read_stock(items(250))

    assert len(reading.figures) == 500
    assert len({figure.item_id for figure in reading.figures}) == 250
    assert len(wire.asked) == expected == 3


def test_where_shopify_counts_cheaper_250_items_become_one_call(wire: Wire) -> None:
    Shelves(wire, ratio=0.2)
    shop = shop_at(wire.url)
    shop.read_stock(items(250))
    before = len(wire.asked)

    shop.read_stock(items(250))

    assert len(wire.asked) == before + 1


def test_where_shopify_counts_dearer_the_read_is_split_further_and_nothing_is_left_out(wire: Wire) -> None:
    Shelves(wire, ratio=3.0)

    reading = shop_at(wire.url).read_stock(items(100))

    assert len({figure.item_id for figure in reading.figures}) == 100


def test_an_item_at_more_locations_than_usual_is_read_whole(wire: Wire) -> None:
    Shelves(wire, locations=7)

    reading = shop_at(wire.url).read_stock(items(1))

    assert sorted(figure.location_id for figure in reading.figures) == [f"L{n}" for n in range(7)]


def test_items_shopify_does_not_know_are_named(wire: Wire) -> None:
    Shelves(wire)

    reading = shop_at(wire.url).read_stock(["gid://shopify/InventoryItem/404", *items(1)])

    assert reading.missing_items == ("gid://shopify/InventoryItem/404",)
    assert {figure.item_id for figure in reading.figures} == set(items(1))


# ── look-ups ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def order(number: int, **changes: Any) -> dict[str, Any]:
    return {
        **MADE,
        "id": f"gid://shopify/Order/{number}",
        "sourceIdentifier": None,
        "tags": [],
        "cancelledAt": None,
        "key": None,
        **changes,
    }


def test_an_order_found_under_our_key_must_carry_exactly_that_key(wire: Wire) -> None:
    wire.answer_with(answer(200, {"data": {"orderByIdentifier": order(1, key={"value": "another"})}}))

    assert list(shop_at(wire.url).find_by_key("the-key", "ref")) == []


def test_without_the_keys_definition_orders_are_searched_by_reference(wire: Wire) -> None:
    wire.answer_with(
        failed(
            "", "Metafield definition of type 'id' is required when using custom ids.", data={"orderByIdentifier": None}
        ),
        answer(
            200,
            {
                "data": {
                    "orders": {
                        "nodes": [order(1, sourceIdentifier="ref", key={"value": "the-key"}), order(2, name="ref")]
                    }
                }
            },
        ),
    )

    found = shop_at(wire.url).find_by_key("the-key", "ref")

    assert [one.id for one in found] == ["gid://shopify/Order/1"]


def test_many_references_are_searched_twenty_at_a_time_and_compared_exactly(wire: Wire) -> None:
    def orders(*nodes: Any, more: bool = False) -> Any:
        return answer(
            200, {"data": {"orders": {"pageInfo": {"hasNextPage": more, "endCursor": "c"}, "nodes": list(nodes)}}}
        )

    wire.answer_with(
        orders(order(1, sourceIdentifier="ref-1"), order(2, name="#ref-1"), more=True),
        orders(order(3, tags=["ref-2"]), order(4, sourceIdentifier="ref-22")),
        orders(),
    )

    found = shop_at(wire.url).search_orders([f"ref-{number}" for number in range(1, 22)])

    assert [one.id[-1] for one in found["ref-1"]] == ["1", "2"]
    assert [one.id[-1] for one in found["ref-2"]] == ["3"]
    assert found["ref-21"] == ()
    assert [asked.json["variables"]["after"] for asked in wire.asked] == [None, "c", None]
    assert wire.asked[0].json["variables"]["query"].count("source_identifier:") == 20


def test_a_reference_cannot_widen_the_search(wire: Wire) -> None:
    wire.answer_with(answer(200, {"data": {"orders": {"nodes": []}}}))

    shop_at(wire.url).search_orders(["1' OR status:'any"])

    assert wire.asked[0].json["variables"]["query"].startswith("source_identifier:'1\\' OR status:\\'any' OR ")


def test_an_order_canceled_by_somebody_else_meanwhile_counts_as_canceled(wire: Wire) -> None:
    refusal = {"data": {"orderCancel": {"job": None, "orderCancelUserErrors": [refused("Order is already cancelled")]}}}
    wire.answer_with(
        answer(200, {"data": {"order": order(1)}}),
        answer(200, refusal),
        answer(200, {"data": {"order": order(1, cancelledAt="2026-11-20T11:00:00Z")}}),
    )

    shop_at(wire.url).cancel_order("gid://shopify/Order/1", restock=True, note="why")

    assert len(wire.asked) == 3


def test_a_part_that_cannot_be_moved_says_why(wire: Wire) -> None:
    error = {"code": None, "field": ["id"], "message": "The location does not stock this item"}
    wire.answer_with(
        answer(200, {"data": {"fulfillmentOrderMove": {"movedFulfillmentOrder": None, "userErrors": [error]}}})
    )

    with pytest.raises(Rejected) as caught:
        shop_at(wire.url).move_part("gid://shopify/FulfillmentOrder/1", "gid://shopify/Location/2")

    assert caught.value.texts == ("The location does not stock this item",)


# ── orders in many parts ─────────────────────────────────────────────────────────────────────────────────────────────


class Parcels:
    """Answers stock reads with one order in so many parts of so many lines each, one unit a line."""

    def __init__(self, wire: Wire, *, parts: int, lines: int) -> None:
        self.wire, self.parts, self.lines = wire, parts, lines
        wire.answer_with(self.step)

    def step(self, connection: Any) -> bool:
        asked = self.wire.asked[-1].json["variables"]
        lines, parts = min(self.lines, asked["lines"]), min(self.parts, asked["parts"])
        held = {
            "pageInfo": {"hasNextPage": self.lines > lines},
            "nodes": [{"totalQuantity": 1, "variant": {"id": VARIANT}} for _ in range(lines)],
        }
        nodes = [
            {
                "id": f"gid://shopify/FulfillmentOrder/{number}",
                "status": "OPEN",
                "assignedLocation": {"location": {"id": f"L{number}"}},
                "lineItems": held,
            }
            for number in range(parts)
        ]
        connection_of_parts = {"pageInfo": {"hasNextPage": self.parts > parts}, "nodes": nodes}
        found = [order(1, __typename="Order", fulfillmentOrders=connection_of_parts) for _ in asked["orders"]]
        return answer(200, {"data": {"items": [], "orders": found}})(connection)


@pytest.mark.parametrize(("parts", "lines"), [(1, 1), (2, 5), (4, 1), (2, 40), (15, 3), (3, 100)])
def test_an_order_in_many_parts_is_read_whole(wire: Wire, parts: int, lines: int) -> None:
    Parcels(wire, parts=parts, lines=lines)

    reading = shop_at(wire.url).read_stock([], order_ids=["gid://shopify/Order/1"])

    assert sum(placement.quantity for placement in reading.placements) == parts * lines
    assert len({placement.location_id for placement in reading.placements}) == parts
    assert [one.id for one in reading.orders] == ["gid://shopify/Order/1"]


def test_an_order_in_more_parts_than_one_read_can_show_is_placed_nowhere_rather_than_half(
    wire: Wire, everything_logged: Callable[[], str]
) -> None:
    Parcels(wire, parts=60, lines=30)

    reading = shop_at(wire.url).read_stock([], order_ids=["gid://shopify/Order/1"])

    assert reading.placements == ()
    assert [one.id for one in reading.orders] == ["gid://shopify/Order/1"]
    assert "more parts" in everything_logged()


@pytest.mark.parametrize(
    "data", [{}, {"orders": None}, {"orders": {"order": None}}, {"orders": {"nodes": None}}], ids=str
)
def test_an_answer_without_its_list_is_not_an_empty_list(wire: Wire, data: dict[str, Any]) -> None:
    wire.answer_with(answer(200, {"data": data}))

    with pytest.raises(UnexpectedReply):
        shop_at(wire.url).search_orders(["ref-1"])


# ── the catalog ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Shelf:
    """Answers catalog reads with products of so many variants each; says no once at the given requests."""

    def __init__(self, wire: Wire, *products: int, throttled_at: tuple[int, ...] = ()) -> None:
        self.wire, self.products, self.throttled_at = wire, products, throttled_at
        self.asked = 0
        wire.answer_with(self.step)

    def step(self, connection: Any) -> bool:
        self.asked += 1
        if self.asked in self.throttled_at:
            return bool(failed("THROTTLED")(connection))
        asked = self.wire.asked[-1].json["variables"]
        begin = int(asked["after"] or 0)
        if "id" in asked:
            product = int(asked["id"].rpartition("/")[2])
            data = {"product": self.product(product, begin, asked["first"])}
        else:
            end = min(len(self.products), begin + min(2, asked["first"]))
            nodes = [self.product(number, 0, asked["variants"]) for number in range(begin, end)]
            data = {"products": {"pageInfo": self.info(end, len(self.products)), "nodes": nodes}}
        return answer(200, {"data": data})(connection)

    @staticmethod
    def info(end: int, total: int) -> dict[str, Any]:
        return {"hasNextPage": end < total, "endCursor": str(end)}

    def product(self, number: int, begin: int, count: int) -> dict[str, Any]:
        total = self.products[number]
        end = min(total, begin + min(count, 30))
        nodes = [
            {
                "id": f"gid://shopify/ProductVariant/{number}0{index}",
                "inventoryItem": {
                    "id": f"gid://shopify/InventoryItem/{number}0{index}",
                    "inventoryLevels": {"pageInfo": {"hasNextPage": False}, "nodes": []},
                },
            }
            for index in range(begin, end)
        ]
        variants = {"pageInfo": self.info(end, total), "nodes": nodes}
        return {"id": f"gid://shopify/Product/{number}", "title": f"Product {number}", "variants": variants}


@pytest.mark.parametrize("products", [(), (1,), (5, 6), (3, 100, 0, 41, 7), (200, 200)])
def test_products_with_any_number_of_variants_are_listed_whole(wire: Wire, products: tuple[int, ...]) -> None:
    Shelf(wire, *products)

    found = whole_catalog(shop_at(wire.url))

    assert len(found) == sum(products)


def test_a_pause_in_the_middle_of_a_large_product_costs_nothing_that_was_read(wire: Wire) -> None:
    shelf = Shelf(wire, 100, 3, throttled_at=(2, 4, 6))
    shop = shop_at(wire.url)
    found: list[str] = []
    token, more = "", True
    while more:
        try:
            page = shop.list_variants(after_token=token)
        except RateLimited:
            continue
        found += [variant.id for variant in page.items]
        token = page.next_token
        more = bool(token)

    assert len(found) == len(set(found)) == 103
    assert shelf.asked == 5 + 3


@pytest.mark.parametrize(
    "token", ["x", "[]", "{}", '{"after": 5, "last": false, "open": []}', '{"after": null, "last": true, "open": []}']
)
def test_a_page_token_that_is_not_ours_is_refused(wire: Wire, token: str) -> None:
    with pytest.raises(Rejected) as caught:
        shop_at(wire.url).list_variants(after_token=token)

    assert caught.value.code == "page_token"
    assert wire.asked == []
