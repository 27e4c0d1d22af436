"""Stock, placements, catalog, locations and facts, read over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.bigcommerce import stock
from connectors.bigcommerce.connector import BigCommerce
from connectors.contract.errors import Rejected, TransientError, UnexpectedReply
from connectors.contract.types import Placement, StockFigure
from tests.connectors.bigcommerce.cast import (
    calls,
    order,
    order_product,
    page,
    product,
    serve,
    settings,
    stock_row,
    store_facts,
    variant,
)
from tests.connectors.wire import Wire, answer

PLACES = page(
    {"id": 1, "code": "A", "label": "Asheville Workshop", "enabled": True, "storefront_visibility": True},
    {"id": 2, "code": "D", "label": "Durham Store", "enabled": False, "storefront_visibility": True},
)


# ── stock ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_figures_are_what_is_available_to_sell_at_each_location(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v3/inventory/items": answer(200, page(stock_row((1, 7), (2, 3))))})

    reading = store.read_stock(["variant:127", "variant:128"])

    assert reading.figures == (StockFigure("variant:127", "1", 7), StockFigure("variant:127", "2", 3))
    assert reading.missing_items == ("variant:128",)
    assert wire.asked[0].query["variant_id:in"] == "127,128"


def test_items_are_asked_for_by_what_the_store_tracks_them_by(wire: Wire, store: BigCommerce) -> None:
    shared = stock_row((1, 40), variant_id=None, product_id=113, sku="LL-THROW")
    serve(wire, {"GET /v3/inventory/items": [answer(200, page(stock_row((1, 7)))), answer(200, page(shared))]})

    reading = store.read_stock(["variant:127", "product:113", "none:130"])

    assert {(one.item_id, one.available) for one in reading.figures} == {("variant:127", 7), ("product:113", 40)}
    assert reading.missing_items == ()
    assert [set(asked.query) - {"page", "limit"} for asked in wire.asked] == [{"variant_id:in"}, {"product_id:in"}]


def test_a_shared_figure_is_never_added_up_over_its_variants(wire: Wire, store: BigCommerce) -> None:
    rows = [stock_row((1, 40), variant_id=number, product_id=113) for number in (130, 131)]
    serve(wire, {"GET /v3/inventory/items": answer(200, page(*rows))})

    assert store.read_stock(["product:113"]).figures == (StockFigure("product:113", "1", 40),)


def test_items_without_a_figure_of_ours_cost_no_call(wire: Wire, store: BigCommerce) -> None:
    reading = store.read_stock(["none:130"])

    assert (reading.figures, reading.missing_items) == ((), ())
    assert wire.asked == []


def test_many_items_are_asked_for_in_parts_and_pages_are_followed(wire: Wire, store: BigCommerce) -> None:
    first = page(stock_row((1, 1), variant_id=1), pages=2)
    second = page(stock_row((1, 2), variant_id=2), pages=2, current=2)
    third = page(stock_row((1, 3), variant_id=251))
    serve(wire, {"GET /v3/inventory/items": [answer(200, first), answer(200, second), answer(200, third)]})

    reading = store.read_stock([f"variant:{number}" for number in range(1, 301)])

    assert [one.available for one in reading.figures] == [1, 2, 3]
    assert len(wire.asked) == 3
    assert len(reading.missing_items) == 297


def test_a_negative_figure_is_a_figure(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v3/inventory/items": answer(200, page(stock_row((1, -3))))})

    assert store.read_stock(["variant:127"]).figures[0].available == -3


def with_lines(*parts: dict[str, Any], pickups: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    consignments = {"pickups": pickups or [], "shipping": list(parts), "downloads": [], "email": {}}
    return order(consignments=consignments, **changes)


DEFAULT = {"GET /v3/inventory/locations": answer(200, page({"id": 1, "label": "Asheville Workshop"}))}


def test_shipped_orders_stand_at_the_default_location(wire: Wire, store: BigCommerce) -> None:
    lines = [order_product(), order_product(id=26, quantity=1), order_product(id=27, product_id=0, variant_id=0)]
    serve(wire, {**DEFAULT, "GET /v2/orders/{id}": answer(200, with_lines({"id": 9, "line_items": lines}))})

    reading = store.read_stock([], order_ids=["118"])

    assert reading.placements == (Placement("118", "127", "1", 3),)
    assert [one.id for one in reading.orders] == ["118"]
    assert wire.asked[-1].query["is_default"] == "true"
    assert calls(wire) == ["GET /v2/orders/118", "GET /v3/inventory/locations"]


def test_the_default_location_is_not_asked_for_with_every_read(wire: Wire, store: BigCommerce) -> None:
    lines = with_lines({"id": 9, "line_items": [order_product()]})
    serve(wire, {**DEFAULT, "GET /v2/orders/{id}": [answer(200, lines), answer(200, lines)]})

    first, second = (store.read_stock([], order_ids=["118"]).placements for _ in range(2))

    assert first == second == (Placement("118", "127", "1", 2),)
    assert calls(wire).count("GET /v3/inventory/locations") == 1


def test_an_order_without_its_lines_is_asked_for_them(wire: Wire, store: BigCommerce) -> None:
    serve(
        wire,
        {
            **DEFAULT,
            "GET /v2/orders/{id}": answer(200, order()),
            "GET /v2/orders/{id}/products": answer(200, [order_product()]),
        },
    )

    assert store.read_stock([], order_ids=["118"]).placements == (Placement("118", "127", "1", 2),)


def test_what_is_picked_up_stands_where_it_is_picked_up(wire: Wire, store: BigCommerce) -> None:
    pickup = {"id": 1, "location": {"id": 2, "name": "Durham Store"}, "line_items": [order_product(quantity=1)]}
    serve(wire, {**DEFAULT, "GET /v2/orders/{id}": answer(200, with_lines(pickups=[pickup]))})

    assert store.read_stock([], order_ids=["118"]).placements == (Placement("118", "127", "2", 1),)


def test_orders_that_are_gone_are_left_out_of_a_reading(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v2/orders": answer(204), "GET /v2/orders/118": answer(200, order(is_deleted=True))})

    reading = store.read_stock([], order_ids=["118", "119"])

    assert (reading.orders, reading.placements) == ((), ())


def test_orders_of_one_lane_are_read_in_one_call(wire: Wire, store: BigCommerce) -> None:
    listed = [
        with_lines({"id": 9, "line_items": [order_product(quantity=number)]}, id=number) for number in (118, 119, 120)
    ]
    serve(wire, {**DEFAULT, "GET /v2/orders": answer(200, listed)})

    reading = store.read_stock([], order_ids=["118", "120"])

    assert [(one.order_id, one.quantity) for one in reading.placements] == [("118", 118), ("120", 120)]
    assert calls(wire) == ["GET /v2/orders", "GET /v3/inventory/locations"]
    assert {name: wire.asked[0].query[name] for name in ("min_id", "max_id")} == {"min_id": "118", "max_id": "120"}


def test_an_order_the_list_leaves_out_is_asked_for_by_itself(wire: Wire, store: BigCommerce) -> None:
    lines = {"id": 9, "line_items": [order_product()]}
    serve(
        wire,
        {
            **DEFAULT,
            "GET /v2/orders": answer(204),
            "GET /v2/orders/118": answer(200, with_lines(lines)),
        },
    )

    reading = store.read_stock([], order_ids=["118", "120"])

    assert [one.id for one in reading.orders] == ["118"]
    assert calls(wire)[:3] == ["GET /v2/orders", "GET /v2/orders/118", "GET /v3/inventory/locations"]


def test_orders_far_apart_are_not_read_with_all_between_them() -> None:
    assert stock.spans(["9000", "118", "200", "367", "368", "x"]) == [["118", "200", "367"], ["368"], ["9000"]]


def test_locations_are_named_and_disabled_ones_hold_nothing_to_sell(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v3/inventory/locations": answer(200, PLACES)})

    found = store.locations()

    assert [(one.id, one.name, one.active, one.fulfills_online) for one in found] == [
        ("1", "Asheville Workshop", True, True),
        ("2", "Durham Store", False, False),
    ]


def test_a_store_without_locations_has_its_default_one(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v3/inventory/locations": answer(200, page())})

    assert [(one.id, one.active) for one in store.locations()] == [("1", True)]


# ── catalog ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def catalog(wire: Wire, *products: dict[str, Any], rows: tuple[dict[str, Any], ...] = ()) -> None:
    serve(
        wire,
        {
            "GET /v3/catalog/products": answer(200, page(*products)),
            "GET /v3/inventory/items": answer(200, page(*rows)),
        },
    )


def test_a_variant_comes_whole_with_its_figures(wire: Wire, store: BigCommerce) -> None:
    catalog(wire, product(), rows=(stock_row((1, 7), (2, 3)),))

    (found,) = store.list_variants().items

    assert (found.id, found.product_id, found.item_id) == ("127", "111", "variant:127")
    assert (found.sku, found.barcode, found.price) == ("LL-CANDLE-S", "0123456789012", Decimal("12.50"))
    assert found.options == (("Size", "Small"),)
    assert found.figures == (("1", 7), ("2", 3))
    assert (found.tracked, found.active, found.visible, found.requires_shipping) == (True, True, True, True)
    assert found.image_url == "https://cdn.example.com/candle.jpg"
    assert found.updated_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert wire.asked[0].query["include"] == "variants,primary_image"
    assert wire.asked[1].query["product_id:in"] == "111"


def test_a_product_without_options_is_its_base_variant(wire: Wire, store: BigCommerce) -> None:
    base = variant(sku="", upc="", option_values=[], sku_id=None)
    simple = product(base, inventory_tracking="product", sku="LL-CANDLE", upc="999")
    catalog(wire, simple, rows=(stock_row((1, 9)),))

    (found,) = store.list_variants().items

    assert (found.sku, found.barcode, found.options) == ("LL-CANDLE", "999", ())
    assert (found.item_id, found.figures) == ("product:111", (("1", 9),))


def test_variants_of_a_product_tracked_as_one_share_its_figure(wire: Wire, store: BigCommerce) -> None:
    shared = product(variant(), variant(id=128, sku="LL-CANDLE-L"), inventory_tracking="product")
    catalog(wire, shared, rows=(stock_row((1, 9), variant_id=None),))

    found = store.list_variants().items

    assert [(one.item_id, one.figures, one.sku) for one in found] == [
        ("product:111", (("1", 9),), "LL-CANDLE-S"),
        ("product:111", (("1", 9),), "LL-CANDLE-L"),
    ]


def test_a_products_own_sku_is_no_variants_where_there_are_several(wire: Wire, store: BigCommerce) -> None:
    catalog(wire, product(variant(sku=""), variant(id=128, sku=""), inventory_tracking="none"))

    assert [one.sku for one in store.list_variants().items] == ["", ""]


def test_what_is_not_tracked_has_no_figures_and_costs_no_call(wire: Wire, store: BigCommerce) -> None:
    catalog(wire, product(inventory_tracking="none"))

    (found,) = store.list_variants().items

    assert (found.tracked, found.figures, found.item_id) == (False, (), "none:127")
    assert calls(wire) == ["GET /v3/catalog/products"]


@pytest.mark.parametrize(
    ("changes", "active", "visible"),
    [
        ({"is_visible": False}, True, False),
        ({"availability": "disabled"}, False, True),
        ({"availability": "preorder"}, True, True),
        ({"variants": [variant(purchasing_disabled=True)]}, False, True),
    ],
)
def test_hidden_and_disabled_are_two_things(
    wire: Wire, store: BigCommerce, changes: dict[str, Any], active: bool, visible: bool
) -> None:
    catalog(wire, product(**changes))

    (found,) = store.list_variants().items

    assert (found.active, found.visible) == (active, visible)


def test_pages_go_on_behind_the_last_product(wire: Wire, store: BigCommerce) -> None:
    first = page(*(product(variant(id=1000 + n), id=n, inventory_tracking="none") for n in range(1, 101)))
    last = page(product(variant(id=2000), id=205, inventory_tracking="none"))
    serve(wire, {"GET /v3/catalog/products": [answer(200, first), answer(200, last)]})

    one = store.list_variants()
    two = store.list_variants(after_token=one.next_token)

    assert (len(one.items), one.next_token) == (100, "100")
    assert ([found.id for found in two.items], two.next_token) == (["2000"], "")
    assert [asked.query["id:greater"] for asked in wire.asked] == ["0", "100"]


def test_changes_since_a_time_come_with_the_newest_of_them(wire: Wire, store: BigCommerce) -> None:
    catalog(wire, product(inventory_tracking="none"))

    found = store.list_variants(updated_after=datetime(2026, 11, 20, 9, 0, tzinfo=UTC))

    assert wire.asked[0].query["date_modified:min"] == "2026-11-20T09:00:00Z"
    assert found.bound == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_later_pages_of_changes_are_asked_from_the_same_time(wire: Wire, store: BigCommerce) -> None:
    first = page(*(product(variant(id=1000 + n), id=n, inventory_tracking="none") for n in range(1, 101)))
    serve(wire, {"GET /v3/catalog/products": [answer(200, first), answer(200, page())]})

    one = store.list_variants(updated_after=datetime(2026, 11, 20, 9, 0, tzinfo=UTC))
    store.list_variants(after_token=one.next_token, updated_after=datetime(2026, 11, 20, 9, 58, tzinfo=UTC))

    assert [asked.query["date_modified:min"] for asked in wire.asked] == ["2026-11-20T09:00:00Z"] * 2
    assert [asked.query["id:greater"] for asked in wire.asked] == ["0", "100"]


def test_a_list_that_goes_backwards_is_not_followed_for_ever(wire: Wire, store: BigCommerce) -> None:
    catalog(wire, product(inventory_tracking="none"))

    with pytest.raises(UnexpectedReply):
        store.list_variants(after_token="111")


@pytest.mark.parametrize("token", ["x", "1;2", "-1", "١", "1@", "1@soon"])
def test_a_token_of_somebody_elses_is_refused(wire: Wire, store: BigCommerce, token: str) -> None:
    with pytest.raises(Rejected) as caught:
        store.list_variants(after_token=token)

    assert caught.value.code == "page_token"


def test_products_that_are_gone_have_no_variants(wire: Wire, store: BigCommerce) -> None:
    catalog(wire, product(inventory_tracking="none"))

    found = store.get_products(["111", "112", "nonsense"])

    assert [one.id for one in found["111"]] == ["127"]
    assert (found["112"], found["nonsense"]) == ((), ())
    assert wire.asked[0].query["id:in"] == "111,112"


@pytest.mark.usefixtures("odd_answers")
def test_a_product_without_its_variants_cannot_be_read(wire: Wire, store: BigCommerce) -> None:
    catalog(wire, product(variants=None))

    with pytest.raises(UnexpectedReply):
        store.get_products(["111"])


def test_a_sku_is_found_among_variants_and_products(wire: Wire, store: BigCommerce) -> None:
    found = product(variant(), variant(id=128, sku="LL-CANDLE-L"), inventory_tracking="none")
    serve(
        wire,
        {
            "GET /v3/catalog/variants": answer(200, page(variant())),
            "GET /v3/catalog/products": [answer(200, page()), answer(200, page(found))],
        },
    )

    variants = store.find_variants("ll-candle-l")

    assert [one.id for one in variants] == ["128", "127"]
    assert [asked.query.get("sku") for asked in wire.asked[:2]] == ["ll-candle-l", "ll-candle-l"]


def test_words_are_looked_for_when_they_are_no_sku_and_no_barcode(wire: Wire, store: BigCommerce) -> None:
    found = product(inventory_tracking="none")
    serve(
        wire,
        {
            "GET /v3/catalog/variants": answer(200, page()),
            "GET /v3/catalog/products": [answer(200, page()), answer(200, page()), answer(200, page(found))],
        },
    )

    variants = store.find_variants("beeswax")

    assert [one.id for one in variants] == ["127"]
    assert wire.asked[4].query["keyword"] == "beeswax"


def test_nothing_typed_finds_nothing(wire: Wire, store: BigCommerce) -> None:
    assert store.find_variants("  ") == []
    assert wire.asked == []


# ── the store ────────────────────────────────────────────────────────────────────────────────────────────────────────

STATUSES = [
    {"id": 0, "name": "Incomplete", "system_label": "Incomplete", "custom_label": "Incomplete"},
    {"id": 5, "name": "Cancelled", "system_label": "Cancelled", "custom_label": "Cancelled"},
    {"id": 9, "name": "Awaiting Shipment", "system_label": "Awaiting Shipment", "custom_label": "To pack"},
    {"id": 11, "name": "Awaiting Fulfillment", "system_label": "Awaiting Fulfillment", "custom_label": ""},
]
DOLLAR = {"id": 1, "currency_code": "USD", "is_default": True, "is_transactional": True, "enabled": True}
EURO = {"id": 2, "currency_code": "EUR", "is_default": False, "is_transactional": True, "enabled": True}
POUND = {"id": 3, "currency_code": "GBP", "is_default": False, "is_transactional": False, "enabled": True}


def facts(**changes: Any) -> dict[str, Any]:
    return {
        "GET /v2/store": answer(200, store_facts()),
        "GET /v2/order_statuses": answer(200, STATUSES),
        "GET /v2/currencies": answer(200, [EURO, DOLLAR, POUND]),
        "GET /v3/settings/inventory": answer(200, settings("order_completed_or_shipped")),
        **changes,
    }


def test_a_store_tells_its_facts(wire: Wire, store: BigCommerce) -> None:
    serve(wire, facts())

    info = store.info()

    assert (info.key, info.name, info.currency, info.country) == ("g5cd38", "Lumen & Loom", "USD", "US")
    assert (info.timezone, info.email, info.plan) == ("America/New_York", "owner@example.com", "Plus")
    assert info.claims_stock == "at_shipping"
    assert info.order_statuses == (("9", "To pack"), ("11", "Awaiting Fulfillment"))
    assert info.currencies == ("USD", "EUR")
    assert info.taxes_included is False


def test_facts_are_read_anew_when_they_are_asked_for(wire: Wire, store: BigCommerce) -> None:
    placed = answer(200, settings("order_placed"))
    serve(wire, facts(**{"GET /v3/settings/inventory": [answer(200, settings("order_completed_or_shipped")), placed]}))

    assert [store.info().claims_stock, store.info().claims_stock] == ["at_shipping", "at_creation"]


def test_facts_that_cannot_be_read_are_not_kept(wire: Wire, store: BigCommerce) -> None:
    serve(wire, facts(**{"GET /v2/store": [answer(500, {}), answer(200, store_facts())]}))

    with pytest.raises(TransientError):
        store.info()

    assert store.info().name == "Lumen & Loom"
