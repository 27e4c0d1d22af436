"""The SQL of reservations and figures does, step by step, what the pure clock of `domain/stock.py` says."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from inventory import reservations
from inventory.domain.stock import InsufficientStock, Stock
from tests.inventory.world import World, ask, clock

pytestmark = pytest.mark.django_db

STEPS = 40


def handed_over_at(world: World, order_id: int) -> datetime:
    (row,) = world.reservations(order_id)
    assert row.handed_over_at is not None
    return row.handed_over_at


@pytest.mark.parametrize("seed", range(12))
def test_every_step_leaves_the_row_as_the_rule_has_it(world: World, seed: int) -> None:
    chance = random.Random(seed)
    sku = f"S{seed}"
    variant = world.variant(sku, chance.randint(2, 12))
    rule = Stock().settle(figure=world.only_stock(variant).figure, as_of=clock().timestamp())
    kept: dict[int, int] = {}
    departures: list[datetime] = [clock()]
    for order_id in range(1, STEPS):
        step = chance.choice(["reserve", "reserve", "release", "hand over", "leave", "figure", "figure"])
        if step == "reserve":
            units = chance.randint(1, 4)
            with world.scope():
                found = reservations.reserve(store_id=world.store.id, asks=[ask(order_id, (variant, units))])
            try:
                rule = rule.reserve(units)
                kept[order_id] = units
                assert found.granted_orders == {order_id}
            except InsufficientStock:
                assert found.granted == ()
        elif step == "release" and kept:
            order = chance.choice(sorted(kept))
            with world.scope():
                assert reservations.release(order_ids=[order], cause="canceled") == {variant.id: kept[order]}
            rule = rule.release(kept.pop(order))
        elif step == "hand over" and kept:
            order = chance.choice(sorted(kept))
            with world.scope():
                reservations.hand_over(order_id=order, platform="shopify")
            rule = rule.hand_over(kept.pop(order), at=handed_over_at(world, order).timestamp())
        elif step == "leave":
            departures.append(clock())
        elif step == "figure":
            # Late, repeated, out of order: any read that ever left may come back now.
            left, figure = (
                chance.choice(departures) + timedelta(microseconds=chance.randint(0, 1)),
                chance.randint(0, 9),
            )
            with world.scope():  # whether the store claims stock is another rule's business: these figures are random
                type(world.store).objects.update(claim_misses=0)
            world.read({sku: [figure]}, at=left)
            rule = rule.settle(figure=figure, as_of=left.timestamp())
        row = world.only_stock(variant)
        assert (row.figure, row.reserved) == (rule.figure, rule.reserved), step
