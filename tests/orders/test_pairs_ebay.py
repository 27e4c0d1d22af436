"""What is particular to eBay: combined orders, ids that change at payment, cancellations in play, its own shipping."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from accounts import connections
from orders.models import Order
from salestio import tenancy
from tests.orders.conftest import Start
from tests.orders.world import World, sold

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["harbour", "lumen"], ids=["shopify", "bigcommerce"])
def world(request: pytest.FixtureRequest, start: Start) -> World:
    """An eBay seller and each kind of store."""
    return start(request.param, platform="ebay")


@pytest.fixture
def goods(world: World) -> list[str]:
    """Two SKUs with nine units each, their figures read."""
    skus = world.goods(2)
    for sku in skus:
        world.set_stock(sku, 9)
    world.read(*skus)
    return skus


def decline(world: World, request_id: str) -> None:
    """Decline a buyer's cancellation as the seller does it on eBay."""
    token = connections.tokens_for(world.account()).current()
    answer = requests.post(
        f"{world.sandbox.url}/ebay/api/post-order/v2/cancellation/{request_id}/reject",
        json={"shipmentDate": {"value": "2026-11-21T00:00:00.000Z"}, "trackingNumber": "9400111899560000000000"},
        headers={"Authorization": f"IAF {token}", "X-EBAY-C-MARKETPLACE-ID": "EBAY_US"}, timeout=10,
    )  # fmt: skip
    assert answer.ok, answer.text


def test_a_combined_order_is_one_store_order(world: World, goods: list[str]) -> None:
    one, two = goods
    (reference,) = world.buy((one, 1), (two, 2), combined=True, note="Please leave it next door.")

    world.work(reference, until=("created",))

    (made,) = world.store_orders(reference)
    assert sold(made) == {one: 1, two: 2}
    assert made["total"] == world.at_marketplace(reference)["total"]
    assert "Please leave it next door." in made["note"]
    assert len(world.writes("order.create")) == 1


def test_an_order_that_gets_another_id_when_it_is_paid_is_one_order(world: World, goods: list[str]) -> None:
    (before,) = world.buy((goods[0], 1), status="pending")
    world.work(before, until=("imported",))
    assert world.known(before).reason_code == "NOT_PAID_YET"

    after = world.change(before, status="paid")["id"]
    world.work(after, until=("created",))

    assert after != before
    assert world.order(before) is None
    assert len(world.store_orders(after)) == 1
    assert world.store_orders(before) == []
    assert "ID_CHANGED" in world.events(after)
    assert world.units(goods[0]) == 8


def test_purchases_that_are_paid_together_become_one_order_and_leave_none_behind(
    world: World, goods: list[str]
) -> None:
    one, two = goods
    first, second = world.buy((one, 1), (two, 1), combined=True, status="pending")
    world.work(first, second, until=("imported",))

    paid = world.change(first, status="paid")["id"]
    world.work(paid, until=("created",))
    world.work_for(0.5)

    (made,) = world.store_orders(paid)
    assert sold(made) == {one: 1, two: 1}
    with tenancy.scope(world.merchant_id):
        states = dict(Order.objects.values_list("marketplace_order_id", "export_state"))
    # What became part of the paid order waits for nothing any more.
    assert {state for reference, state in states.items() if reference != paid} <= {"canceled"}


def test_a_cancellation_in_play_holds_the_order_and_ends_it_when_granted(world: World, goods: list[str]) -> None:
    (reference,) = world.buy((goods[0], 1))
    world.change(reference, cancel_request=True)
    world.work(reference)
    order = world.known(reference)
    assert (order.export_state, order.reason_code) == ("held", "CANCEL_REQUESTED")
    assert world.reserved(goods[0]) == 0

    world.change(reference, status="canceled")
    world.work(reference, until=("canceled",))

    assert world.store_orders(reference) == []
    assert world.units(goods[0]) == 9


@pytest.mark.parametrize("end", ["granted", "declined"])
def test_units_reserved_before_a_cancellation_was_asked_for_stay_until_it_is_decided(
    world: World, goods: list[str], end: str
) -> None:
    """Until then the marketplace has sold them: nobody else may buy the last one."""
    world.settings(world.store(), read_only=True)
    (reference,) = world.buy((goods[0], 9))
    world.work(reference, until=("waiting",))
    assert (world.known(reference).reason_code, world.reserved(goods[0])) == ("READ_ONLY", 9)

    request = world.change(reference, cancel_request=True)["cancel_requests"][0]
    world.work(reference, until=("held",))
    world.settings(world.store(), read_only=False)
    world.work_for(0.5)

    assert (world.known(reference).reason_code, world.reserved(goods[0])) == ("CANCEL_REQUESTED", 9)
    (other,) = world.buy((goods[0], 1))
    world.work(other)
    assert world.known(other).reason_code == "OUT_OF_STOCK"

    if end == "granted":
        world.change(reference, status="canceled")
        world.work(other, until=("created",))
        assert world.store_orders(reference) == []
    else:
        decline(world, request["id"])
        world.work(reference, until=("created",))
        assert world.known(other).reason_code == "OUT_OF_STOCK"


def test_a_cancellation_that_is_declined_lets_the_order_go_on(world: World, goods: list[str]) -> None:
    (reference,) = world.buy((goods[0], 1))
    request = world.change(reference, cancel_request=True)["cancel_requests"][0]
    world.work(reference)
    assert world.known(reference).reason_code == "CANCEL_REQUESTED"

    decline(world, request["id"])
    world.work(reference, until=("created",))

    assert len(world.store_orders(reference)) == 1


def test_what_ebay_ships_itself_is_shown_and_not_created(world: World, goods: list[str]) -> None:
    (reference,) = world.buy((goods[0], 1), fulfilled_by="marketplace")

    world.work(reference)

    order = world.known(reference)
    assert (order.export_state, order.fulfilled_by) == ("skipped", "marketplace")
    assert world.store_orders(reference) == []
    assert (world.units(goods[0]), world.reserved(goods[0])) == (9, 0)


def test_an_order_for_ebays_hub_goes_to_the_hub_with_its_reference(world: World, goods: list[str]) -> None:
    (reference,) = world.buy((goods[0], 1), programs=["GLOBAL_SHIPPING"])

    world.work(reference, until=("created",))

    hub = "Reference#EBP"
    assert hub in str(shipping_addresses(world, reference))
    with tenancy.scope(world.merchant_id):
        assert "GLOBAL_SHIPPING" in world.known(reference).programs


def shipping_addresses(world: World, reference: str) -> Any:
    """Return where the one store order goes, by the store's own word."""
    (made,) = world.store_orders(reference)
    token = connections.tokens_for(world.store()).current()
    if world.store_platform == "bigcommerce":
        url = f"{world.sandbox.url}/bigcommerce/stores/{world.shop}/v2/orders/{made['id']}/shipping_addresses"
        return requests.get(url, headers={"X-Auth-Token": token, "Accept": "application/json"}, timeout=10).json()
    body = {"query": f'{{ order(id: "{made["id"]}") {{ shippingAddress {{ name address1 address2 city country }} }} }}'}
    url = f"{world.sandbox.url}/shopify/{world.shop}/admin/api/2026-10/graphql.json"
    answer = requests.post(url, json=body, headers={"X-Shopify-Access-Token": token}, timeout=10).json()
    return answer["data"]["order"]["shippingAddress"]


def test_a_listing_without_a_sku_is_matched_by_its_title_and_variation(world: World) -> None:
    row = next(row for row in world.listings() if row["kind"] == "title" and not row["sku"])
    world.set_stock(row["store_sku"], 9)
    world.read(row["store_sku"])
    line = {"sku": "", "item_id": row["item_id"], "variation_id": row["variation_id"], "quantity": 1}
    (reference,) = world.place([line])

    world.work(reference, until=("created",))

    assert world.lines(reference)[0].matched_by == "title"
    assert sold(world.store_orders(reference)[0]) == {row["store_sku"]: 1}
