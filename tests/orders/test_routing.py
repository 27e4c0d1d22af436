"""Routing rules on real orders: where stock is tested and taken, and what happens when a place runs out (F59)."""

from __future__ import annotations

import pytest
from django.utils.timezone import now

from connectors.contract.types import StoreLocation
from inventory import mirror, stock
from inventory.models import Location, Reservation, Variant
from orders import routing_rules
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


# ── rules that change, places that run out or close ──────────────────────────────────────────────────────────────────

OTHER = "NP-MBL-200-W-M-FOR"


def place_of(world: World, name: str) -> Location:
    with tenancy.scope(world.merchant_id):
        return Location.objects.get(store__key=SHOP, name=name)


def held_at(world: World, reference: str) -> list[tuple[str | None, int]]:
    """Return (location's name, units) of what an order keeps."""
    with tenancy.scope(world.merchant_id):
        rows = Reservation.objects.filter(order_ref=world.known(reference).pk, state="kept")
        return sorted(rows.values_list("stock__location__name", "quantity"))


def save_rule(world: World, name: str, place: str, **typed: object) -> None:
    """Save a rule as the page does, which tells whoever waits."""
    location = str(place_of(world, place).pk)
    with tenancy.scope(world.merchant_id):
        store = world.store()
        draft = routing_rules.read(store, {"name": name, "location": location, **typed})
        routing_rules.save(store, draft, pk=None, actor="Ines")


def read_only(world: World, on: bool) -> None:
    world.settings(world.store(), read_only=on)


def test_a_rule_saved_while_an_order_waits_moves_the_units_it_keeps_too(world: World) -> None:
    stock_at(world, "Portland Warehouse", 5)
    stock_at(world, "Reno Outlet", 5)
    read(world, SKU)
    rule(world, "Portland first", "Portland Warehouse")
    read_only(world, True)
    (reference,) = world.buy((SKU, 2))
    world.work(reference, until=("waiting",))
    assert held_at(world, reference) == [("Portland Warehouse", 2)]

    with tenancy.scope(world.merchant_id):
        (first,) = routing_rules.of_store(world.store().pk)
        routing_rules.switch(world.store(), first.pk, on=False, actor="Ines")
    save_rule(world, "Now from Reno", "Reno Outlet")
    world.work(reference, until=("waiting",))
    read_only(world, False)
    world.work(reference)

    assert world.known(reference).routed_by == "Now from Reno"
    world.work_until(lambda: world.store_orders(reference)[0]["location"] == "Reno Outlet")
    world.work_until(lambda: world.reserved(SKU) == 0)
    assert {one["name"]: one["available"] for one in world.variant(SKU)["locations"]} == {
        "Portland Warehouse": 5,
        "Reno Outlet": 3,
    }


def test_the_first_rule_moves_the_units_of_an_order_that_no_rule_had_placed(world: World) -> None:
    stock_at(world, "Portland Warehouse", 5)
    stock_at(world, "Reno Outlet", 5)
    read(world, SKU)
    world.settings(world.store(), default_location=place_of(world, "Portland Warehouse").pk)
    read_only(world, True)
    (reference,) = world.buy((SKU, 2))
    world.work(reference, until=("waiting",))

    save_rule(world, "Now from Reno", "Reno Outlet")
    read_only(world, False)
    world.work(reference)

    world.work_until(lambda: world.store_orders(reference)[0]["location"] == "Reno Outlet")


def test_an_order_stays_where_a_rule_that_asks_for_stock_put_it_though_it_holds_the_last_units(world: World) -> None:
    stock_at(world, "Portland Warehouse", 5)
    stock_at(world, "Reno Outlet", 2)
    read(world, SKU)
    rule(world, "Reno while it lasts", "Reno Outlet", needs_stock=True)
    rule(world, "Portland", "Portland Warehouse")
    read_only(world, True)
    (reference,) = world.buy((SKU, 2))
    world.work(reference, until=("waiting",))

    read_only(world, False)
    world.work(reference)

    assert world.known(reference).routed_by == "Reno while it lasts"
    world.work_until(lambda: world.store_orders(reference)[0]["location"] == "Reno Outlet")


def test_rules_that_ask_for_stock_are_tried_until_one_has_it(world: World) -> None:
    """Three orders at once, one unit at each of the first two places: the third order gets its turn at the last rule."""
    stock_at(world, "Portland Warehouse", 1)
    stock_at(world, "Reno Outlet", 1)
    read(world, SKU)
    with tenancy.scope(world.merchant_id):
        third = Location.objects.create(
            merchant_id=world.merchant_id, store=world.store(), remote_id="gid://shopify/Location/9", name="Boise Barn"
        )
        variant = Variant.objects.get(sku=SKU)
        stock.set_from_store(store_id=world.store().pk, readings=[(variant.item_id, third.remote_id, 5)], as_of=now())
    rule(world, "Reno while it lasts", "Reno Outlet", needs_stock=True)
    rule(world, "Portland while it lasts", "Portland Warehouse", needs_stock=True)
    rule(world, "Boise", "Boise Barn")
    read_only(world, True)

    references = world.buy((SKU, 1), count=3)
    world.work(*references, until=("waiting", "held"))

    assert sorted(held_at(world, reference)[0][0] or "" for reference in references) == [
        "Boise Barn", "Portland Warehouse", "Reno Outlet",
    ]  # fmt: skip


def test_an_order_that_waits_for_one_place_does_not_stop_those_of_another(world: World) -> None:
    stock_at(world, "Portland Warehouse", 9)
    stock_at(world, "Reno Outlet", 1)
    read(world, SKU)
    rule(world, "From Reno", "Reno Outlet", skus=[OTHER])
    rule(world, "All else", "Portland Warehouse")
    (waiting,) = world.buy((SKU, 5), (OTHER, 1))
    world.work(waiting, until=("held",))

    (younger,) = world.buy((SKU, 1))
    world.work(younger)

    assert world.known(younger).export_state == "created"


def test_new_stock_at_a_place_wakes_who_waits_there_behind_a_large_order_of_another_place(world: World) -> None:
    stock_at(world, "Portland Warehouse", 0)
    stock_at(world, "Reno Outlet", 1)
    read(world, SKU)
    rule(world, "From Reno", "Reno Outlet", skus=[OTHER])
    rule(world, "All else", "Portland Warehouse")
    (waiting,) = world.buy((SKU, 5), (OTHER, 1))
    world.work(waiting, until=("held",))
    (younger,) = world.buy((SKU, 1))
    world.work(younger, until=("held",))

    stock_at(world, "Portland Warehouse", 2)
    read(world, SKU)
    world.work(younger, until=("created",))

    assert world.known(waiting).export_state == "held"


def close(world: World, name: str) -> None:
    """The store says that a location is not active any more, as a read of its locations would."""
    found = [
        StoreLocation(one.remote_id, one.name, active=one.name != name)
        for one in (place_of(world, "Portland Warehouse"), place_of(world, "Reno Outlet"))
    ]
    with tenancy.scope(world.merchant_id):
        mirror.save_locations(world.store().pk, found)


def test_a_default_warehouse_that_was_closed_in_the_store_serves_no_orders(world: World) -> None:
    stock_at(world, "Portland Warehouse", 5)
    stock_at(world, "Reno Outlet", 5)
    read(world, SKU)
    world.settings(world.store(), default_location=place_of(world, "Reno Outlet").pk)
    close(world, "Reno Outlet")
    read_only(world, True)

    (reference,) = world.buy((SKU, 2))
    world.work(reference, until=("waiting", "held"))

    assert held_at(world, reference) == [("Portland Warehouse", 2)]


def test_an_order_whose_place_was_closed_while_it_waited_is_served_by_the_next_rule(world: World) -> None:
    stock_at(world, "Portland Warehouse", 5)
    stock_at(world, "Reno Outlet", 5)
    read(world, SKU)
    rule(world, "Reno", "Reno Outlet")
    rule(world, "Portland", "Portland Warehouse")
    read_only(world, True)
    (reference,) = world.buy((SKU, 2))
    world.work(reference, until=("waiting",))
    assert held_at(world, reference) == [("Reno Outlet", 2)]

    close(world, "Reno Outlet")
    read_only(world, False)
    world.work(reference)

    assert world.known(reference).routed_by == "Portland"
    assert world.store_orders(reference)[0]["location"] == "Portland Warehouse"


# ── the preview ──────────────────────────────────────────────────────────────────────────────────────────────────────


def preview(world: World, name: str, place: str, **typed: object) -> routing_rules.Preview:
    location = str(place_of(world, place).pk)
    with tenancy.scope(world.merchant_id):
        store = world.store()
        draft = routing_rules.read(store, {"name": name, "location": location, **typed})
        draft.position = 10**4
        return routing_rules.preview(store, [*routing_rules.of_store(store.pk), draft])


def test_the_preview_counts_only_orders_the_rules_decide_about(world: World) -> None:
    """Orders Amazon ships, canceled ones and those without a product take no unit anywhere."""
    stock_at(world, "Portland Warehouse", 9)
    stock_at(world, "Reno Outlet", 9)
    read(world, SKU)
    (mine,) = world.buy((SKU, 1))
    (theirs,) = world.buy((SKU, 1), fulfilled_by="marketplace", status="shipped")
    (canceled,) = world.buy((SKU, 1), status="canceled")
    (unknown,) = world.buy(("NO-SUCH-SKU", 1))
    world.work(mine, theirs, canceled, unknown)

    seen = preview(world, "Reno if it has all", "Reno Outlet", needs_stock=True)

    assert [one.reference for one in seen.changes] == [mine]
    assert seen.per_place == [("Reno Outlet", 0, 1), ("Store decides", 1, 0)]
    assert (seen.orders, seen.left_out) == (1, 3)


def test_the_preview_gives_units_out_once_as_the_pipeline_does(world: World) -> None:
    stock_at(world, "Portland Warehouse", 9)
    stock_at(world, "Reno Outlet", 1)
    read(world, SKU)
    world.settings(world.store(), default_location=place_of(world, "Portland Warehouse").pk)
    read_only(world, True)
    references = world.buy((SKU, 1), count=3)
    world.work(*references, until=("waiting",))

    seen = preview(world, "Reno while it lasts", "Reno Outlet", needs_stock=True)
    save_rule(world, "Reno while it lasts", "Reno Outlet", needs_stock="on")
    read_only(world, False)
    world.work(*references)

    placed = [world.known(reference).routed_by or "none" for reference in references]
    assert [one.reference for one in seen.changes] == [
        reference for reference, rule in zip(references, placed, strict=True) if rule != "none"
    ]
    assert placed.count("none") == 2


def test_a_rule_for_what_the_marketplace_ships_names_the_place_it_is_said_to_have_left_from(world: World) -> None:
    with tenancy.scope(world.merchant_id):
        account = world.account()
    world.settings(account, order_type="both")
    rule(world, "Amazon's warehouse", "Reno Outlet", fulfilled_by="marketplace")
    read(world, SKU)
    before = {one["name"]: one["available"] for one in world.variant(SKU)["locations"]}

    (reference,) = world.buy((SKU, 1), fulfilled_by="marketplace", status="shipped")
    world.work(reference)

    assert world.known(reference).routed_by == "Amazon's warehouse"
    assert [one["location"] for one in world.store_orders(reference)[0]["shipments"]] == ["Reno Outlet"]
    assert {one["name"]: one["available"] for one in world.variant(SKU)["locations"]} == before
