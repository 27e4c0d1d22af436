"""Orders in, store orders out, over real HTTP; counted from the sandbox's record."""

from __future__ import annotations

import pytest

from orders import pipeline
from tests.orders.world import World

pytestmark = pytest.mark.django_db(transaction=True)

SKU = "NP-MBL-200-W-S-FOR"


def test_a_paid_order_becomes_exactly_one_store_order_and_takes_its_units(world: World) -> None:
    world.set_stock(SKU, 10)
    (reference,) = world.buy((SKU, 3))

    world.work(reference)

    (made,) = world.store_orders(reference)
    order = world.order(reference)
    assert order is not None
    assert (order.export_state, order.store_order_name) == ("created", made["name"])
    assert made["total"] == f"{order.total:.2f}"
    assert world.units(SKU) == 7
    assert {"IMPORTED", "MATCHED", "RESERVED", "CREATED"} <= set(world.events(reference))
