"""A bundle or multipack sold as one line: the store's own lines, their stock, and exactly what the buyer paid (F45, F46)."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Membership
from inventory import mappings
from orders import change
from orders.order_page import OrderPage
from salestio import tenancy
from tests.orders.conftest import Start
from tests.orders.world import World, sold

pytestmark = pytest.mark.django_db(transaction=True)
MERCHANTS = {"shopify": "harbour", "bigcommerce": "lumen"}


@pytest.fixture(params=sorted(MERCHANTS))
def world(request: pytest.FixtureRequest, start: Start) -> World:
    """Amazon into each store in turn."""
    return start(MERCHANTS[request.param], platform="amazon")


def map_bundle(world: World, seller_sku: str, *parts: tuple[str, int]) -> None:
    with tenancy.scope(world.merchant_id):
        mappings.save(store=world.store(), account=world.account(), seller_sku=seller_sku, parts=parts, actor="Ines")


def test_a_bundle_becomes_the_stores_own_lines_with_their_stock_and_the_total_the_buyer_paid(world: World) -> None:
    one, two = world.goods(2)
    world.set_stock(one, 10)
    world.set_stock(two, 10)
    world.read(one, two)
    map_bundle(world, one, (one, 1), (two, 3))

    (reference,) = world.buy((one, 2), discount="1.11", shipping="4.99", tax="3.07")
    world.work(reference, until=("created",))
    world.work_for(0.5)

    (made,) = world.store_orders(reference)
    paid = world.at_marketplace(reference)
    assert sold(made) == {one: 2, two: 6}
    assert (made["total"], made["currency"]) == (paid["total"], paid["currency"])
    assert (world.units(one), world.units(two)) == (8, 4)
    assert (world.reserved(one), world.reserved(two)) == (0, 0)


def test_a_bundle_short_of_one_part_takes_nothing_and_flows_when_the_part_comes_in(world: World) -> None:
    one, two = world.goods(2)
    world.set_stock(one, 10)
    world.set_stock(two, 2)
    world.read(one, two)
    map_bundle(world, one, (one, 1), (two, 3))

    (reference,) = world.buy((one, 1))
    world.work(reference)
    held = world.known(reference)
    assert (held.export_state, held.reason_code) == ("held", "OUT_OF_STOCK")
    assert [(item["sku"], item["wanted"], item["available"]) for item in held.reason_data["items"]] == [(two, 3, 2)]
    assert (world.reserved(one), world.reserved(two)) == (0, 0)

    world.set_stock(two, 3)
    world.read(two)
    world.work(reference, until=("created",))
    assert (world.units(one), world.units(two)) == (9, 0)


def test_the_page_shows_the_parts_and_change_makes_the_line_one_product(world: World) -> None:
    one, two = world.goods(2)
    world.set_stock(one, 10)
    world.set_stock(two, 0)
    world.read(one, two)
    map_bundle(world, one, (one, 1), (two, 3))
    (reference,) = world.buy((one, 2))
    world.work(reference)
    order = world.known(reference)

    with tenancy.scope(world.merchant_id):
        (line,) = OrderPage(order).lines_shown
    client = Client()
    client.force_login(Membership.objects.filter(merchant_ref=world.merchant_id, role="owner")[0].user)
    text = client.get(f"/orders/{order.pk}/").content.decode()
    with tenancy.scope(world.merchant_id):
        variant = order.lines.get().variant
    assert variant is not None
    change.match_line(world.merchant_id, order.pk, 1, variant.pk, actor="Ines")
    world.work(reference, until=("created",))

    assert [(part.units, part.sku, part.available) for part in line.parts] == [(2, one, 10), (6, two, 0)]
    assert "6 × <a" in text and two in text and "0 available" in text
    (made,) = world.store_orders(reference)
    assert sold(made) == {one: 2}
