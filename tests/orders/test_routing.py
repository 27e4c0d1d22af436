"""Routing rules on real orders: where stock is tested and taken, and what happens when a place runs out (F59)."""

from __future__ import annotations

import pytest

from inventory.models import Location
from orders.models import RoutingRule
from salestio import tenancy
from tests.orders.test_flow import SKU, read
from tests.orders.world import SHOP, World

pytestmark = pytest.mark.django_db(transaction=True)


def stock_at(world: World, place: str, units: int) -> None:
    """Let the merchant set the units of the SKU at one location."""
    found = next(one for one in world.variant(SKU)["locations"] if one["name"] == place)
    world.sandbox.control("PUT", f"/stores/{SHOP}/variants", {"available": units, "location": found["id"]}, sku=SKU)


def rule(world: World, name: str, place: str, **conditions: object) -> None:
    """Write a rule of the store."""
    with tenancy.scope(world.merchant_id):
        store = world.store()
        RoutingRule.objects.create(
            merchant_id=world.merchant_id, store=store, position=RoutingRule.objects.count() + 1, name=name,
            location=Location.objects.get(store=store, name=place), conditions=conditions,
        )  # fmt: skip


def test_an_order_is_served_from_the_rules_location_and_the_store_is_asked_to_ship_it_there(world: World) -> None:
    stock_at(world, "Portland Warehouse", 5)
    stock_at(world, "Reno Outlet", 5)
    read(world, SKU)
    rule(world, "America from Reno", "Reno Outlet", countries=["US"])

    (reference,) = world.buy((SKU, 2))
    world.work(reference)

    order = world.order(reference)
    assert order is not None
    assert (order.export_state, order.routed_by) == ("created", "America from Reno")
    world.work_until(lambda: world.store_orders(reference)[0]["location"] == "Reno Outlet")
    places = {one["name"]: one["available"] for one in world.variant(SKU)["locations"]}
    assert places == {"Portland Warehouse": 5, "Reno Outlet": 3}


def test_a_rule_that_asks_for_stock_gives_way_to_the_next_one(world: World) -> None:
    stock_at(world, "Portland Warehouse", 5)
    stock_at(world, "Reno Outlet", 1)
    read(world, SKU)
    rule(world, "Reno while it lasts", "Reno Outlet", needs_stock=True)
    rule(world, "Portland", "Portland Warehouse")

    references = world.buy((SKU, 1), count=3)
    world.work(*references)

    by = sorted(order.routed_by for order in map(world.order, references) if order)
    assert by == ["Portland", "Portland", "Reno while it lasts"]
    assert world.states()["created"] == 3


def test_a_location_that_has_too_little_holds_the_order_and_names_the_place(world: World) -> None:
    stock_at(world, "Portland Warehouse", 9)
    stock_at(world, "Reno Outlet", 1)
    read(world, SKU)
    rule(world, "Reno", "Reno Outlet")

    (reference,) = world.buy((SKU, 2))
    world.work(reference)

    order = world.order(reference)
    assert order is not None
    assert (order.export_state, order.reason_code) == ("held", "OUT_OF_STOCK")
    assert order.reason_data["items"][0]["location"] == "Reno Outlet"
